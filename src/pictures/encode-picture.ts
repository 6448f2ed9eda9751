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
  options: { readonly xmp?: string; readonly size?: Size } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { default: sharp } = await import('sharp')
  const { xmp, size } = options
  let image = sharp(data, { raw: { width: widthPx, height: heightPx, channels } })
  if (size) image = image.resize(size.widthPx, size.heightPx, { fit: 'fill', kernel: 'lanczos3' })
  if (xmp) image = image.withXmp(xmp)
  const encoded = format === 'png' ? image.png() : image[format]({ quality: QUALITY })
  return Uint8Array.from(await encoded.toBuffer())
}
