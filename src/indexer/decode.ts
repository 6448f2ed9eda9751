// From the bytes of a picture to what is stored about it. Every pixel of the first frame is decoded
// once, at a small size, so a damaged file is noticed here. The tensor for the model is
// made elsewhere from the same bytes.
import sharp, { type Sharp } from 'sharp'
import { rgbaToThumbHash } from 'thumbhash'
import { LucidaError, messageOf } from '../core/errors.ts'
import { type PictureExif, readExif } from './exif.ts'
import { perceptualHash } from './perceptual-hash.ts'
import {
  type Format,
  isSupported,
  SNIFF_BYTES,
  sniffFormat,
  type SupportedFormat,
} from './sniff.ts'

/** What is stored about a picture besides its vector. */
export interface PictureDescription extends PictureExif {
  readonly format: SupportedFormat
  /** Size as seen, that is after `orientation` has been applied. */
  readonly widthPx: number
  readonly heightPx: number
  /**
   * EXIF orientation, 1 to 8, that the file asks its viewers to apply. 1 for AVIF, whose rotation
   * is part of decoding.
   */
  readonly orientation: number
  /** Blurred placeholder of about 25 bytes, transparency kept (evanw.github.io/thumbhash). */
  readonly thumbHash: Uint8Array
  /** 16 hexadecimal digits, of the picture on white. */
  readonly perceptualHash: string
}

/** ThumbHash keeps at most 7 frequencies a side and the perceptual hash 32 cells: this holds both. */
const THUMBNAIL_PX = 64

/** No honest picture takes that long; the file is given up so that the others get their turn. */
const TIMEOUT_SECONDS = 60

/**
 * Strict, since half a picture would be found under half a meaning: missing and undecodable data
 * are errors. Mere warnings, such as odd metadata, are not.
 * The pixel limit is sharp's own, 2^14 squared.
 */
const INPUT = { failOn: 'error', limitInputPixels: 0x3fff ** 2 } as const

/**
 * Decodes the first frame of a picture and describes it. `pathHint` only tells a camera's raw file
 * from TIFF; nothing is read from it.
 * Throws `unsupported_format`, `corrupt_image` (also when the data ends early) or `too_large`.
 */
export async function describePicture(
  bytes: Uint8Array,
  pathHint?: string,
): Promise<PictureDescription> {
  const format = checkFormat(bytes, pathHint)
  try {
    const image = sharp(bytes, INPUT)
    const metadata = await image.metadata()
    const { data, info } = await decodeThumbnail(image)
    return {
      format,
      widthPx: metadata.autoOrient.width,
      heightPx: metadata.autoOrient.height,
      orientation: metadata.orientation ?? 1,
      thumbHash: rgbaToThumbHash(info.width, info.height, data),
      perceptualHash: perceptualHash({
        data: greyOnWhite(data),
        widthPx: info.width,
        heightPx: info.height,
      }),
      // libvips hands no EXIF out for TIFF, whose own directory it is.
      ...readExif(format === 'tiff' ? bytes : metadata.exif),
    }
  } catch (error) {
    throw decodeError(error, format)
  }
}

/** Upright 8-bit sRGB with alpha, unpremultiplied, whatever the file holds. [h, w, 4] */
function decodeThumbnail(image: Sharp) {
  return image
    .autoOrient()
    .resize(THUMBNAIL_PX, THUMBNAIL_PX, { fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .ensureAlpha()
    .timeout({ seconds: TIMEOUT_SECONDS })
    .raw()
    .toBuffer({ resolveWithObject: true })
}

/** Luma (ITU-R BT.601, as in JPEG) in front of white. [h, w, 4] → [h, w] */
function greyOnWhite(rgba: Uint8Array): Float64Array {
  return Float64Array.from({ length: rgba.length / 4 }, (_, pixel) => {
    const i = pixel * 4
    const luma = 0.299 * rgba[i]! + 0.587 * rgba[i + 1]! + 0.114 * rgba[i + 2]!
    return 255 + (luma - 255) * (rgba[i + 3]! / 255)
  })
}

const UNSUPPORTED: Record<Exclude<Format, SupportedFormat>, string> = {
  heic: 'a HEIC picture',
  bmp: 'a BMP picture',
  jxl: 'a JPEG XL picture',
  pnm: 'a PNM picture',
  raw: 'a camera raw file',
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
  if (isSupported(format)) return format
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

/** sharp's words when no loader wants the data: an SVG with a namespace prefix, a cut TIFF. */
const UNRECOGNISED = 'Input buffer contains unsupported image format'

function decodeError(error: unknown, format: SupportedFormat): LucidaError {
  const options = { cause: error }
  const name = format.toUpperCase()
  const reason = oneLine(messageOf(error))
  if (/pixel limit/i.test(reason)) {
    return new LucidaError('too_large', `The file has too many pixels (${reason})`, options)
  }
  if (reason.startsWith('timeout')) {
    const message = `The file takes more than ${TIMEOUT_SECONDS} s to decode`
    return new LucidaError('too_large', message, options)
  }
  if (/unsupported feature/i.test(reason) || (format === 'svg' && reason === UNRECOGNISED)) {
    const message = `The file is an unusual ${name} that cannot be decoded (${reason})`
    return new LucidaError('unsupported_format', message, options)
  }
  const message = `The file is damaged and cannot be decoded as ${name} (${reason})`
  return new LucidaError('corrupt_image', message, options)
}

/** Longest reason kept, in characters; libvips may repeat itself for every tile. */
const MAX_REASON = 200

/** libvips' own words in one line, without repetitions and without the seeks that led nowhere. */
function oneLine(message: string): string {
  const lines = message.split('\n').map((line) => line.trim())
  const telling = lines.filter((line) => line !== '' && !line.startsWith('source: bad seek'))
  const reason = [...new Set(telling)].join('; ')
  // What sharp says of interlaced PNGs that end early.
  if (reason === '' || reason === 'Unknown error') return 'its data is wrong or ends early'
  return reason.slice(0, MAX_REASON)
}
