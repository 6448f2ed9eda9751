// The picture that a drawing begins with, and the mask that says what of it may change.
import { loadTerm } from '../answer.ts'
import { invalidInput, LucidaError } from '../core/errors.ts'
import { sha256 } from '../core/hash.ts'
import type { ProvenanceRecord } from '../generate/provenance.ts'
import type { Start } from '../generate/types.ts'
import { openPicture } from '../pictures/open-picture.ts'
import type { Raster, Size } from '../pictures/raster.ts'
import type { GenerateOptions } from './order.ts'

const DEFAULT_STRENGTH = 0.6

/** A start, and how it is recorded. */
export interface LoadedStart {
  readonly start: Start
  readonly record: NonNullable<ProvenanceRecord['start']>
}

/** Reads picture and mask. Throws `bad_input`, and what reading a picture throws. */
export async function loadStart(
  start: NonNullable<GenerateOptions['start']>,
): Promise<LoadedStart> {
  const { strength = DEFAULT_STRENGTH, mask } = start
  const term = await loadTerm(start.picture)
  if (!('picture' in term)) {
    throw new LucidaError('bad_input', 'Expected a picture file to begin with, by path or as bytes')
  }
  const opened = await openPicture(term.picture, term.pathHint)
  const { widthPx, heightPx } = opened
  const picture = await opened.raster({ widthPx, heightPx })
  const record = { picture: sha256(term.picture), strength, ...(mask && { mask: sha256(mask) }) }
  const bytes = mask && (await loadMask(mask, picture))
  return { start: { picture, strength, ...(bytes && { mask: bytes }) }, record }
}

/**
 * The size of a drawing that gives it back the shape of the picture that it began with, which was
 * stretched to the pipeline's own; undefined where that is the same.
 */
export function shapeOf({ widthPx, heightPx }: Size, native: Size): GenerateOptions['size'] {
  const scale = Math.min(native.widthPx / widthPx, native.heightPx / heightPx)
  const [width, height] = [widthPx, heightPx].map((px) => Math.max(1, Math.round(px * scale)))
  const isSame = width === native.widthPx && height === native.heightPx
  return isSame ? undefined : { width: width!, height: height! }
}

/** What is white may change; where anything is transparent, that does, as image editors have it. */
async function loadMask(mask: Uint8Array, { widthPx, heightPx }: Raster): Promise<Uint8Array> {
  const opened = await openPicture(mask)
  if (opened.widthPx * heightPx !== opened.heightPx * widthPx) {
    throw invalidInput(
      'mask',
      `a picture in the shape of ${widthPx} x ${heightPx} pixels`,
      `${opened.widthPx} x ${opened.heightPx}`,
    )
  }
  const { data, channels, ...size } = await opened.raster({ widthPx, heightPx })
  const isAlpha = channels === 4 && data.some((value, i) => i % 4 === 3 && value < 255)
  const out = new Uint8Array(widthPx * heightPx)
  for (let y = 0; y < heightPx; y++) {
    const row = Math.floor((y * size.heightPx) / heightPx)
    for (let x = 0; x < widthPx; x++) {
      const at = (row * size.widthPx + Math.floor((x * size.widthPx) / widthPx)) * channels
      const isFree = isAlpha ? data[at + 3]! < 128 : data[at]! >= 128
      out[y * widthPx + x] = isFree ? 255 : 0
    }
  }
  return out
}
