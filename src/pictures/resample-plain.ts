// The passes of resample.ts in plain JavaScript: what they are, and for machines without 128-bit vectors.
import type { Raster } from './raster.ts'
import { PRECISION_BITS, type Taps } from './resample-taps.ts'

const HALF = 1 << (PRECISION_BITS - 1)

/** Blends columns, then rows, each rounded to bytes. */
export function blendPlainly(raster: Raster, columns: Taps, rows: Taps): Uint8Array {
  const first = rows.starts[0]!
  const last = rows.starts.at(-1)! + rows.counts.at(-1)!
  const narrow = blendColumns(raster, first, last, columns)
  return blendRows(narrow, first, columns.starts.length * 3, rows)
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
