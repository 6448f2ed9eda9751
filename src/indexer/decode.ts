// From an opened picture to what is stored about it. Every pixel of the first frame is decoded
// once, at a small size, so a damaged file is noticed here. The tensor for the model is
// made elsewhere from the same picture.
import type { Sharp } from 'sharp'
import { rgbaToThumbHash } from 'thumbhash'
import type { OpenedPicture } from '../pictures/open-picture.ts'
import { decodeError } from '../pictures/picture-error.ts'
import type { SupportedFormat } from '../pictures/sniff.ts'
import { type PictureExif, readExif } from './exif.ts'
import { perceptualHash } from './perceptual-hash.ts'

/** What is stored about a picture besides its vector. */
export interface PictureDescription extends PictureExif {
  readonly format: SupportedFormat
  /** Size as seen, that is after `orientation` has been applied. */
  readonly widthPx: number
  readonly heightPx: number
  /** EXIF orientation, 1 to 8, that the file asks its viewers to apply. */
  readonly orientation: number
  /** Blurred placeholder of about 25 bytes, transparency kept (evanw.github.io/thumbhash). */
  readonly thumbHash: Uint8Array
  /** 16 hexadecimal digits, of the picture on white. */
  readonly perceptualHash: string
}

/** ThumbHash keeps at most 7 frequencies a side and the perceptual hash 32 cells: this holds both. */
const THUMBNAIL_PX = 64

/** Describes a picture. Throws `corrupt_image` (also when the data ends early) or `too_large`. */
export async function describePicture(picture: OpenedPicture): Promise<PictureDescription> {
  const { format, widthPx, heightPx, orientation } = picture
  try {
    const { data, info } = await decodeThumbnail(picture.image())
    return {
      format,
      widthPx,
      heightPx,
      orientation,
      thumbHash: rgbaToThumbHash(info.width, info.height, data),
      perceptualHash: perceptualHash({
        data: greyOnWhite(data),
        widthPx: info.width,
        heightPx: info.height,
      }),
      ...readExif(picture.exif),
    }
  } catch (error) {
    throw decodeError(error, format)
  }
}

/** Upright 8-bit sRGB with alpha, unpremultiplied, whatever the file holds. [h, w, 4] */
function decodeThumbnail(image: Sharp) {
  return image
    .resize(THUMBNAIL_PX, THUMBNAIL_PX, { fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .ensureAlpha()
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
