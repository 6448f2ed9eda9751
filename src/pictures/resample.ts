// PIL's resize, digit for digit: every reference implementation of CLIP prepares its pictures with
// it. libvips' filters are no substitute: positions drift by a part of a pixel, and a box filter
// goes ahead of large reductions. Source: Pillow, src/libImaging/Resample.c.
import type { Raster, Size } from './raster.ts'
import { blendPlainly } from './resample-plain.ts'
import { blendWithSimd } from './resample-simd.ts'
import { type Blend, type Filter, taps } from './resample-taps.ts'

export type { Filter } from './resample-taps.ts'

/** The part of the resized picture that is computed. */
export interface Window extends Size {
  readonly left: number
  readonly top: number
}

/**
 * Resizes [h, w, 3] to `widthPx` × `heightPx` and returns what lies in `window`, [h, w, 3].
 * Columns are blended first and rounded to bytes, then rows, as in PIL.
 */
export function resample(
  raster: Raster,
  size: Size,
  window: Window,
  filter: Filter,
  blend: Blend = blendWithSimd ?? blendPlainly,
): Uint8Array {
  const columns = taps(raster.widthPx, size.widthPx, window.left, window.widthPx, filter)
  const rows = taps(raster.heightPx, size.heightPx, window.top, window.heightPx, filter)
  return blend(raster, columns, rows)
}
