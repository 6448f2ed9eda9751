// How many pixels are decoded at most. A file of a few kilobytes can claim billions of them, so the
// size in the header is compared with the memory at hand before anything is decoded.
import { availableParallelism } from 'node:os'
import { LucidaError } from '../core/errors.ts'

/** PIL's own limit (MAX_IMAGE_PIXELS): no machine refuses what everybody else can open. */
const FLOOR = 89_478_485

/** sharp's own limit, 2^14 - 1 squared. */
const CEILING = 0x3fff ** 2

/** A decoded pixel: red, green, blue and alpha. */
const BYTES_PER_PIXEL = 4

/** Pictures that an indexing run decodes at the same time. */
export const DECODES = availableParallelism() + 1

/** The limit for a machine with so much free memory: half of it, shared by all decodes under way. */
export function pixelLimitFor(freeBytes: number, decodes: number): number {
  const fitting = Math.floor(freeBytes / 2 / BYTES_PER_PIXEL / decodes)
  return Math.min(Math.max(fitting, FLOOR), CEILING)
}

let limit: number | undefined

/** This machine's limit, found once, so that a run treats its first and its last picture alike. */
export function pixelLimit(): number {
  limit ??= pixelLimitFor(process.availableMemory(), DECODES)
  return limit
}

/** Throws `too_large` for a picture beyond the limit, with both numbers. */
export function assertPixels(widthPx: number, heightPx: number, maxPixels: number): void {
  const pixels = widthPx * heightPx
  if (pixels <= maxPixels) return
  throw new LucidaError(
    'too_large',
    `The picture has ${widthPx} x ${heightPx} = ${pixels} pixels, more than the ${maxPixels} ` +
      'that are decoded with the memory at hand',
  )
}
