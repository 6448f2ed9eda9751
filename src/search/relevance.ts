// Relevance of a (text, picture) pair: the percentile of its score among the scores that the same
// picture gets for a fixed bank of neutral captions. Neither an absolute score (which differs from
// picture to picture and model to model) nor a comparison within the collection (where 500 beach
// photos would make "beach" unremarkable) can say "there is nothing here".
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readCheckedBytes, writeCheckedBytes } from '../core/checked-file.ts'
import { systemCode } from '../core/errors.ts'
import { type ContentHash, sha256 } from '../core/hash.ts'
import { dot, type UnitVector } from '../core/vector.ts'
import type { EmbedTexts } from '../models/clip.ts'
import type { ModelSpec } from '../models/manifest.ts'
import { BUILT_IN_MODELS, DEFAULT_MODEL } from '../models/registry.ts'

/** The neutral captions' vectors: unit rows, [n, dimension]. */
export type NeutralBank = readonly UnitVector[]

/**
 * Share of the bank's captions that fit the picture less well than `score` does, in [0, 1].
 * Equal scores count half, so that a caption of the bank itself sits in the middle of its ties.
 */
export function percentile(bank: NeutralBank, picture: UnitVector, score: number): number {
  let below = 0
  for (const caption of bank) {
    const other = dot(caption, picture)
    if (other < score) below += 1
    else if (other === score) below += 0.5
  }
  return below / bank.length
}

/** A picture and what the bank's captions score with it. */
export interface RatedPicture {
  readonly vector: UnitVector
  /** As `percentile` for this picture. */
  percentile(score: number): number
}

/** Pictures that come up again and again, by content: its vector never changes. */
export interface RatedPictures {
  find(content: ContentHash): RatedPicture | undefined
  rate(content: ContentHash, vector: UnitVector): RatedPicture
}

/** 5 KB each with a bank of 512 captions at 256 dimensions. */
const REMEMBERED = 10_000

/** Remembers what the bank's captions score with each picture. */
export function rememberRatings(bank: NeutralBank): RatedPictures {
  const rated = new Map<ContentHash, RatedPicture>()
  return {
    find: (content) => rated.get(content),
    rate(content, vector) {
      const sorted = Float64Array.from(bank, (caption) => dot(caption, vector)).sort()
      const picture: RatedPicture = {
        vector,
        percentile(score) {
          const below = countBelow(sorted, (other) => other < score)
          const upTo = countBelow(sorted, (other) => other <= score)
          return (below + upTo) / 2 / sorted.length
        },
      }
      rated.set(content, picture)
      // The oldest goes; a cold search loads no library for this.
      if (rated.size > REMEMBERED) rated.delete(rated.keys().next().value!)
      return picture
    },
  }
}

/** How many at the start of a sorted list pass, where all that pass are at its start. */
function countBelow(sorted: Float64Array, passes: (value: number) => boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (passes(sorted[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Whether the percentile is at least `threshold`. Most pictures are ruled out by the first captions,
 * so that a whole collection can be asked.
 */
export function isRelevant(
  bank: NeutralBank,
  picture: UnitVector,
  score: number,
  threshold: number,
): boolean {
  let below = bank.length
  for (const caption of bank) {
    const other = dot(caption, picture)
    if (other > score) below -= 1
    else if (other === score) below -= 0.5
    else continue
    if (below / bank.length < threshold) return false
  }
  return true
}

/**
 * The model's bank, embedded once and then kept in `cacheDirectory` (derived: delete at will).
 */
export async function loadNeutralBank(
  model: ModelSpec,
  embedTexts: EmbedTexts,
  cacheDirectory: string,
): Promise<NeutralBank> {
  const text = await readCaptions(model.directory)
  const key = sha256(`${model.files[model.parts.text]!.sha256}\n${text}`).slice(0, 16)
  const path = join(cacheDirectory, `neutral-${key}.f32`)
  const captions = text.trim().split('\n')
  const cached = await readCheckedBytes(path).catch(() => null)
  if (cached?.length === captions.length * model.dimension * 4) {
    const data = new Float32Array(Uint8Array.from(cached).buffer)
    return captions.map(
      (_, i) => data.subarray(i * model.dimension, (i + 1) * model.dimension) as UnitVector,
    )
  }
  const vectors = await embedTexts(captions)
  const bytes = vectors.map((v) => Buffer.from(v.buffer, v.byteOffset, v.byteLength))
  // Without the file the next process only takes half a second longer.
  await mkdir(dirname(path), { recursive: true })
    .then(() => writeCheckedBytes(path, Buffer.concat(bytes)))
    .catch(() => {})
  return vectors
}

/** One caption a line, in the model's folder. */
export const NEUTRAL_CAPTIONS = 'neutral-captions.txt'

/** A model from elsewhere has no captions of its own; those of the built-in one do for it. */
async function readCaptions(directory: string): Promise<string> {
  return readFile(join(directory, NEUTRAL_CAPTIONS), 'utf8').catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error
    return readFile(join(BUILT_IN_MODELS, DEFAULT_MODEL, NEUTRAL_CAPTIONS), 'utf8')
  })
}
