// What each pixel of a resized picture is made of: PIL's filters as tables of integers.
// Source: Pillow, src/libImaging/Resample.c.
import type { Raster } from './raster.ts'

export type Filter = 'linear' | 'cubic' | 'lanczos3'

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
export const PRECISION_BITS = 32 - 8 - 2

/** Both passes. [h, w, 3] → [rows, columns, 3] */
export type Blend = (raster: Raster, columns: Taps, rows: Taps) => Uint8Array

/** What each output pixel is made of: `counts[i]` inputs from `starts[i]` on. */
export interface Taps {
  readonly starts: Int32Array
  readonly counts: Int32Array
  /** [outputs, perOutput], fixed point. */
  readonly weights: Int32Array
  readonly perOutput: number
}

export function taps(
  from: number,
  to: number,
  offset: number,
  length: number,
  filter: Filter,
): Taps {
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
