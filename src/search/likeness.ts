// How two pictures are alike, the one measure for collections and for what is drawn: near copies by
// perceptual hash or, where the model finds them alike, because one is a part of the other; then
// look-alikes, which only mean the same to the model.
import type { ContentHash } from '../core/hash.ts'
import { nearBits, type Print, printOf } from './near-copies.ts'
import { overlap, type Shape, shapeOf } from './overlap.ts'

/** What a picture looks like, as far as it is stored. */
export interface Look {
  /** Null for a picture without structure. */
  readonly print: Print | null
  readonly shape: Shape
}

/** How two pictures belong together. */
export interface Likeness {
  readonly kind: 'near' | 'look-alike'
  /**
   * Near: the share of equal bits or, of parts, their correlation. Look-alike: the cosine.
   */
  readonly similarity: number
}

/** Cosine from which one may be a part of the other: a tenth cut off costs less. */
export const PART_SCORE = 0.9
/** Correlation from which it is (`npm run bench -- duplicates`). */
const PART_OVERLAP = 0.94
/** Cosine from which pictures are look-alikes. */
export const LOOK_ALIKE_SCORE = 0.95
const HASH_BITS = 64

/** Reads what is stored. */
export function lookOf(
  id: ContentHash,
  stored: {
    readonly perceptualHash: string
    readonly thumbHash: Uint8Array
    readonly widthPx: number
    readonly heightPx: number
  },
): Look {
  const { perceptualHash, thumbHash, widthPx, heightPx } = stored
  return {
    print: printOf(id, perceptualHash, widthPx, heightPx),
    shape: shapeOf(thumbHash, widthPx / heightPx),
  }
}

/** `cosine` is of their vectors, where both have one. Null for two that are not alike. */
export function likenessOf(
  a: Look,
  b: Look,
  cosine: number | undefined,
  lookAlikeScore = LOOK_ALIKE_SCORE,
): Likeness | null {
  const bits = a.print && b.print && nearBits(a.print, b.print)
  if (bits !== null) return { kind: 'near', similarity: 1 - bits / HASH_BITS }
  if (cosine === undefined) return null
  const part = cosine >= PART_SCORE ? overlap(a.shape, b.shape) : 0
  if (part >= PART_OVERLAP) return { kind: 'near', similarity: Math.min(1, part) }
  if (cosine < lookAlikeScore) return null
  return { kind: 'look-alike', similarity: Math.min(1, cosine) }
}
