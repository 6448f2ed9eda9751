// The passes of resample.ts in WebAssembly with 128-bit vectors, several times as fast as in JavaScript
// and equal to it digit for digit. resample.wat is the source of what is assembled here.
import type { Raster } from './raster.ts'
import type { Blend, Taps } from './resample-taps.ts'

/** What resample.wat exports; addresses and lengths in bytes. */
interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  columns(
    src: number,
    rows: number,
    rowBytes: number,
    out: number,
    n: number,
    ...taps: TapAddresses
  ): void
  rows(src: number, stride: number, out: number, n: number, ...taps: TapAddresses): void
}
type TapAddresses = [starts: number, counts: number, weights: number, perOutput: number]

/** Node's types leave it to those of browsers. */
declare const WebAssembly: {
  validate(code: Uint8Array): boolean
  Module: new (code: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: unknown }
}

const PAGE = 65_536
/** What is read and written behind the end. */
const SLACK = 16
/** Rows are brought in by so many bytes at a time. */
const STRIP = 2 ** 20

/** resample.wat, assembled; in base64. */
const ASSEMBLED = [
  'AGFzbQEAAAABGAJgCX9/f39/f39/fwBgCH9/f39/f39/AAMDAgABBQMBAAEHGwMGbWVtb3J5AgAHY29sdW1ucwAA',
  'BHJvd3MAAQqUBALaAQIEfwF7AkADQCABRQ0BQQAhCQNAIABBAyAFIAlBAnRqKAIAbGohCiAHIAkgCGxBAnRqIQsg',
  'CyAGIAlBAnRqKAIAQQJ0aiEM/QwAACAAAAAgAAAAIAAAACAAIQ0CQANAIAsgDE8NASANIAr9XAIA/YkB/akBIAv9',
  'CQIA/bUB/a4BIQ0gCkEDaiEKIAtBBGohCwwACwsgDUEW/awBIQ0gDSAN/YUBIQ0gAyANIA39Zv1aAgAAIANBA2oh',
  'AyAJQQFqIgkgBEkNAAsgACACaiEAIAFBAWshAQwACwsLtQICBn8HewNAIAAgASAEIAhBAnRqKAIAbGohC0EAIQkD',
  'QCALIAlqIQogBiAIIAdsQQJ0aiEMIAwgBSAIQQJ0aigCAEECdGohDf0MAAAgAAAAIAAAACAAAAAgACERIBEhEiAR',
  'IRMgESEUAkADQCAMIA1PDQEgDP0JAgAhECAK/QAEACEOIA79iQEhDyARIA/9qQEgEP21Af2uASERIBIgD/2qASAQ',
  '/bUB/a4BIRIgDv2KASEPIBMgD/2pASAQ/bUB/a4BIRMgFCAP/aoBIBD9tQH9rgEhFCAKIAFqIQogDEEEaiEMDAAL',
  'CyACIAlqIBFBFv2sASASQRb9rAH9hQEgE0EW/awBIBRBFv2sAf2FAf1m/QsEACAJQRBqIgkgAUkNAAsgAiABaiEC',
  'IAhBAWoiCCADSQ0ACws=',
].join('')

/** `undefined` where the machine has no such vectors. */
export const blendWithSimd: Blend | undefined = openKernel()

function openKernel(): Blend | undefined {
  const code = Buffer.from(ASSEMBLED, 'base64')
  if (!WebAssembly.validate(code)) return undefined
  const kernel = new WebAssembly.Instance(new WebAssembly.Module(code)).exports as Kernel
  return (raster, columns, rows) => blend(kernel, raster, columns, rows)
}

function blend(kernel: Kernel, raster: Raster, columns: Taps, rows: Taps): Uint8Array {
  const first = rows.starts[0]!
  const height = rows.starts.at(-1)! + rows.counts.at(-1)! - first
  const rowBytes = raster.widthPx * 3
  const stride = columns.starts.length * 3
  const stripRows = Math.max(1, Math.min(height, Math.floor(STRIP / rowBytes)))

  let end = 0
  const reserve = (bytes: number) => {
    const at = end
    end += Math.ceil((bytes + SLACK) / SLACK) * SLACK
    return at
  }
  const columnTaps = reserve(bytesOf(columns))
  const rowTaps = reserve(bytesOf(rows))
  const strip = reserve(stripRows * rowBytes)
  const narrow = reserve(height * stride)
  const out = reserve(rows.starts.length * stride)
  const missing = end - kernel.memory.buffer.byteLength
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / PAGE))
  const memory = new Uint8Array(kernel.memory.buffer)

  const ofColumns = put(memory, columnTaps, columns, 0)
  for (let y = 0; y < height; y += stripRows) {
    const count = Math.min(stripRows, height - y)
    const from = (first + y) * rowBytes
    memory.set(raster.data.subarray(from, from + count * rowBytes), strip)
    const n = columns.starts.length
    kernel.columns(strip, count, rowBytes, narrow + y * stride, n, ...ofColumns)
  }
  kernel.rows(narrow, stride, out, rows.starts.length, ...put(memory, rowTaps, rows, first))
  return memory.slice(out, out + rows.starts.length * stride)
}

function bytesOf({ starts, counts, weights }: Taps): number {
  return starts.byteLength + counts.byteLength + weights.byteLength
}

/** Copies taps to `at`, as if the source began with its row or column `origin`. */
function put(memory: Uint8Array, at: number, taps: Taps, origin: number): TapAddresses {
  const { starts, counts, weights, perOutput } = taps
  const all = new Int32Array(memory.buffer, at, bytesOf(taps) / 4)
  all.set(starts.map((start) => start - origin))
  all.set(counts, starts.length)
  all.set(weights, starts.length + counts.length)
  const countsAt = at + starts.byteLength
  return [at, countsAt, countsAt + counts.byteLength, perOutput]
}
