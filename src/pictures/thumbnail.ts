// A small WebP of a picture, upright and in sRGB, for pages that show many.
import { markedAs } from './digital-source.ts'
import { openPicture } from './open-picture.ts'
import { decodeError } from './picture-error.ts'

/** Good enough for a preview; halving the size costs more to look at than it saves. */
const QUALITY = 80

/**
 * Fits a picture into a square of `sizePx`, never enlarging it. `pathHint` only tells a camera's raw
 * file from TIFF. Throws `corrupt_image`, `unsupported_format` or `too_large`.
 */
export async function makeThumbnail(
  bytes: Uint8Array,
  sizePx: number,
  pathHint?: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const opened = await openPicture(bytes, pathHint)
  try {
    const made = opened
      .image()
      .resize(sizePx, sizePx, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .webp({ quality: QUALITY })
    return Uint8Array.from(await markedAs(opened.xmp, made).toBuffer())
  } catch (error) {
    throw decodeError(error, opened.format)
  }
}
