// Picture -> the tensor an image tower takes.
import { type OpenedPicture, openPicture } from '../pictures/open-picture.ts'
import { onWhite, type Size } from '../pictures/raster.ts'
import { resample, type Window } from '../pictures/resample.ts'
import type { PixelRule } from './pixel-rule.ts'

/** One picture as a tower sees it: [3, height, width] float32, channels R, G, B. */
export type PixelTensor = Float32Array

/**
 * Decodes `picture`, opened or encoded, upright, on white, in 8-bit sRGB, resized and normalised
 * by `rule`. `pathHint` only tells a camera’s raw file from TIFF. Throws `corrupt_image`,
 * `unsupported_format` or `too_large`.
 */
export async function preprocess(
  picture: OpenedPicture | Uint8Array,
  rule: PixelRule,
  pathHint?: string,
): Promise<PixelTensor> {
  const opened = picture instanceof Uint8Array ? await openPicture(picture, pathHint) : picture
  const { size, window } = frame(opened, rule)
  // Whoever wants the picture's own size is given every pixel.
  const raster = onWhite(await opened.raster(rule.everyPixel ? opened : size))
  return toTensor(resample(raster, size, window, rule.filter), rule)
}

/** The size to which a picture is resized, and the part of it that the tower sees. */
function frame({ widthPx, heightPx }: Size, rule: PixelRule): { size: Size; window: Window } {
  const tower = { widthPx: rule.widthPx, heightPx: rule.heightPx }
  if (rule.resize === 'squash') return { size: tower, window: { left: 0, top: 0, ...tower } }
  // The long side is truncated to an integer, by everybody.
  // Multiplied before it is divided: 224 / 55 * 55 is less than 224.
  const [short, wide] = [Math.min(widthPx, heightPx), Math.max(widthPx, heightPx)]
  const long = Math.trunc((rule.shortestEdgePx * wide) / short)
  const [w, h] = widthPx <= heightPx ? [rule.shortestEdgePx, long] : [long, rule.shortestEdgePx]
  const halfOf = rule.cropRounding ? halfEven : (count: number) => Math.floor(count / 2)
  const [left, top] = [halfOf(w - tower.widthPx), halfOf(h - tower.heightPx)]
  return { size: { widthPx: w, heightPx: h }, window: { left, top, ...tower } }
}

/** Python's round(count / 2): halves go to the even side. */
function halfEven(count: number): number {
  const floor = Math.floor(count / 2)
  return count % 2 === 1 && floor % 2 === 1 ? floor + 1 : floor
}

/** A rectangle in shares of a picture's sides. */
export interface Area {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** The part of a picture that the tower sees: all of it, unless its edges are cut off. */
export function seenArea(picture: Size, rule: PixelRule): Area {
  const { size, window } = frame(picture, rule)
  return {
    left: window.left / size.widthPx,
    top: window.top / size.heightPx,
    width: window.widthPx / size.widthPx,
    height: window.heightPx / size.heightPx,
  }
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
