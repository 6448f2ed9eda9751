// The picture that a drawing begins with, and which part of it stays as it is.
import { onWhite, type Raster, type Size } from '../pictures/raster.ts'
import { type Filter, resample } from '../pictures/resample.ts'
import { mix, type Level } from './prediction.ts'
import type { Start } from './types.ts'

/** At the pipeline's size. */
export interface Canvas {
  readonly picture: Raster
  /** A byte a pixel: 255 is drawn anew, 0 is kept. */
  readonly mask: Uint8Array | undefined
}

/** A start's picture and mask, resampled to `size`. */
export function stretch({ picture, mask }: Start, size: Size): Canvas {
  return {
    picture: resize(onWhite(picture), size, 'cubic'),
    mask: mask && planeOf(resize(asGrey(mask, picture), size, 'linear')),
  }
}

export function resize(raster: Raster, size: Size, filter: Filter): Raster {
  const data = resample(raster, size, { left: 0, top: 0, ...size }, filter)
  return { data, ...size, channels: 3 }
}

function asGrey(mask: Uint8Array, { widthPx, heightPx }: Size): Raster {
  const data = new Uint8Array(3 * mask.length).map((_, i) => mask[Math.floor(i / 3)]!)
  return { data, widthPx, heightPx, channels: 3 }
}

const planeOf = ({ data }: Raster) => data.filter((_, i) => i % 3 === 0)

/** The latent cells, [h, w], in which anything is drawn anew. */
export function freeCells(mask: Uint8Array, size: Size, cellPx: number): readonly boolean[] {
  const columns = size.widthPx / cellPx
  const free = Array.from({ length: columns * (size.heightPx / cellPx) }, () => false)
  mask.forEach((value, i) => {
    const [x, y] = [i % size.widthPx, Math.floor(i / size.widthPx)]
    if (value > 0) free[Math.floor(y / cellPx) * columns + Math.floor(x / cellPx)] = true
  })
  return free
}

/** Sets the cells of x that are not free to what they are at this level. In place. */
export function keepCells(
  x: Float32Array,
  free: readonly boolean[],
  level: Level,
  z: Float32Array,
  epsilon: Float32Array,
): void {
  const known = mix(level, z, epsilon)
  for (let i = 0; i < x.length; i++) if (!free[i % free.length]) x[i] = known[i]!
}

/** What was to be kept of the canvas, put back over a drawing: to the byte where the mask is 0. */
export function paste(drawing: Raster, { picture, mask }: Canvas): Raster {
  if (!mask) return drawing
  const data = drawing.data.map((value, i) => {
    const share = mask[Math.floor(i / 3)]! / 255
    return Math.round(share * value + (1 - share) * picture.data[i]!)
  })
  return { ...drawing, data }
}
