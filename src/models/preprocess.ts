// Encoded picture -> the tensor an image tower takes. The only file that uses sharp for tensors.
import type { Sharp } from 'sharp'
import { LucidaError, messageOf } from '../core/errors.ts'
import type { PixelRule } from './pixel-rule.ts'

/** One picture as a tower sees it: [3, height, width] float32, channels R, G, B. */
export type PixelTensor = Float32Array

/** Longer than any honest decode; stops a crafted file from occupying a thread for ever. */
const DECODE_TIMEOUT_S = 60

/**
 * Decodes `bytes` upright, flattened on white, in 8-bit sRGB, resized and normalised by `rule`.
 * Throws `corrupt_image` with the decoder's words.
 */
export async function preprocess(bytes: Uint8Array, rule: PixelRule): Promise<PixelTensor> {
  // Loaded at the first picture: a search for words alone needs none of it.
  const { default: sharp } = await import('sharp')
  try {
    const image = sharp(bytes, { autoOrient: true, failOn: 'error' }).timeout({
      seconds: DECODE_TIMEOUT_S,
    })
    const resized = await resizeByRule(image, rule)
    const { data } = await resized
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    return toTensor(data, rule)
  } catch (cause) {
    throw new LucidaError('corrupt_image', messageOf(cause).replaceAll(/\s+/g, ' '), { cause })
  }
}

async function resizeByRule(image: Sharp, rule: PixelRule): Promise<Sharp> {
  const { heightPx: height, widthPx: width, kernel } = rule
  // The decoder may shrink to twice the size, never all the way: WebP's own scaler would replace
  // the model's kernel, which costs the built-in model 4 points of recall@10.
  const how = { fit: 'fill', kernel, fastShrinkOnLoad: false } as const
  if (rule.resize === 'squash') return image.resize(width, height, how)
  const size = (await image.metadata()).autoOrient
  // Hugging Face's rule: the long side is truncated to an integer, and so is the crop's offset.
  // Multiplied before it is divided: 224 / 55 * 55 is less than 224.
  const [short, wide] = [Math.min(size.width, size.height), Math.max(size.width, size.height)]
  const long = Math.trunc((rule.shortestEdgePx * wide) / short)
  const [w, h] =
    size.width <= size.height ? [rule.shortestEdgePx, long] : [long, rule.shortestEdgePx]
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
