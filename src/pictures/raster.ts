// Decoded pixels, as few of them as their reader needs: entropy decoding is most of the work on a
// photograph, so a picture is decoded once and everybody looks at the result.
import type { Sharp } from 'sharp'
import type { SupportedFormat } from './sniff.ts'

/** Upright 8-bit sRGB, interleaved [h, w, 3], or [h, w, 4] with alpha, not premultiplied. */
export interface Raster {
  readonly data: Uint8Array
  readonly widthPx: number
  readonly heightPx: number
  readonly channels: 3 | 4
}

export interface Size {
  readonly widthPx: number
  readonly heightPx: number
}

/** A larger picture is made smaller while it is read, so that few megabytes of it are held. */
const LARGE_PX = 2 ** 22
/** What libjpeg can divide by while it decodes. */
const JPEG_DIVISORS = [8, 4, 2]
/**
 * What is made smaller keeps at least so many times the wanted size, so that the model's own filter
 * decides. `npm run bench -- index` prints what it costs: the cosine to the vectors of every pixel,
 * which should be 0.999.
 */
const MARGIN = 6

/**
 * Decodes the picture behind `image` (upright, of `size`). Its sides may come out smaller than they
 * are, but never less than six times `wanted`. Throws what sharp throws.
 */
export async function decodeRaster(
  image: Sharp,
  format: SupportedFormat,
  size: Size,
  wanted: Size,
): Promise<Raster> {
  const { data, info } = await reduce(image, format, size, wanted)
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  const channels = info.channels === 4 ? 4 : 3
  return { data, widthPx: info.width, heightPx: info.height, channels }
}

function reduce(image: Sharp, format: SupportedFormat, size: Size, wanted: Size): Sharp {
  const ratio = Math.min(size.widthPx / wanted.widthPx, size.heightPx / wanted.heightPx)
  if (format === 'jpeg' || format === 'raw') {
    const divisor = JPEG_DIVISORS.find((by) => ratio >= by * MARGIN)
    if (divisor === undefined) return image
    // Rounded down, since libvips takes the divisor only where the ratio reaches it; a row or
    // column too many, where the sides do not divide, is dropped.
    const [width, height] = [size.widthPx, size.heightPx].map((px) => Math.floor(px / divisor))
    return image.resize(width, height, { fit: 'fill', kernel: 'nearest' })
  }
  if (size.widthPx * size.heightPx <= LARGE_PX || ratio <= MARGIN) return image
  const [width, height] = [size.widthPx, size.heightPx].map((px) =>
    Math.ceil((px / ratio) * MARGIN),
  )
  // WebP's own scaler is not a good filter.
  return image.resize(width, height, { fit: 'fill', kernel: 'cubic', fastShrinkOnLoad: false })
}

/** In front of white. [h, w, 4] → [h, w, 3] */
export function onWhite(raster: Raster): Raster {
  if (raster.channels === 3) return raster
  const { data, widthPx, heightPx } = raster
  const out = new Uint8Array(widthPx * heightPx * 3)
  for (let from = 0, to = 0; to < out.length; from += 4, to += 3) {
    const alpha = data[from + 3]!
    for (let c = 0; c < 3; c++) {
      out[to + c] = Math.round((data[from + c]! * alpha + 255 * (255 - alpha)) / 255)
    }
  }
  return { data: out, widthPx, heightPx, channels: 3 }
}

/**
 * Decodes at the first call and for whoever then wants more pixels than that; everybody else is
 * given what is there.
 */
export function keepLargest(
  decode: (wanted: Size) => Promise<Raster>,
): (wanted: Size) => Promise<Raster> {
  let kept: { wanted: Size; raster: Promise<Raster> } | undefined
  return (wanted) => {
    const suffices =
      kept && wanted.widthPx <= kept.wanted.widthPx && wanted.heightPx <= kept.wanted.heightPx
    if (!suffices) kept = { wanted, raster: decode(wanted) }
    return kept!.raster
  }
}
