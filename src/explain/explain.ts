// Why a picture matches a query: a heat map over it, and what each term adds to its score.
import { type AnswerContext, loadTerm, type SearchTerm } from '../answer.ts'
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import { dot, normalize, type UnitVector, weightedSum } from '../core/vector.ts'
import type { Cells } from '../models/cells.ts'
import type { Clip } from '../models/clip.ts'
import { type Area, type PixelTensor, seenArea } from '../models/preprocess.ts'
import { openPicture } from '../pictures/open-picture.ts'
import { encodeTerms } from '../search/query.ts'
import { percentile } from '../search/relevance.ts'
import { occlude } from './occlusion.ts'
import { shareScore, sumLength, type TermShare } from './shares.ts'

/**
 * `cells`: what each cell of the image tower adds to the score; their mean is the score.
 * `occlusion`: what the score loses when the surroundings of a cell are hidden.
 */
export type ExplainMethod = 'cells' | 'occlusion'

/** A grid of numbers over a picture. */
export interface HeatMap {
  readonly width: number
  readonly height: number
  /** Row by row, in units of the score; negative where the picture speaks against the query. */
  readonly values: readonly number[]
  /** The part of the picture that the grid lies over: all that the model sees of it. */
  readonly area: Area
}

/** A term's part of the score, and of the map. */
export interface ExplainedTerm extends TermShare {
  /** Of the grid; the terms' values sum to the map's. */
  readonly values: readonly number[]
}

/** Why a picture scores what it scores. */
export interface Explanation {
  readonly model: string
  readonly method: ExplainMethod
  /** Cosine of query and picture. */
  readonly score: number
  /** Percentile in [0, 1] among neutral captions; `null` unless the query is all text. */
  readonly relevance: number | null
  /** Relevance from which a picture is called relevant; `null` where it was not calibrated. */
  readonly relevanceThreshold: number | null
  readonly map: HeatMap
  /** In the order of the query. */
  readonly terms: readonly ExplainedTerm[]
}

/** What explaining needs. */
export interface ExplainContext extends Pick<AnswerContext, 'clip' | 'pictures' | 'bank'> {
  /** The file of an indexed picture. Throws `not_found`, `file_changed`. */
  readonly readFile: (id: ContentHash) => Promise<{ bytes: Uint8Array; path: string }>
}

/**
 * Explains the score of a picture, indexed or not. Throws `bad_input` where `picture` is none, and
 * what a search for the terms throws.
 */
export async function explainScore(
  context: ExplainContext,
  picture: SearchTerm,
  terms: readonly SearchTerm[],
): Promise<Explanation> {
  const { clip, pictures, bank } = context
  const loaded = await Promise.all(terms.map(loadTerm))
  const lookUp = async (hash: ContentHash) => (await pictures.findVectors([hash])).get(hash)
  const query = await encodeTerms(clip, lookUp, loaded)
  const direction = weightedSum(query.terms)
  const { bytes, path } = await readPicture(context, picture)
  const opened = await openPicture(bytes, path)
  const { method, vector, parts } = await takeApart(clip, await clip.preprocess(opened, path))
  const score = dot(direction, vector)
  const length = sumLength(query.terms)
  const shares = shareScore(query.terms, vector)
  const { width, height } = parts
  const valuesOf = (of: Float32Array, factor = 1) =>
    parts.vectors.map((part) => factor * dot(part, of))
  return {
    model: clip.model.name,
    method,
    score,
    relevance: query.isText ? percentile(await bank(), vector, score) : null,
    relevanceThreshold: clip.model.relevance?.threshold ?? null,
    map: { width, height, values: valuesOf(direction), area: seenArea(opened, clip.model.pixels) },
    terms: query.terms.map(({ vector: of, weight }, i) => {
      return { ...shares[i]!, values: valuesOf(of, weight / length) }
    }),
  }
}

async function readPicture({ readFile }: ExplainContext, picture: SearchTerm) {
  if ('id' in picture) return readFile(picture.id)
  const loaded = await loadTerm(picture)
  if (!('picture' in loaded)) {
    throw new LucidaError('bad_input', 'Expected a picture to explain: a file, an id or an address')
  }
  return { bytes: loaded.picture, path: loaded.pathHint }
}

/** The picture's vector, and what its parts contribute to any direction. */
async function takeApart(
  clip: Clip,
  pixels: PixelTensor,
): Promise<{ method: ExplainMethod; vector: UnitVector; parts: Cells }> {
  if (clip.embedCells) {
    const parts = await clip.embedCells(pixels)
    return { method: 'cells', vector: normalize(sumOf(parts.vectors)), parts }
  }
  const [vector] = await clip.embedPixels([pixels])
  const parts = await occlude(clip.embedPixels, clip.model.pixels, pixels, vector!)
  return { method: 'occlusion', vector: vector!, parts }
}

function sumOf(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(vectors[0]!.length)
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!
  return sum
}
