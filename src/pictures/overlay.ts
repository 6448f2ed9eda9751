// A picture with a grid of colours laid over a part of it, as a file.
import { markedAs } from './digital-source.ts'
import type { WrittenFormat } from './encode-picture.ts'
import { openPicture } from './open-picture.ts'
import { decodeError } from './picture-error.ts'

/** A grid of colours and where it lies, in shares of the picture's sides. */
export interface ColourGrid {
  readonly width: number
  readonly height: number
  /** Red, green, blue and opacity of each cell, row by row. */
  readonly rgba: Uint8ClampedArray
  readonly area: {
    readonly left: number
    readonly top: number
    readonly width: number
    readonly height: number
  }
}

/** Longer edges are made shorter: a coarse grid shows no more on more pixels. */
const MAX_EDGE_PX = 1280

/** The picture, upright, with the grid smoothed over it. Throws `corrupt_image` and the like. */
export async function overlayPicture(
  bytes: Uint8Array,
  { width, height, rgba, area }: ColourGrid,
  format: WrittenFormat,
  pathHint?: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { default: sharp } = await import('sharp')
  const opened = await openPicture(bytes, pathHint)
  const shrink = Math.min(1, MAX_EDGE_PX / Math.max(opened.widthPx, opened.heightPx))
  const [widthPx, heightPx] = [opened.widthPx, opened.heightPx].map((side) =>
    Math.max(1, Math.round(side * shrink)),
  ) as [number, number]
  const left = Math.round(area.left * widthPx)
  const top = Math.round(area.top * heightPx)
  const grid = await sharp(rgba, { raw: { width, height, channels: 4 } })
    .resize(
      Math.max(1, Math.min(widthPx - left, Math.round(area.width * widthPx))),
      Math.max(1, Math.min(heightPx - top, Math.round(area.height * heightPx))),
      { fit: 'fill', kernel: 'cubic' },
    )
    .png()
    .toBuffer()
  try {
    const small = await opened
      .image()
      .resize(widthPx, heightPx, { fit: 'fill' })
      .toColourspace('srgb')
      .flatten({ background: '#fff' })
      .png()
      .toBuffer()
    const laid = sharp(small).composite([{ input: grid, left, top }])
    return Uint8Array.from(await markedAs(opened.xmp, laid.toFormat(format)).toBuffer())
  } catch (error) {
    throw decodeError(error, opened.format)
  }
}
