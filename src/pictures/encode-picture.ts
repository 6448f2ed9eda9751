// Decoded pixels -> a picture file that carries its marks with it.
import { extname } from 'node:path'
import type { Raster, Size } from './raster.ts'

/** Formats that pictures are written in; each carries XMP. */
export type WrittenFormat = 'png' | 'jpeg' | 'webp'

const BY_EXTENSION: Readonly<Record<string, WrittenFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
}

/** The format that a file's name asks for, if it is one of those that are written. */
export function writtenFormat(path: string): WrittenFormat | undefined {
  return BY_EXTENSION[extname(path).toLowerCase()]
}

/** High enough that a recompression is not seen. */
const QUALITY = 95

/** Encodes a picture with an XMP packet, resampled to `size` where that is given. */
export async function encodePicture(
  { data, widthPx, heightPx, channels }: Raster,
  format: WrittenFormat,
  options: {
    readonly xmp?: string
    readonly size?: Size
    /** `cover` cuts off what does not fit the shape of `size`; `fill` stretches. */
    readonly fit?: 'cover' | 'fill'
  } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { default: sharp } = await import('sharp')
  const { xmp, size, fit = 'fill' } = options
  let image = sharp(data, { raw: { width: widthPx, height: heightPx, channels } })
  if (size) image = image.resize(size.widthPx, size.heightPx, { fit, kernel: 'lanczos3' })
  if (xmp) image = image.withXmp(xmp)
  const encoded = format === 'png' ? image.png() : image[format]({ quality: QUALITY })
  return Uint8Array.from(await encoded.toBuffer())
}

/** The same picture in another format, with its marks. `quality` is for what loses some of it. */
export async function convertPicture(
  encoded: Uint8Array,
  format: WrittenFormat,
  quality = QUALITY,
): Promise<Uint8Array<ArrayBuffer>> {
  const { default: sharp } = await import('sharp')
  const image = sharp(encoded).keepXmp()
  const converted = format === 'png' ? image.png() : image[format]({ quality })
  return Uint8Array.from(await converted.toBuffer())
}

const PREVIEW_PX = 128
const PREVIEW_QUALITY = 70

/** A small picture as a data: URL, to look at while the real one is being drawn. */
export async function encodePreview(raster: Raster): Promise<string> {
  const { default: sharp } = await import('sharp')
  const { data, widthPx: width, heightPx: height, channels } = raster
  const webp = await sharp(data, { raw: { width, height, channels } })
    .resize(PREVIEW_PX, PREVIEW_PX, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: PREVIEW_QUALITY })
    .toBuffer()
  return `data:image/webp;base64,${webp.toString('base64')}`
}

/** Sensor noise of a camera at a medium sensitivity, in steps of 255. */
const NOISE_SIGMA = 6

/** A JPEG of nothing but noise, with the bytes, and for a decoder the work, of a photograph. */
export async function makePhoto({ widthPx, heightPx }: Size): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp')
  const noise = { type: 'gaussian', mean: 128, sigma: NOISE_SIGMA } as const
  const create = { width: widthPx, height: heightPx, channels: 3, noise } as const
  return sharp({ create: { ...create, background: '#808080' } })
    .jpeg({ quality: 90 })
    .toBuffer()
}
