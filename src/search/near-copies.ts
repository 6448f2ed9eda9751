// Near copies by perceptual hash: resized, recompressed or slightly changed pictures. All pairs that
// differ in at most six of 64 bits, without comparing all: such a pair agrees in at least one of seven
// bands of bits (the pigeonhole principle; Manku, Jain and Das Sarma 2007).
import { setImmediate } from 'node:timers/promises'
import { countBits, MIN_SET_BITS, NEAR_COPY_BITS } from '../core/bits.ts'
import type { ContentHash } from '../core/hash.ts'

/** A picture's hash as two halves, and its shape. */
export interface Print {
  readonly id: ContentHash
  readonly high: number
  readonly low: number
  /** Width by height. */
  readonly aspect: number
}

/** A pair that looks the same; `a` is the smaller id. */
export interface NearPair {
  readonly a: ContentHash
  readonly b: ContentHash
  /** Bits in which they differ, 0 to 6. */
  readonly bits: number
}

/** A crop is another picture; rounding to whole pixels is not a crop. */
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
  const high = Number.parseInt(perceptualHash.slice(0, 8), 16) >>> 0
  const low = Number.parseInt(perceptualHash.slice(8), 16) >>> 0
  if (countBits(high) + countBits(low) < MIN_SET_BITS) return null
  return { id, high, low, aspect: widthPx / heightPx }
}

/** In how many of 64 bits two hashes differ. */
export function differingBits(
  a: Pick<Print, 'high' | 'low'>,
  b: Pick<Print, 'high' | 'low'>,
): number {
  return countBits(a.high ^ b.high) + countBits(a.low ^ b.low)
}

/** How many bits differ; `null` when the two are no near copies. */
export function nearBits(a: Print, b: Print): number | null {
  const bits = differingBits(a, b)
  const ratio = a.aspect > b.aspect ? a.aspect / b.aspect : b.aspect / a.aspect
  return bits <= NEAR_COPY_BITS && ratio <= MAX_ASPECT_RATIO ? bits : null
}

/** All pairs of near copies, in no order. Lets other work run. */
export async function findNearPairs(prints: readonly Print[]): Promise<NearPair[]> {
  const pairs: NearPair[] = []
  let work = 0
  for (let band = 0; band < BANDS; band++) {
    for (const bucket of buckets(prints, band)) {
      for (let i = 0; i < bucket.length; i++) {
        const one = prints[bucket[i]!]!
        for (let j = i + 1; j < bucket.length; j++) {
          const other = prints[bucket[j]!]!
          const bits = nearBits(one, other)
          // A pair that shares several bands is found in the first of them.
          if (bits === null || agreesBefore(band, one, other)) continue
          const [a, b] = one.id < other.id ? [one.id, other.id] : [other.id, one.id]
          pairs.push({ a, b, bits })
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
function buckets(prints: readonly Print[], band: number): number[][] {
  const byKey = new Map<number, number[]>()
  prints.forEach((print, i) => {
    const key = bandOf(print, band)
    const bucket = byKey.get(key)
    if (bucket) bucket.push(i)
    else byKey.set(key, [i])
  })
  return [...byKey.values()].filter(({ length }) => length > 1)
}

function agreesBefore(band: number, a: Print, b: Print): boolean {
  for (let before = 0; before < band; before++) {
    if (bandOf(a, before) === bandOf(b, before)) return true
  }
  return false
}

/** The bits of a band, counted from the lowest. */
function bandOf({ high, low }: Print, band: number): number {
  const start = STARTS[band]!
  const mask = 2 ** (STARTS[band + 1]! - start) - 1
  if (start >= 32) return (high >>> (start - 32)) & mask
  const fromLow = low >>> start
  const fromHigh = start === 0 ? 0 : high << (32 - start)
  return (fromLow | fromHigh) & mask
}
