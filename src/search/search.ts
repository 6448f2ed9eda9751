// From a query vector to ranked pictures: nearest neighbours, then their rows and relevance.
import { invalidInput } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import { dot, type UnitVector } from '../core/vector.ts'
import type { PictureRow } from './picture-table.ts'
import type { EncodedQuery } from './query.ts'
import { type NeutralBank, percentile } from './relevance.ts'
import type { VectorIndex } from './vector-index.ts'

/** A ranked picture. */
export interface SearchHit {
  readonly picture: PictureRow
  /** Cosine in [-1, 1]. */
  readonly score: number
  /** Percentile in [0, 1] (see relevance.ts); `null` for a query with a picture or vector in it. */
  readonly relevance: number | null
}

export interface SearchOptions {
  /** Pictures wanted, 1 to 1000. */
  readonly limit?: number
  /** Leaves out what scores lower (cosine). */
  readonly minScore?: number
  /** Leaves out these contents. */
  readonly without?: ReadonlySet<ContentHash>
}

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 1000

/** What a search reads from: the store, or a checkpoint's files. */
export interface SearchContext {
  readonly index: VectorIndex
  readonly bank: () => Promise<NeutralBank>
  /** Rows of the visible pictures among those. */
  readonly findPictures: (hashes: readonly ContentHash[]) => Promise<Map<ContentHash, PictureRow>>
  /** Their vectors. */
  readonly findVectors: (hashes: readonly ContentHash[]) => Promise<Map<ContentHash, UnitVector>>
}

/** The best pictures for a query, best first. Throws `bad_input`, `dimension_mismatch`. */
export async function searchPictures(
  context: SearchContext,
  query: EncodedQuery,
  options: SearchOptions = {},
): Promise<SearchHit[]> {
  const { limit = DEFAULT_LIMIT, minScore = -1, without = new Set() } = options
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw invalidInput('limit', `integer between 1 and ${MAX_LIMIT}`, limit)
  }
  if (!(minScore >= -1 && minScore <= 1)) {
    throw invalidInput('minimum score', 'number between -1 and 1', minScore)
  }
  const found = await context.index.search(query.vector, limit + without.size)
  const hits = found
    .filter(({ content, score }) => score >= minScore && !without.has(content))
    .slice(0, limit)
  const hashes = hits.map(({ content }) => content)
  const pictures = await context.findPictures(hashes)
  const relevance = query.isText ? await relevanceOf(context, query.vector, hashes) : null
  return hits.flatMap(({ content, score }) => {
    const picture = pictures.get(content)
    // Removed between the index's answer and ours.
    if (!picture) return []
    // Rounding may carry the cosine of a vector with itself past 1.
    const cosine = Math.min(1, Math.max(-1, score))
    return [{ picture, score: cosine, relevance: relevance?.get(content) ?? null }]
  })
}

/** The score is taken again from the stored vector, so that it is exactly comparable to the bank's. */
async function relevanceOf(
  context: SearchContext,
  query: UnitVector,
  hashes: readonly ContentHash[],
): Promise<Map<ContentHash, number>> {
  if (hashes.length === 0) return new Map()
  const [bank, vectors] = await Promise.all([context.bank(), context.findVectors(hashes)])
  return new Map([...vectors].map(([hash, v]) => [hash, percentile(bank, v, dot(query, v))]))
}
