// Encoded bytes -> a picture that can be looked at as often as needed. What sharp reads it reads
// each time anew, shrinking while it decodes; every other format is decoded once, here.
import type { Metadata, Sharp } from 'sharp'
import { LucidaError } from '../core/errors.ts'
import { beforeDeadline, decodeInThread } from './decoder-threads.ts'
import { withOrientation } from './jpeg-stream.ts'
import { decodeError, TIMEOUT_MS } from './picture-error.ts'
import { assertPixels, pixelLimit } from './pixel-limit.ts'
import { decodeRaster, keepLargest, type Raster, type Size } from './raster.ts'
import { type Format, SNIFF_BYTES, sniffFormat, type SupportedFormat } from './sniff.ts'

/** A picture whose header was read and whose pixels can be had. */
export interface OpenedPicture {
  readonly format: SupportedFormat
  /** Size as seen, that is after `orientation` has been applied. */
  readonly widthPx: number
  readonly heightPx: number
  /**
   * EXIF orientation, 1 to 8, that the file asks its viewers to apply. 1 for the formats of which
   * rotation is a part of decoding.
   */
  readonly orientation: number
  /** EXIF block, or a whole TIFF file, which has the same structure. */
  readonly exif: Uint8Array | undefined
  /** XMP packet (RDF/XML), where the file has one that sharp finds. */
  readonly xmp: Uint8Array | undefined
  /** A new pipeline over the first frame, upright. Its errors are for `decodeError`. */
  image(): Sharp
  /**
   * The pixels of the first frame, upright, perhaps made smaller, but not below six times `wanted`.
   * Kept for whoever wants no more of them. Throws `corrupt_image` or `too_large`.
   */
  raster(wanted: Size): Promise<Raster>
}

/** Bounds that tests lower. */
export interface OpenLimits {
  readonly maxPixels?: number
  readonly timeoutMs?: number
}

/** What sharp reads, and EXIF where that is not in there. */
interface Readable {
  readonly encoded: Uint8Array
  readonly exif?: Uint8Array | undefined
}

/**
 * Opens a picture of any supported format. `pathHint` only tells a camera's raw file from TIFF;
 * nothing is read from it.
 * Throws `unsupported_format`, `corrupt_image` or `too_large`. Pixels of sharp's own formats are
 * not decoded yet: damage in them comes to light when `image()` is used.
 */
export async function openPicture(
  bytes: Uint8Array,
  pathHint?: string,
  limits: OpenLimits = {},
): Promise<OpenedPicture> {
  const { maxPixels = pixelLimit(), timeoutMs = TIMEOUT_MS } = limits
  const format = checkFormat(bytes, pathHint)
  const read = await loadReader()
  try {
    const { encoded, exif } = await makeReadable(format, bytes, { maxPixels, timeoutMs })
    const metadata = await beforeDeadline(readHeader(encoded), timeoutMs)
    const { width: widthPx, height: heightPx } = metadata.autoOrient
    assertPixels(widthPx, heightPx, maxPixels)
    // libvips hands no EXIF out for TIFF, whose own directory it is.
    const own = format === 'tiff' ? bytes : metadata.exif
    const image = () => read(encoded, maxPixels).timeout({ seconds: Math.ceil(timeoutMs / 1000) })
    const size = { widthPx, heightPx }
    return {
      format,
      ...size,
      orientation: metadata.orientation ?? 1,
      exif: exif ?? own,
      xmp: metadata.xmp,
      image,
      raster: keepLargest((wanted) =>
        decodeRaster(image(), format, size, wanted).catch((error: unknown) => {
          throw decodeError(error, format)
        }),
      ),
    }
  } catch (error) {
    throw decodeError(error, format)
  }
}

type Read = (encoded: Uint8Array, limitInputPixels: number | false) => Sharp

/**
 * Strict, since half a picture would be found under half a meaning: missing and undecodable data
 * are errors. Mere warnings, such as odd metadata, are not.
 */
async function loadReader(): Promise<Read> {
  // Loaded at the first picture: a search for words alone needs none of it.
  const { default: sharp } = await import('sharp')
  // Pictures are decoded side by side; threads within one of them would only get in the way.
  sharp.concurrency(1)
  return (encoded, limitInputPixels) =>
    sharp(encoded, { autoOrient: true, failOn: 'error', limitInputPixels })
}

/** Reads no pixels, so that a picture of any size tells it. */
async function readHeader(encoded: Uint8Array): Promise<Metadata> {
  const read = await loadReader()
  return read(encoded, false).metadata()
}

async function makeReadable(
  format: SupportedFormat,
  bytes: Uint8Array,
  { maxPixels, timeoutMs }: Required<OpenLimits>,
): Promise<Readable> {
  switch (format) {
    case 'raw':
      return readPreview(bytes)
    case 'heic': {
      // sharp knows size, profile and EXIF of what it cannot decode.
      const metadata = await beforeDeadline(
        readHeader(bytes).catch(() => undefined),
        timeoutMs,
      )
      if (metadata) assertPixels(metadata.width, metadata.height, maxPixels)
      const limits = { maxPixels, icc: metadata?.icc }
      const { encoded } = await decodeInThread('heic', bytes, limits, timeoutMs)
      return { encoded, exif: metadata?.exif }
    }
    case 'jxl':
    case 'bmp':
    case 'pnm':
      return decodeInThread(format, bytes, { maxPixels }, timeoutMs)
    default:
      return { encoded: bytes }
  }
}

/** A preview without an orientation of its own takes the raw file's. */
async function readPreview(bytes: Uint8Array): Promise<Readable> {
  const { findPreview } = await import('./raw-preview.ts')
  const { jpeg, orientation, exif } = findPreview(bytes)
  if (orientation === 1) return { encoded: jpeg, exif }
  const own = (await readHeader(jpeg)).orientation
  return { encoded: own === undefined ? withOrientation(jpeg, orientation) : jpeg, exif }
}

const UNSUPPORTED: Record<Exclude<Format, SupportedFormat>, string> = {
  psd: 'a Photoshop document',
  jp2: 'a JPEG 2000 picture',
}

function checkFormat(bytes: Uint8Array, pathHint?: string): SupportedFormat {
  if (bytes.length === 0) throw new LucidaError('corrupt_image', 'The file is empty')
  const format = sniffFormat(bytes, pathHint)
  if (format === null) {
    throw new LucidaError(
      'unsupported_format',
      `The file is not a picture: its content is ${contentOf(bytes)}`,
    )
  }
  if (format !== 'psd' && format !== 'jp2') return format
  throw new LucidaError(
    'unsupported_format',
    `The file is ${UNSUPPORTED[format]}, which cannot be decoded; save it as JPEG or PNG`,
  )
}

/** A word for what is not a picture, for the message only. */
function contentOf(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, SNIFF_BYTES))
  const start = head.toString('latin1')
  if (start.startsWith('%PDF')) return 'a PDF document'
  if (start.startsWith('PK\x03\x04')) return 'a ZIP archive'
  if (start.startsWith('ftyp', 4) || start.startsWith('\x1a\x45\xdf\xa3')) return 'a video'
  // What a crash or a failing disk leaves of a file.
  if (head.every((byte) => byte === 0)) return 'nothing but zeros'
  return head.every(isTextByte) ? 'text' : 'unknown data'
}

/** Printable, or one of tab, line feed, form feed, carriage return and escape. */
function isTextByte(byte: number): boolean {
  return byte >= 32 || [9, 10, 12, 13, 27].includes(byte)
}
