// A 64-bit hash of what a picture looks like: near copies (resized, recompressed, retouched a
// little) differ in a few bits. The DCT hash of C. Zauner, "Implementation and Benchmarking of
// Perceptual Image Hash Functions" (2010), 3.2.1, as in the pHash library.
import { invalidInput } from '../core/errors.ts'

/** The raster that is transformed: 32 x 32 grey values. */
const SIDE = 32

/** Frequencies 1 to 8 in each direction are kept; 0, the mean, changes with mere brightness. */
const KEPT = 8

/** DCT-II basis (up to a factor that the comparison with the median cancels). [KEPT][SIDE] */
const BASIS = Array.from({ length: KEPT }, (_, k) =>
  Float64Array.from({ length: SIDE }, (_, x) => Math.cos((Math.PI / SIDE) * (k + 1) * (x + 0.5))),
)

/** Coefficients below this are rounding errors, whose signs mean nothing: flat or striped pictures. */
const ROUNDING = 1e-6

/** A grey picture, row by row, values 0 to 255. */
export interface GreyRaster {
  readonly data: ArrayLike<number>
  readonly widthPx: number
  readonly heightPx: number
}

/** The hash as 16 hexadecimal digits. Any size; a raster of about 100 px a side is enough. */
export function perceptualHash(raster: GreyRaster): string {
  const coefficients = lowFrequencies(squash(raster))
  const middle = median(coefficients)
  let hash = ''
  for (let i = 0; i < coefficients.length; i += 4) {
    const digit = coefficients
      .slice(i, i + 4)
      .reduce((bits, value) => bits * 2 + (value > middle ? 1 : 0), 0)
    hash += digit.toString(16)
  }
  return hash
}

/** How many of the 64 bits differ: 0 looks the same, around 32 has nothing in common. */
export function hammingDistance(a: string, b: string): number {
  let bits = BigInt.asUintN(64, parse(a) ^ parse(b))
  let count = 0
  for (; bits !== 0n; bits &= bits - 1n) count++
  return count
}

function parse(hash: string): bigint {
  if (!/^[0-9a-f]{16}$/.test(hash)) throw invalidInput('hash', '16 hexadecimal digits', hash)
  return BigInt(`0x${hash}`)
}

/** Area average onto SIDE x SIDE, whatever the proportions. */
function squash({ data, widthPx, heightPx }: GreyRaster): Float64Array {
  const columns = coverage(widthPx)
  const rows = coverage(heightPx)
  const out = new Float64Array(SIDE * SIDE)
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      let sum = 0
      for (const [sourceY, weightY] of row) {
        for (const [sourceX, weightX] of column) {
          sum += weightY * weightX * data[sourceY * widthPx + sourceX]!
        }
      }
      out[y * SIDE + x] = sum
    })
  })
  return out
}

/** For each of SIDE cells, the source pixels that it covers and the share of each; shares sum to 1. */
function coverage(sourcePx: number): (readonly [pixel: number, share: number])[][] {
  const cell = sourcePx / SIDE
  return Array.from({ length: SIDE }, (_, i) => {
    const from = i * cell
    const to = from + cell
    const last = Math.min(Math.ceil(to), sourcePx)
    const shares: [number, number][] = []
    for (let pixel = Math.floor(from); pixel < last; pixel++) {
      const overlap = Math.min(to, pixel + 1) - Math.max(from, pixel)
      if (overlap > 0) shares.push([pixel, overlap / cell])
    }
    return shares
  })
}

/** The two-dimensional DCT, first over rows and then over columns. [SIDE²] → [KEPT²] */
function lowFrequencies(grey: Float64Array): number[] {
  const out: number[] = []
  // [KEPT][SIDE]: frequency across, row
  const across = BASIS.map((wave) =>
    Float64Array.from({ length: SIDE }, (_, y) => {
      let sum = 0
      for (let x = 0; x < SIDE; x++) sum += wave[x]! * grey[y * SIDE + x]!
      return sum
    }),
  )
  for (const waveDown of BASIS) {
    for (const row of across) {
      let sum = 0
      for (let y = 0; y < SIDE; y++) sum += waveDown[y]! * row[y]!
      out.push(Math.abs(sum) < ROUNDING ? 0 : sum)
    }
  }
  return out
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return (sorted[half - 1]! + sorted[half]!) / 2
}
