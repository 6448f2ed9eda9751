// From a query vector, or from a filter alone, to pages of pictures: the ranking, then their rows
// and relevance.
import { invalidInput } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import { dot, type UnitVector } from '../core/vector.ts'
import type { PictureFilter } from '../store/filters.ts'
import type { Position } from './cursor.ts'
import { firstMatchingPath, isEmptyFilter } from './filter.ts'
import type { PictureRow } from './picture-table.ts'
import type { EncodedQuery } from './query.ts'
import {
  amongPassing,
  type PictureSource,
  cutPage,
  type RankedPage,
  rankByDate,
  rankByScore,
  type Reorder,
  type Screen,
  type SearchContext,
} from './rank.ts'
import { type NeutralBank, type RatedPictures, rememberRatings } from './relevance.ts'

/** A picture of a listing. */
export interface ListHit {
  readonly picture: PictureRow
  /** The first of its paths that passes the filter. */
  readonly path: string
}

/** A ranked picture. */
export interface SearchHit extends ListHit {
  /** Cosine in [-1, 1]. */
  readonly score: number
  /** Percentile in [0, 1] (see relevance.ts); `null` for a query with a picture or vector in it. */
  readonly relevance: number | null
}

/** Part of an answer. */
export interface Page<T> {
  readonly hits: readonly T[]
  /** Pictures that pass the filter; all of the index when there is none. */
  readonly matching: number
  /** Pass as `after` for what follows; `null` at the end. */
  readonly next: Position | null
  /** What the screen left out on the way to the end of the page. */
  readonly leftOut: readonly ContentHash[]
}

export interface ListOptions {
  /** Pictures wanted, 1 to 1000. */
  readonly limit?: number
  /** Passes over so many. */
  readonly offset?: number
  /** Goes on behind an earlier page. */
  readonly after?: Position | undefined
  readonly filter?: PictureFilter
  /** Leaves out these contents. */
  readonly without?: ReadonlySet<ContentHash>
  /** Leaves out these too, as if they were not there; only where there is no filter. */
  readonly hidden?: ReadonlySet<ContentHash>
  /** Leaves out what it says is not to be shown. */
  readonly screen?: Screen | undefined
}

export interface SearchOptions extends ListOptions {
  /** Leaves out what scores lower (cosine). */
  readonly minScore?: number
  /** Best first, or newest first: then all that score `minScore`, or are relevant without it. */
  readonly orderBy?: 'score' | 'takenAt'
  /** Puts the best results into another order; not by date. */
  readonly reorder?: Reorder | undefined
}

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 1000
const NONE: ReadonlySet<ContentHash> = new Set()

/** The pictures for a query. Throws `bad_input`, `dimension_mismatch`. */
export async function searchPictures(
  context: SearchContext,
  query: EncodedQuery,
  options: SearchOptions = {},
): Promise<Page<SearchHit>> {
  const { minScore, without: asked = NONE, hidden = NONE, orderBy = 'score', reorder } = options
  const without = union(asked, hidden)
  const searched = context.index.size - hidden.size
  const { limit, offset, after, filter } = checked(options)
  if (minScore !== undefined && !(minScore >= -1 && minScore <= 1)) {
    throw invalidInput('minimum score', 'number between -1 and 1', minScore)
  }
  if (orderBy !== 'score' && orderBy !== 'takenAt') {
    throw invalidInput('orderBy', 'score or takenAt', orderBy)
  }
  const page = { limit, offset, without, screen: options.screen }
  if (orderBy === 'takenAt') {
    if (reorder) throw invalidInput('orderBy', 'score where results are balanced', orderBy)
    const ranked = await rankByDate(context, query, {
      ...page,
      minScore,
      filter,
      after: after && ('hash' in after ? after : refused(after)),
    })
    const hits = await describe(context, query, filter, ranked)
    const last = hits.at(-1)?.picture
    return {
      hits,
      matching: isEmptyFilter(filter) ? searched : await context.pictures.countMatching(filter),
      next: ranked.more && last ? { takenAt: last.takenAt, hash: last.hash } : null,
      leftOut: ranked.leftOut,
    }
  }
  const among = isEmptyFilter(filter) ? undefined : amongPassing(context.pictures, filter)
  const position = after && ('seen' in after ? after : refused(after))
  const ranked = await rankByScore(context.index, query, {
    ...page,
    minScore: minScore ?? -1,
    among,
    after: position,
    reorder,
  })
  const last = ranked.hits.at(-1)
  const seen = (position?.seen ?? 0) + offset + ranked.hits.length
  return {
    hits: await describe(context, query, filter, ranked),
    matching: (await among?.count()) ?? searched,
    next: ranked.more && last ? { ...last, seen } : null,
    leftOut: ranked.leftOut,
  }
}

/** Pictures without any query, newest first, those without a date last. Throws `bad_input`. */
export async function listPictures(
  source: Omit<PictureSource, 'findVectors'>,
  options: ListOptions = {},
): Promise<Page<ListHit>> {
  const { limit, offset, after, filter } = checked(options)
  const { without = NONE, screen } = options
  const position = after && ('hash' in after ? after : refused(after))
  // Most of what is left out lies further down.
  for (let wanted = offset + limit + 1 + without.size; ; wanted *= 2) {
    const all = await source.findMatchingByDate(filter, { after: position, limit: wanted })
    const found = all.filter((hash) => !without.has(hash))
    const listed = found.map((content) => ({ content, score: 0 }))
    const page = await cutPage(listed, { limit, offset, screen })
    if (!page.more && all.length === wanted) continue
    const hashes = page.hits.map(({ content }) => content)
    const pictures = await source.findPictures(hashes)
    const hits = hashes.flatMap((hash) => placed(pictures.get(hash), filter))
    const last = hits.at(-1)?.picture
    return {
      hits,
      matching: await source.countMatching(filter),
      next: page.more && last ? { takenAt: last.takenAt, hash: last.hash } : null,
      leftOut: page.leftOut,
    }
  }
}

function checked({ limit = DEFAULT_LIMIT, offset = 0, after, filter = {} }: ListOptions) {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw invalidInput('limit', `integer between 1 and ${MAX_LIMIT}`, limit)
  }
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw invalidInput('offset', 'integer of 0 or more', offset)
  }
  return { limit, offset, after, filter }
}

function union<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): ReadonlySet<T> {
  return a.size === 0 ? b : b.size === 0 ? a : new Set([...a, ...b])
}

function refused(position: Position): never {
  throw invalidInput('after', 'a position in the same order', position)
}

/** Nothing when the picture is gone since it was found. */
function placed(picture: PictureRow | undefined, filter: PictureFilter): ListHit[] {
  const path = picture && firstMatchingPath(picture.paths, filter)
  return path === undefined ? [] : [{ picture: picture!, path }]
}

async function describe(
  context: SearchContext,
  query: EncodedQuery,
  filter: PictureFilter,
  { hits }: RankedPage,
): Promise<SearchHit[]> {
  const hashes = hits.map(({ content }) => content)
  const pictures = await context.pictures.findPictures(hashes)
  const relevance = query.isText ? await relevanceOf(context, query.vector, hashes) : null
  return hits.flatMap(({ content, score }) =>
    placed(pictures.get(content), filter).map((hit) => ({
      ...hit,
      // Rounding may carry the cosine of a vector with itself past 1.
      score: Math.min(1, Math.max(-1, score)),
      relevance: relevance?.get(content) ?? null,
    })),
  )
}

const ratingsOf = new WeakMap<NeutralBank, RatedPictures>()

/** The score is taken again from the vector itself, so that it is exactly comparable to the bank's. */
async function relevanceOf(
  context: SearchContext,
  query: UnitVector,
  hashes: readonly ContentHash[],
): Promise<Map<ContentHash, number>> {
  if (hashes.length === 0) return new Map()
  const bank = await context.bank()
  const ratings = ratingsOf.get(bank) ?? rememberRatings(bank)
  ratingsOf.set(bank, ratings)
  const unknown = hashes.filter((hash) => !ratings.find(hash))
  const vectors = unknown.length > 0 ? await context.index.vectorsOf(unknown) : new Map()
  return new Map(
    hashes.flatMap((hash) => {
      const vector = vectors.get(hash)
      const picture = vector ? ratings.rate(hash, vector) : ratings.find(hash)
      return picture ? [[hash, picture.percentile(dot(query, picture.vector))] as const] : []
    }),
  )
}
