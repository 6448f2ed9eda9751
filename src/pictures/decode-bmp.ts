// Windows and OS/2 bitmaps of every depth: palettes, 16 and 32 bits by masks, run lengths.
// Layout: Microsoft's BITMAPFILEHEADER, BITMAPCOREHEADER and BITMAPINFOHEADER to BITMAPV5HEADER.
import type { Decoded, DecodeLimits } from './decode-worker.ts'
import { endsEarly, unusual } from './picture-error.ts'
import { assertPixels } from './pixel-limit.ts'
import { pixelsAsTiff } from './pixels-as-tiff.ts'

const RGB = 0
const RLE8 = 1
const RLE4 = 2
const BIT_FIELDS = 3
const ALPHA_BIT_FIELDS = 6

const FILE_HEADER_BYTES = 14

interface Bitmap {
  readonly bytes: Buffer
  readonly widthPx: number
  readonly heightPx: number
  /** Rows usually come from the bottom up. */
  readonly topDown: boolean
  readonly bits: number
  readonly compression: number
  readonly headerBytes: number
  readonly dataAt: number
}

/** Decodes a bitmap. Throws `corrupt_image`, `unsupported_format` or `too_large`. */
export function decodeBmp(encoded: Uint8Array, { maxPixels }: DecodeLimits): Decoded {
  const bitmap = readHeader(Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length))
  const { widthPx, heightPx, bits, compression } = bitmap
  assertPixels(widthPx, heightPx, maxPixels)
  const isRunLength = compression === RLE8 || compression === RLE4
  const isIndexed = bits <= 8
  if (isIndexed && (isRunLength || compression === RGB)) {
    const indices = isRunLength ? readRuns(bitmap) : readIndices(bitmap)
    return asRgb(bitmap, applyPalette(bitmap, indices))
  }
  if (bits === 24 && compression === RGB) return asRgb(bitmap, readTriples(bitmap))
  const isMasked = [RGB, BIT_FIELDS, ALPHA_BIT_FIELDS].includes(compression)
  if ((bits === 16 || bits === 32) && isMasked) {
    const data = readMasked(bitmap)
    return { encoded: pixelsAsTiff({ widthPx, heightPx, channels: 4, bits: 8, data }) }
  }
  throw unusual('bmp', `${bits} bits with compression ${compression}`)
}

function asRgb({ widthPx, heightPx }: Bitmap, data: Uint8Array): Decoded {
  return { encoded: pixelsAsTiff({ widthPx, heightPx, channels: 3, bits: 8, data }) }
}

function readHeader(bytes: Buffer): Bitmap {
  if (bytes.length < 26) throw endsEarly('bmp')
  const headerBytes = bytes.readUInt32LE(14)
  const dataAt = bytes.readUInt32LE(10)
  if (bytes.length < FILE_HEADER_BYTES + headerBytes) throw endsEarly('bmp')
  const isCore = headerBytes === 12
  const widthPx = isCore ? bytes.readUInt16LE(18) : bytes.readInt32LE(18)
  const height = isCore ? bytes.readUInt16LE(20) : bytes.readInt32LE(22)
  if (widthPx <= 0 || height === 0) throw unusual('bmp', `${widthPx} x ${height} pixels`)
  const bits = bytes.readUInt16LE(isCore ? 24 : 28)
  const compression = headerBytes >= 20 ? bytes.readUInt32LE(30) : RGB
  // OS/2 gave the same numbers to other compressions.
  if ((headerBytes === 64 || headerBytes === 16) && compression > RLE4) {
    throw unusual('bmp', `OS/2 compression ${compression}`)
  }
  if (![1, 2, 4, 8, 16, 24, 32].includes(bits)) throw unusual('bmp', `${bits} bits`)
  return {
    bytes,
    widthPx,
    heightPx: Math.abs(height),
    topDown: height < 0,
    bits,
    compression,
    headerBytes,
    dataAt,
  }
}

/** Calls `visit` with each stored row's offset in the file and its place from the top. */
function eachRow(bitmap: Bitmap, visit: (at: number, y: number) => void): void {
  const { bytes, widthPx, heightPx, bits, dataAt, topDown } = bitmap
  const stride = Math.ceil((widthPx * bits) / 32) * 4
  // The last row may lack its padding.
  const needed = dataAt + stride * (heightPx - 1) + Math.ceil((widthPx * bits) / 8)
  if (bytes.length < needed) throw endsEarly('bmp')
  for (let row = 0; row < heightPx; row++) {
    visit(dataAt + row * stride, topDown ? row : heightPx - 1 - row)
  }
}

/** Palette indices of 1, 2, 4 or 8 bits, the leftmost pixel in the highest bits. [h, w] */
function readIndices(bitmap: Bitmap): Uint8Array {
  const { bytes, widthPx, heightPx, bits } = bitmap
  const out = new Uint8Array(widthPx * heightPx)
  const perByte = 8 / bits
  const mask = 2 ** bits - 1
  eachRow(bitmap, (at, y) => {
    for (let x = 0; x < widthPx; x++) {
      const shift = 8 - bits - (x % perByte) * bits
      out[y * widthPx + x] = (bytes[at + Math.floor(x / perByte)]! >> shift) & mask
    }
  })
  return out
}

/** Palette indices packed as runs: pairs of count and value, and escapes that start with 0. [h, w] */
function readRuns(bitmap: Bitmap): Uint8Array {
  const { bytes, widthPx, heightPx, topDown, compression } = bitmap
  const out = new Uint8Array(widthPx * heightPx)
  const isNibbles = compression === RLE4
  let [x, row, at] = [0, 0, bitmap.dataAt]
  const put = (index: number) => {
    const y = topDown ? row : heightPx - 1 - row
    if (x < widthPx && row < heightPx) out[y * widthPx + x] = index
    x++
  }
  const nibble = (byte: number, i: number) => (i % 2 === 0 ? byte >> 4 : byte & 15)
  while (row < heightPx) {
    if (at + 2 > bytes.length) throw endsEarly('bmp')
    const [count, value] = [bytes[at]!, bytes[at + 1]!]
    at += 2
    if (count > 0) {
      for (let i = 0; i < count; i++) put(isNibbles ? nibble(value, i) : value)
    } else if (value === 0) {
      ;[x, row] = [0, row + 1]
    } else if (value === 1) {
      break
    } else if (value === 2) {
      if (at + 2 > bytes.length) throw endsEarly('bmp')
      x += bytes[at]!
      row += bytes[at + 1]!
      at += 2
    } else {
      // As many pixels as they are, padded to an even number of bytes.
      const length = isNibbles ? Math.ceil(value / 2) : value
      if (at + length > bytes.length) throw endsEarly('bmp')
      for (let i = 0; i < value; i++) {
        put(isNibbles ? nibble(bytes[at + (i >> 1)]!, i) : bytes[at + i]!)
      }
      at += length + (length % 2)
    }
  }
  return out
}

/** Indices → [h, w, 3]; an index beyond the palette is black. */
function applyPalette(bitmap: Bitmap, indices: Uint8Array): Uint8Array {
  const { bytes, bits, headerBytes, dataAt } = bitmap
  const start = FILE_HEADER_BYTES + headerBytes
  const entryBytes = headerBytes === 12 ? 3 : 4
  const declared = headerBytes >= 36 ? bytes.readUInt32LE(46) : 0
  const room = Math.floor((Math.max(dataAt, start) - start) / entryBytes)
  const colours = Math.min(declared || 2 ** bits, 2 ** bits, room)
  const palette = new Uint8Array(256 * 3)
  for (let i = 0; i < colours; i++) {
    const at = start + i * entryBytes
    palette.set([bytes[at + 2] ?? 0, bytes[at + 1] ?? 0, bytes[at] ?? 0], i * 3)
  }
  const out = new Uint8Array(indices.length * 3)
  indices.forEach((index, i) => {
    out[3 * i] = palette[3 * index]!
    out[3 * i + 1] = palette[3 * index + 1]!
    out[3 * i + 2] = palette[3 * index + 2]!
  })
  return out
}

/** 24 bits: blue, green, red. [h, w, 3] */
function readTriples(bitmap: Bitmap): Uint8Array {
  const { bytes, widthPx, heightPx } = bitmap
  const out = new Uint8Array(widthPx * heightPx * 3)
  eachRow(bitmap, (at, y) => {
    const end = (y + 1) * widthPx * 3
    for (let to = y * widthPx * 3, from = at; to < end; to += 3, from += 3) {
      out[to] = bytes[from + 2]!
      out[to + 1] = bytes[from + 1]!
      out[to + 2] = bytes[from]!
    }
  })
  return out
}

/** 16 or 32 bits, whose masks say where red, green, blue and alpha are. [h, w, 4] */
function readMasked(bitmap: Bitmap): Uint8Array {
  const { bytes, widthPx, heightPx, bits } = bitmap
  const scales = masksOf(bitmap).map(scaleOf)
  const out = new Uint8Array(widthPx * heightPx * 4)
  const [hasAlpha, step] = [scales[3]!.max > 0, bits / 8]
  let seen = 0
  eachRow(bitmap, (at, y) => {
    for (let x = 0; x < widthPx; x++) {
      const value =
        bits === 16 ? bytes.readUInt16LE(at + x * step) : bytes.readUInt32LE(at + x * step)
      const to = (y * widthPx + x) * 4
      for (let c = 0; c < 4; c++) {
        const { mask, shift, max } = scales[c]!
        out[to + c] = max === 0 ? 0 : Math.round((((value & mask) >>> shift) * 255) / max)
      }
      seen |= out[to + 3]!
    }
  })
  // Many programs declare alpha and leave it 0 everywhere; nobody means an invisible picture.
  if (!hasAlpha || seen === 0) for (let i = 3; i < out.length; i += 4) out[i] = 255
  return out
}

/** Masks of red, green, blue and alpha. */
function masksOf({ bytes, bits, compression, headerBytes }: Bitmap): number[] {
  if (compression === RGB) {
    return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0]
  }
  if (bytes.length < 70) throw endsEarly('bmp')
  const hasAlpha = headerBytes >= 56 || compression === ALPHA_BIT_FIELDS
  return [54, 58, 62]
    .map((at) => bytes.readUInt32LE(at))
    .concat(hasAlpha ? bytes.readUInt32LE(66) : 0)
}

function scaleOf(mask: number) {
  const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask)
  return { mask, shift, max: mask >>> shift }
}
