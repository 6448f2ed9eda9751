// From an opened picture to what is stored about it. Every pixel of the first frame is decoded, so
// a damaged file is noticed here. The tensor for the model is made elsewhere from the same pixels.
import { rgbaToThumbHash } from 'thumbhash'
import { saysGenerated } from '../pictures/digital-source.ts'
import type { OpenedPicture } from '../pictures/open-picture.ts'
import type { Raster } from '../pictures/raster.ts'
import { resample } from '../pictures/resample.ts'
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
  /** Whether the file says that a trained algorithm made it. */
  readonly generated: boolean
}

/** ThumbHash keeps at most 7 frequencies a side and the perceptual hash 32 cells: this holds both. */
const THUMBNAIL_PX = 64

/** Describes a picture. Throws `corrupt_image` (also when the data ends early) or `too_large`. */
export async function describePicture(picture: OpenedPicture): Promise<PictureDescription> {
  const { format, widthPx, heightPx, orientation } = picture
  const side = { widthPx: THUMBNAIL_PX, heightPx: THUMBNAIL_PX }
  const thumbnail = makeThumbnail(await picture.raster(side))
  return {
    format,
    widthPx,
    heightPx,
    orientation,
    thumbHash: rgbaToThumbHash(thumbnail.widthPx, thumbnail.heightPx, thumbnail.data),
    perceptualHash: perceptualHash({ ...thumbnail, data: greyOnWhite(thumbnail.data) }),
    generated: saysGenerated(picture.xmp),
    ...readExif(picture.exif),
  }
}

/** The whole picture within `THUMBNAIL_PX`, with alpha, not premultiplied. [h, w, 4] */
function makeThumbnail(raster: Raster): Raster {
  const scale = Math.min(1, THUMBNAIL_PX / Math.max(raster.widthPx, raster.heightPx))
  const size = {
    widthPx: Math.max(1, Math.round(raster.widthPx * scale)),
    heightPx: Math.max(1, Math.round(raster.heightPx * scale)),
  }
  const shrink = (data: Uint8Array) =>
    resample({ ...raster, data, channels: 3 }, size, { left: 0, top: 0, ...size }, 'linear')
  const { colours, alphas } = separateAlpha(raster)
  const rgb = shrink(colours)
  const alpha = alphas && shrink(alphas)
  const data = new Uint8Array(size.widthPx * size.heightPx * 4)
  for (let from = 0, to = 0; to < data.length; from += 3, to += 4) {
    const a = alpha ? alpha[from]! : 255
    for (let c = 0; c < 3; c++) {
      data[to + c] = a === 0 ? 0 : Math.min(255, Math.round((rgb[from + c]! * 255) / a))
    }
    data[to + 3] = a
  }
  return { data, ...size, channels: 4 }
}

/** Colours multiplied by alpha, so that what cannot be seen does not bleed, and alpha thrice. */
function separateAlpha({ data, channels }: Raster): { colours: Uint8Array; alphas?: Uint8Array } {
  if (channels === 3) return { colours: data }
  const colours = new Uint8Array((data.length / 4) * 3)
  const alphas = new Uint8Array(colours.length)
  for (let from = 0, to = 0; to < colours.length; from += 4, to += 3) {
    const alpha = data[from + 3]!
    for (let c = 0; c < 3; c++) {
      colours[to + c] = Math.round((data[from + c]! * alpha) / 255)
      alphas[to + c] = alpha
    }
  }
  return { colours, alphas }
}

/** Luma (ITU-R BT.601, as in JPEG) in front of white. [h, w, 4] → [h, w] */
function greyOnWhite(rgba: Uint8Array): Float64Array {
  return Float64Array.from({ length: rgba.length / 4 }, (_, pixel) => {
    const i = pixel * 4
    const luma = 0.299 * rgba[i]! + 0.587 * rgba[i + 1]! + 0.114 * rgba[i + 2]!
    return 255 + (luma - 255) * (rgba[i + 3]! / 255)
  })
}
