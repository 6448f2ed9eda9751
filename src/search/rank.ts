// Which contents answer a query, in what order, page by page. A page goes on behind the last content
// of the page before, not at a number: what is added or removed in between moves nothing twice.
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import { dot, type UnitVector } from '../core/vector.ts'
import type { DatePosition, PictureFilter } from '../store/filters.ts'
import type { PictureRow } from './picture-table.ts'
import type { EncodedQuery } from './query.ts'
import { isRelevant, type NeutralBank } from './relevance.ts'
import { compareHits } from './top-hits.ts'
import type { Among, Hit, VectorIndex } from './vector-index.ts'

/** What is known of pictures: the store, or for searches without a filter a checkpoint's files. */
export interface PictureSource {
  /** Rows of those that are there. */
  findPictures(hashes: readonly ContentHash[]): Promise<Map<ContentHash, PictureRow>>
  /** Vectors of those that have one. */
  findVectors(hashes: readonly ContentHash[]): Promise<Map<ContentHash, UnitVector>>
  /** The pictures that pass, in no order. */
  findMatching(filter: PictureFilter): Promise<Set<ContentHash>>
  /** The pictures that pass, newest first, undated last. */
  findMatchingByDate(
    filter: PictureFilter,
    options: { after?: DatePosition | undefined; limit?: number },
  ): Promise<ContentHash[]>
  countMatching(filter: PictureFilter): Promise<number>
  /** Number of the newest change. */
  lastSequence(): Promise<number>
  /** The pictures that came after change number `sequence`. */
  findAddedSince(sequence: number): Promise<Set<ContentHash>>
}

/** What a search reads from. */
export interface SearchContext {
  readonly pictures: PictureSource
  readonly index: VectorIndex
  readonly bank: () => Promise<NeutralBank>
  /** Relevance from which a picture is called relevant; `null` where it was not calibrated. */
  readonly relevanceThreshold: number | null
}

/** Which of these are not to be shown. */
export type Screen = (contents: readonly ContentHash[]) => Promise<ReadonlySet<ContentHash>>

/** The part of a ranking that is wanted. */
export interface PageOptions {
  readonly limit: number
  /** Passes over so many, counted from the beginning or from `after`. */
  readonly offset: number
  readonly without: ReadonlySet<ContentHash>
  /** Leaves out more, and says what; everything is shown where it is not given. */
  readonly screen?: Screen | undefined
}

/** Part of a ranking, best or newest first. */
export interface RankedPage {
  readonly hits: readonly Hit[]
  /** Whether anything follows. */
  readonly more: boolean
  /** What the screen left out on the way. */
  readonly leftOut: readonly ContentHash[]
}

/** Where a ranking by score goes on: behind this hit, which `seen` hits precede or are. */
export interface ScorePosition extends Hit {
  readonly seen: number
}

/**
 * Another order of the best results: of the first `window`, whatever page is asked for, so that all
 * pages are of one order.
 */
export interface Reorder {
  readonly window: number
  /** The numbers of the contents, best first, in their new order. */
  readonly order: (contents: readonly ContentHash[]) => Promise<readonly number[]>
}

/** The pictures that pass, read from the store when they are first asked for. */
export function amongPassing(pictures: PictureSource, filter: PictureFilter): Among {
  let contents: Promise<ReadonlySet<ContentHash>> | undefined
  let count: Promise<number> | undefined
  return {
    filter,
    contents: () => (contents ??= pictures.findMatching(filter)),
    count: () => (count ??= contents?.then(({ size }) => size) ?? pictures.countMatching(filter)),
  }
}

/** Best first, among what passes where `among` is given. */
export async function rankByScore(
  index: VectorIndex,
  query: EncodedQuery,
  options: PageOptions & {
    readonly minScore: number
    readonly among: Among | undefined
    readonly after: ScorePosition | undefined
    readonly reorder?: Reorder | undefined
  },
): Promise<RankedPage> {
  const { limit, offset, without, minScore, among, after, reorder, screen } = options
  // One more than the page, to know whether anything follows. Most of what is left out ranks lower.
  const spare = Math.min(without.size, limit)
  const window = reorder?.window ?? 0
  const needed = Math.max((after?.seen ?? 0) + offset + limit + 1, window)
  for (let k = needed + spare; ; k *= 2) {
    const found = await index.search(query.vector, k, among)
    const fitting = found.filter(({ content, score }) => score >= minScore && !without.has(content))
    const isAll = found.length < k || found.at(-1)!.score < minScore
    if (fitting.length < window && !isAll) continue
    const ranked = reorder ? await reordered(fitting, reorder) : fitting
    const behind = after ? ranked.slice(placeBehind(ranked, after, window)) : ranked
    const page = await cutPage(behind, { limit, offset, screen })
    // Short pages: new pictures have come in before the position, or some are not shown.
    if (page.more || isAll) return page
  }
}

/** A page of `hits`; what the screen leaves out before its end is not part of it, but counted. */
export async function cutPage(
  hits: readonly Hit[],
  { limit, offset, screen }: Pick<PageOptions, 'limit' | 'offset' | 'screen'>,
): Promise<RankedPage> {
  const hidden = screen ? await screen(hits.map(({ content }) => content)) : new Set()
  const shown = hits.filter(({ content }) => !hidden.has(content))
  const page = shown.slice(offset, offset + limit)
  const more = shown.length > offset + limit
  const from = offset > 0 && shown.length >= offset ? hits.indexOf(shown[offset - 1]!) + 1 : 0
  const upTo = more ? hits.indexOf(page.at(-1)!) : hits.length
  const leftOut = hits
    .slice(from, upTo)
    .flatMap(({ content }) => (hidden.has(content) ? [content] : []))
  return { hits: page, more, leftOut }
}

async function reordered(hits: readonly Hit[], { window, order }: Reorder): Promise<Hit[]> {
  const best = hits.slice(0, window)
  const places = await order(best.map(({ content }) => content))
  return [...places.map((place) => best[place]!), ...hits.slice(window)]
}

/**
 * By identity while it is there, since a score may differ by rounding from one run to the next. Where
 * it is gone, by score or, among the first `window`, which are in another order, by number.
 */
function placeBehind(hits: readonly Hit[], after: ScorePosition, window: number): number {
  const at = hits.findIndex(({ content }) => content === after.content)
  if (at >= 0) return at + 1
  if (after.seen <= window) return Math.min(after.seen - 1, hits.length)
  const next = hits.findIndex((hit, i) => i >= window && compareHits(after, hit) < 0)
  return next >= 0 ? next : hits.length
}

/** Pictures per read: the first page is often in the first few. */
const CHUNK = 250

/**
 * All that fit the query, newest first: scored at `minScore` at least or, where none is given,
 * relevant. The vectors come from the store, in the order of the dates, until the page is full.
 * Throws `bad_input` without `minScore` where relevance is not defined.
 */
export async function rankByDate(
  { pictures, bank, relevanceThreshold }: SearchContext,
  query: EncodedQuery,
  options: PageOptions & {
    readonly minScore: number | undefined
    readonly filter: PictureFilter
    readonly after: DatePosition | undefined
  },
): Promise<RankedPage> {
  const { limit, offset, without, minScore, filter, after, screen } = options
  if (minScore === undefined && (!query.isText || relevanceThreshold === null)) {
    throw new LucidaError(
      'bad_input',
      'Expected a minimum score for results by date: what is relevant is known for texts only',
    )
  }
  const neutral = minScore === undefined ? await bank() : []
  const ordered = await pictures.findMatchingByDate(filter, { after })
  const fitting: Hit[] = []
  for (let start = 0; start < ordered.length; start += CHUNK) {
    const chunk = ordered.slice(start, start + CHUNK)
    const vectors = await pictures.findVectors(chunk)
    for (const content of chunk) {
      const vector = vectors.get(content)
      if (!vector || without.has(content)) continue
      const score = dot(query.vector, vector)
      const fits =
        minScore === undefined
          ? isRelevant(neutral, vector, score, relevanceThreshold!)
          : score >= minScore
      if (fits) fitting.push({ content, score })
    }
    if (fitting.length <= offset + limit) continue
    const page = await cutPage(fitting, { limit, offset, screen })
    if (page.more) return page
  }
  return cutPage(fitting, { limit, offset, screen })
}
