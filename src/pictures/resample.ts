// PIL's resize, digit for digit: every reference implementation of CLIP prepares its pictures with
// it. libvips' filters are no substitute: positions drift by a part of a pixel, and a box filter
// goes ahead of large reductions. Source: Pillow, src/libImaging/Resample.c.
import type { Raster, Size } from './raster.ts'

export type Filter = 'linear' | 'cubic' | 'lanczos3'

/** The part of the resized picture that is computed. */
export interface Window extends Size {
  readonly left: number
  readonly top: number
}

/** Weight by distance in pixels, and the distance from which it is 0. */
const FILTERS: Record<Filter, [support: number, weight: (x: number) => number]> = {
  linear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  cubic: [2, cubic],
  lanczos3: [3, (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0)],
}

/** Keys' cubic with a = -0.5. */
function cubic(signed: number): number {
  const x = Math.abs(signed)
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI))

/** Weights are integers of this many binary places. */
const PRECISION_BITS = 32 - 8 - 2
const HALF = 1 << (PRECISION_BITS - 1)

/**
 * Resizes [h, w, 3] to `widthPx` × `heightPx` and returns what lies in `window`, [h, w, 3].
 * Columns are blended first and rounded to bytes, then rows, as in PIL.
 */
export function resample(raster: Raster, size: Size, window: Window, filter: Filter): Uint8Array {
  const columns = taps(raster.widthPx, size.widthPx, window.left, window.widthPx, filter)
  const rows = taps(raster.heightPx, size.heightPx, window.top, window.heightPx, filter)
  const first = rows.starts[0]!
  const last = rows.starts.at(-1)! + rows.counts.at(-1)!
  const narrow = blendColumns(raster, first, last, columns)
  return blendRows(narrow, first, window.widthPx * 3, rows)
}

/** What each output pixel is made of: `counts[i]` inputs from `starts[i]` on. */
interface Taps {
  readonly starts: Int32Array
  readonly counts: Int32Array
  /** [outputs, perOutput], fixed point. */
  readonly weights: Int32Array
  readonly perOutput: number
}

function taps(from: number, to: number, offset: number, length: number, filter: Filter): Taps {
  const scale = from / to
  const [radius, weightOf] = FILTERS[filter]
  const stretch = Math.max(scale, 1)
  const support = radius * stretch
  const perOutput = Math.ceil(support) * 2 + 1
  const starts = new Int32Array(length)
  const counts = new Int32Array(length)
  const weights = new Int32Array(length * perOutput)
  const exact = new Float64Array(perOutput)
  for (let i = 0; i < length; i++) {
    const center = (offset + i + 0.5) * scale
    const start = Math.trunc(Math.max(center - support + 0.5, 0))
    const end = Math.trunc(Math.min(center + support + 0.5, from))
    let total = 0
    for (let x = start; x < end; x++) {
      const weight = weightOf((x - center + 0.5) / stretch)
      exact[x - start] = weight
      total += weight
    }
    for (let x = 0; x < end - start; x++) {
      const weight = (exact[x]! / total) * 2 ** PRECISION_BITS
      weights[i * perOutput + x] = Math.trunc(weight + Math.sign(weight) * 0.5)
    }
    starts[i] = start
    counts[i] = end - start
  }
  return { starts, counts, weights, perOutput }
}

/** Rows `first` to `last` of [h, w, 3] → [last - first, columns, 3]. */
function blendColumns(raster: Raster, first: number, last: number, columns: Taps): Uint8Array {
  const { data, widthPx } = raster
  const { starts, counts, weights, perOutput } = columns
  const out = new Uint8Array((last - first) * starts.length * 3)
  let at = 0
  for (let y = first; y < last; y++) {
    for (let x = 0; x < starts.length; x++) {
      let red = HALF
      let green = HALF
      let blue = HALF
      let from = (y * widthPx + starts[x]!) * 3
      const end = x * perOutput + counts[x]!
      for (let k = x * perOutput; k < end; k++, from += 3) {
        const weight = weights[k]!
        // Integers all the way: the sums do not fit what V8 keeps as small integers.
        red = (red + Math.imul(data[from]!, weight)) | 0
        green = (green + Math.imul(data[from + 1]!, weight)) | 0
        blue = (blue + Math.imul(data[from + 2]!, weight)) | 0
      }
      out[at++] = clip8(red)
      out[at++] = clip8(green)
      out[at++] = clip8(blue)
    }
  }
  return out
}

/** [h, stride], whose first row is row `first` of the picture → [rows, stride]. */
function blendRows(narrow: Uint8Array, first: number, stride: number, rows: Taps): Uint8Array {
  const { starts, counts, weights, perOutput } = rows
  const out = new Uint8Array(starts.length * stride)
  const sums = new Int32Array(stride)
  for (let y = 0; y < starts.length; y++) {
    sums.fill(HALF)
    for (let k = 0; k < counts[y]!; k++) {
      const weight = weights[y * perOutput + k]!
      const from = (starts[y]! - first + k) * stride
      for (let i = 0; i < stride; i++) sums[i] = sums[i]! + Math.imul(narrow[from + i]!, weight)
    }
    for (let i = 0; i < stride; i++) out[y * stride + i] = clip8(sums[i]!)
  }
  return out
}

function clip8(sum: number): number {
  const value = sum >> PRECISION_BITS
  return value < 0 ? 0 : value > 255 ? 255 : value
}
