// Portable bitmaps, greymaps and pixmaps, plain and binary: P1 to P6 (netpbm.sourceforge.net/doc).
import type { Decoded, DecodeLimits } from './decode-worker.ts'
import { decodeError, endsEarly, unusual } from './picture-error.ts'
import { assertPixels } from './pixel-limit.ts'
import { pixelsAsTiff } from './pixels-as-tiff.ts'

/** Decodes the first picture of a file. Throws `corrupt_image`, `unsupported_format`, `too_large`. */
export function decodePnm(encoded: Uint8Array, { maxPixels }: DecodeLimits): Decoded {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length)
  const kind = bytes[1]! - 48
  if (!(kind >= 1 && kind <= 6)) throw unusual('pnm', bytes.toString('latin1', 0, 2))
  const reader = numbersOf(bytes, 2)
  const [widthPx, heightPx] = [reader.next(), reader.next()]
  const isBitmap = kind === 1 || kind === 4
  const max = isBitmap ? 1 : reader.next()
  if (widthPx === 0 || heightPx === 0 || max === 0 || max > 65_535) {
    throw decodeError(`${widthPx} x ${heightPx} pixels of 0 to ${max}`, 'pnm')
  }
  assertPixels(widthPx, heightPx, maxPixels)
  const channels = kind % 3 === 0 ? 3 : 1
  const count = widthPx * heightPx * channels
  const samples =
    kind === 1
      ? plainBits(bytes, reader.at(), count)
      : kind === 4
        ? packedBits(bytes, reader.at() + 1, widthPx, heightPx)
        : kind <= 3
          ? plainSamples(reader, count, max)
          : binarySamples(bytes, reader.at() + 1, count, max)
  const data = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
  const bits = samples instanceof Uint16Array ? 16 : 8
  return { encoded: pixelsAsTiff({ widthPx, heightPx, channels, bits, data }) }
}

const isBlank = (byte: number | undefined) => byte === 32 || (byte! >= 9 && byte! <= 13)
const isDigit = (byte: number | undefined) => byte! >= 48 && byte! <= 57
const HASH = 35
const LINE_FEED = 10

type Numbers = ReturnType<typeof numbersOf>

/** Reads numbers separated by blanks and comments. */
function numbersOf(bytes: Uint8Array, start: number) {
  let at = start
  return {
    at: () => at,
    next(): number {
      while (isBlank(bytes[at]) || bytes[at] === HASH) {
        if (bytes[at] === HASH) while (at < bytes.length && bytes[at] !== LINE_FEED) at++
        else at++
      }
      if (at >= bytes.length) throw endsEarly('pnm')
      if (!isDigit(bytes[at])) throw decodeError('a number was expected', 'pnm')
      let value = 0
      // Saturates, so that a thousand digits are merely too many.
      for (; isDigit(bytes[at]); at++) value = Math.min(value * 10 + bytes[at]! - 48, 2 ** 32)
      return value
    },
  }
}

/** Room for samples: 8 bits where they fit. */
function room(count: number, max: number): Uint8Array | Uint16Array {
  return max < 256 ? new Uint8Array(count) : new Uint16Array(count)
}

/** Spreads [0, max] over all values that the sample can take. */
function scaleTo(max: number): (value: number) => number {
  const top = max < 256 ? 255 : 65_535
  return (value) => Math.round((Math.min(value, max) * top) / max)
}

function plainSamples(numbers: Numbers, count: number, max: number): Uint8Array | Uint16Array {
  const [out, scale] = [room(count, max), scaleTo(max)]
  for (let i = 0; i < count; i++) out[i] = scale(numbers.next())
  return out
}

function binarySamples(bytes: Buffer, start: number, count: number, max: number) {
  const out = room(count, max)
  if (bytes.length < start + out.byteLength) throw endsEarly('pnm')
  const scale = scaleTo(max)
  // Two bytes have their high one first.
  for (let i = 0; i < count; i++) {
    out[i] = scale(max < 256 ? bytes[start + i]! : bytes.readUInt16BE(start + 2 * i))
  }
  return out
}

/** Digits 0 and 1, with or without blanks between them; 1 is black. */
function plainBits(bytes: Uint8Array, start: number, count: number): Uint8Array {
  const out = new Uint8Array(count)
  let at = start
  for (let i = 0; i < count; at++) {
    if (at >= bytes.length) throw endsEarly('pnm')
    if (bytes[at] === HASH) while (at + 1 < bytes.length && bytes[at + 1] !== LINE_FEED) at++
    else if (isDigit(bytes[at])) out[i++] = bytes[at] === 48 ? 255 : 0
  }
  return out
}

/** Eight pixels a byte, rows padded to whole bytes; 1 is black. */
function packedBits(bytes: Uint8Array, start: number, width: number, height: number): Uint8Array {
  const stride = Math.ceil(width / 8)
  if (bytes.length < start + stride * height) throw endsEarly('pnm')
  const out = new Uint8Array(width * height)
  for (let i = 0; i < out.length; i++) {
    const x = i % width
    const byte = bytes[start + Math.floor(i / width) * stride + (x >> 3)]!
    out[i] = (byte >> (7 - (x & 7))) & 1 ? 0 : 255
  }
  return out
}
