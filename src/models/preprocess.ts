// Picture -> the tensor an image tower takes.
import type { Sharp } from 'sharp'
import { type OpenedPicture, openPicture } from '../pictures/open-picture.ts'
import { decodeError } from '../pictures/picture-error.ts'
import type { PixelRule } from './pixel-rule.ts'

/** One picture as a tower sees it: [3, height, width] float32, channels R, G, B. */
export type PixelTensor = Float32Array

/**
 * Decodes `picture`, opened or encoded, upright, flattened on white, in 8-bit sRGB, resized and
 * normalised by `rule`. `pathHint` only tells a camera’s raw file from TIFF. Throws
 * `corrupt_image`, `unsupported_format` or `too_large`.
 */
export async function preprocess(
  picture: OpenedPicture | Uint8Array,
  rule: PixelRule,
  pathHint?: string,
): Promise<PixelTensor> {
  const opened = picture instanceof Uint8Array ? await openPicture(picture, pathHint) : picture
  try {
    const { data } = await resizeByRule(opened, rule)
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    return toTensor(data, rule)
  } catch (error) {
    throw decodeError(error, opened.format)
  }
}

function resizeByRule(picture: OpenedPicture, rule: PixelRule): Sharp {
  const image = picture.image()
  const { heightPx: height, widthPx: width, kernel } = rule
  // The decoder may shrink to twice the size, never all the way: WebP's own scaler would replace
  // the model's kernel, which costs the built-in model 4 points of recall@10.
  const how = { fit: 'fill', kernel, fastShrinkOnLoad: false } as const
  if (rule.resize === 'squash') return image.resize(width, height, how)
  // Hugging Face's rule: the long side is truncated to an integer, and so is the crop's offset.
  // Multiplied before it is divided: 224 / 55 * 55 is less than 224.
  const { widthPx, heightPx } = picture
  const [short, wide] = [Math.min(widthPx, heightPx), Math.max(widthPx, heightPx)]
  const long = Math.trunc((rule.shortestEdgePx * wide) / short)
  const [w, h] = widthPx <= heightPx ? [rule.shortestEdgePx, long] : [long, rule.shortestEdgePx]
  return image.resize(w, h, how).extract({
    left: Math.floor((w - width) / 2),
    top: Math.floor((h - height) / 2),
    width,
    height,
  })
}

/** Interleaved bytes [h, w, 3] -> planar normalised floats [3, h, w]. */
function toTensor(data: Uint8Array, rule: PixelRule): PixelTensor {
  const plane = rule.heightPx * rule.widthPx
  const out = new Float32Array(3 * plane)
  for (let c = 0; c < 3; c++) {
    const factor = rule.rescale / rule.std[c]!
    const offset = rule.mean[c]! / rule.std[c]!
    for (let i = 0; i < plane; i++) out[c * plane + i] = data[3 * i + c]! * factor - offset
  }
  return out
}
