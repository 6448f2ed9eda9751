// Near copies by perceptual hash: resized, recompressed, mirrored or slightly changed pictures. All
// pairs that differ in at most six of 64 bits, without comparing all: such a pair agrees in at least
// one of seven bands of bits (the pigeonhole principle; Manku, Jain and Das Sarma 2007).
import { setImmediate } from 'node:timers/promises'
import {
  differingBits,
  differingEitherWay,
  type HashBits,
  hashBits,
  mirrorBits,
  NEAR_COPY_BITS,
} from '../core/bits.ts'
import type { ContentHash } from '../core/hash.ts'

/** A picture's hash, and its shape. */
export interface Print extends HashBits {
  readonly id: ContentHash
  /** Width by height. */
  readonly aspect: number
}

/** A pair that looks the same; `a` is the smaller id. */
export interface NearPair {
  readonly a: ContentHash
  readonly b: ContentHash
  /** Bits in which they differ, one of them mirrored or not, 0 to 6. */
  readonly bits: number
}

/** A crop is another hash; rounding to whole pixels is not a crop. */
const MAX_ASPECT_RATIO = 1.03
const BANDS = NEAR_COPY_BITS + 1
/** Where each band begins: nine or ten bits each. */
const STARTS = Array.from({ length: BANDS + 1 }, (_, band) => Math.floor((band * 64) / BANDS))
/** Comparisons after which other work runs: about 2 ms. */
const SLICE = 200_000

/** Reads a hash; null for a picture without structure, whose hash means nothing. */
export function printOf(
  id: ContentHash,
  perceptualHash: string,
  widthPx: number,
  heightPx: number,
): Print | null {
  const bits = hashBits(perceptualHash)
  return bits && { id, ...bits, aspect: widthPx / heightPx }
}

/** How many bits differ; `null` when the two are no near copies. */
export function nearBits(a: Print, b: Print): number | null {
  const bits = differingEitherWay(a, b)
  return bits <= NEAR_COPY_BITS && isSameShape(a, b) ? bits : null
}

function isSameShape(a: Print, b: Print): boolean {
  const ratio = a.aspect > b.aspect ? a.aspect / b.aspect : b.aspect / a.aspect
  return ratio <= MAX_ASPECT_RATIO
}

/** A picture as it is, or in a mirror. */
interface Side extends Print {
  readonly isMirrored: boolean
}

/** All pairs of near copies, in no order. Lets other work run. */
export async function findNearPairs(prints: readonly Print[]): Promise<NearPair[]> {
  const pairs: NearPair[] = []
  const sides = prints.flatMap((print): Side[] => [
    { ...print, isMirrored: false },
    { ...print, ...mirrorBits(print), isMirrored: true },
  ])
  let work = 0
  for (let band = 0; band < BANDS; band++) {
    for (const bucket of buckets(sides, band)) {
      for (let i = 0; i < bucket.length; i++) {
        const one = sides[bucket[i]!]!
        for (let j = i + 1; j < bucket.length; j++) {
          const other = sides[bucket[j]!]!
          const [a, b] = one.id < other.id ? [one, other] : [other, one]
          // Two mirrored pictures differ as they do without the mirror, and so do the other two.
          if (a.isMirrored) continue
          const bits = differingBits(a, b)
          if (bits > NEAR_COPY_BITS || !isSameShape(a, b)) continue
          // A pair that shares several bands is found in the first of them.
          if (agreesBefore(band, a, b)) continue
          pairs.push({ a: a.id, b: b.id, bits })
        }
        work += bucket.length - i
        if (work < SLICE) continue
        work = 0
        await setImmediate()
      }
    }
  }
  return pairs
}

/** Places of the prints that agree in this band, where there are at least two. */
function buckets(prints: readonly HashBits[], band: number): number[][] {
  const byKey = new Map<number, number[]>()
  prints.forEach((print, i) => {
    const key = bandOf(print, band)
    const bucket = byKey.get(key)
    if (bucket) bucket.push(i)
    else byKey.set(key, [i])
  })
  return [...byKey.values()].filter(({ length }) => length > 1)
}

function agreesBefore(band: number, a: HashBits, b: HashBits): boolean {
  for (let before = 0; before < band; before++) {
    if (bandOf(a, before) === bandOf(b, before)) return true
  }
  return false
}

/** The bits of a band, counted from the lowest. */
function bandOf({ high, low }: HashBits, band: number): number {
  const start = STARTS[band]!
  const mask = 2 ** (STARTS[band + 1]! - start) - 1
  if (start >= 32) return (high >>> (start - 32)) & mask
  const fromLow = low >>> start
  const fromHigh = start === 0 ? 0 : high << (32 - start)
  return (fromLow | fromHigh) & mask
}
