// From what a caller asks to what a caller gets: terms in, pages of pictures out. Shared by the open
// Lucida, which reads the database, and by the cold search, which reads a checkpoint's files.
import { readFile, stat } from 'node:fs/promises'
import { invalidInput, LucidaError, messageOf, systemCode } from './core/errors.ts'
import { type ContentHash, sha256, sha256InTurns } from './core/hash.ts'
import { isBucketPath } from './core/place.ts'
import type { Clip } from './models/clip.ts'
import type { Adjusted, Adjusting } from './audit/adjust.ts'
import { fingerprint, type PageEnd, readCursor, writeCursor } from './search/cursor.ts'
import { type Filter, isEmptyFilter } from './search/filter.ts'
import { type EncodedQuery, encodeQuery, type QueryTerm } from './search/query.ts'
import type { ConceptScore } from './safety/concepts.ts'
import type { ResultSafety } from './safety/safety.ts'
import type { PictureSource, Screen, SearchContext } from './search/rank.ts'
import {
  type ListHit,
  listPictures,
  type Page,
  type SearchHit,
  searchPictures,
} from './search/search.ts'
import type { VectorIndex } from './search/vector-index.ts'
import type { DrawnPictures } from './store/drawn.ts'
import type { PictureFilter } from './store/filters.ts'

/** A term of a search: a query term, or a picture by its file or address. */
export type SearchTerm =
  | QueryTerm
  | { readonly path: string; readonly weight?: number }
  | { readonly url: string; readonly weight?: number }

/** One picture. */
export interface Picture {
  /** SHA-256 of the file: the same picture has the same id everywhere. */
  readonly id: ContentHash
  /** Where it lies; the first in byte order, among those in the folder that was asked for. */
  readonly path: string
  /** Every place where it lies. */
  readonly paths: readonly string[]
  readonly width: number
  readonly height: number
  /** Wall time at the camera, `YYYY-MM-DDTHH:mm:ss`, or `null`. */
  readonly takenAt: string | null
  /** Whether its file says that a trained algorithm made it. */
  readonly generated: boolean
  /** ThumbHash, a placeholder of about 25 bytes; `null` in a search without the database. */
  readonly thumbHash: Uint8Array | null
  /** Concepts of the safety policy that it may show; absent where there is none, or no policy. */
  readonly safety?: readonly ConceptScore[]
}

/** One picture found. */
export interface SearchResult extends Picture {
  /** Cosine in [-1, 1]. */
  readonly score: number
  /** Percentile in [0, 1] among neutral captions; `null` unless the query is all text. */
  readonly relevance: number | null
}

/** Which pictures are listed, and which part of them. */
export interface ListOptions {
  /** At most so many, 1 to 1000; 10 when not given. */
  readonly limit?: number
  readonly filter?: Filter
  /** Passes over so many. */
  readonly offset?: number
  /** `nextCursor` of an answer to the same search: goes on behind its last result. */
  readonly cursor?: string
}

/** What is looked for beside the terms. */
export interface SearchOptions extends ListOptions {
  /** Leaves out what scores lower (cosine). */
  readonly minScore?: number
  /**
   * `score`: best first. `takenAt`: newest first, undated last, all pictures that score `minScore`
   * at least or, without it, that are relevant; needs `minScore` unless the query is all text.
   */
  readonly orderBy?: 'score' | 'takenAt'
  /** Takes this attribute out of a query by texts that does not ask for it (docs/bias.md). */
  readonly debias?: string
  /** Balances the best results by this attribute; not by date. */
  readonly balance?: string
}

/** What answers have in common. */
interface Answer<T> {
  /** Pictures that pass the filter. */
  readonly matching: number
  readonly tookMs: number
  readonly results: readonly T[]
  /** Pass as `cursor` for the next results; `null` after the last. */
  readonly nextCursor: string | null
  /** Pictures that the safety policy left out on the way to the end of this page. */
  readonly leftOut: number
}

/** An answer to a search. */
export interface SearchAnswer extends Answer<SearchResult> {
  readonly model: string
  /** Pictures in the index. */
  readonly searched: number
  /** Relevance from which a picture is called relevant; `null` where it was not calibrated. */
  readonly relevanceThreshold: number | null
  /** What was done to query or order, where that was asked for. */
  readonly adjusted: Adjusted | null
}

/** Pictures by date. */
export type ListAnswer = Answer<Picture>

/** What an answer is made from; the index may still be on its way while the query is encoded. */
export interface AnswerContext extends Omit<SearchContext, 'index' | 'relevanceThreshold'> {
  readonly clip: Clip
  readonly index: () => Promise<VectorIndex>
  /** The caller's filter, checked, with the real paths of its folders. */
  readonly locateFilter: (filter: Filter) => Promise<PictureFilter>
  /** What Lucida has drawn itself. */
  readonly drawn: () => Promise<DrawnPictures>
  readonly adjusting: () => Promise<Adjusting>
  /** What is left out of results, or labelled; absent where nothing is. */
  readonly safety?: ResultSafety | undefined
}

/** Larger files are not read as a query. */
const MAX_QUERY_BYTES = 512 * 1024 * 1024

/**
 * Searches. `withoutQuery` leaves out the pictures that the query itself is made of.
 * Throws `bad_input`, `not_found`, `corrupt_image`, `fetch_failed`, `dimension_mismatch`.
 */
export async function answerSearch(
  context: AnswerContext,
  terms: readonly SearchTerm[],
  options: SearchOptions,
  withoutQuery: boolean,
): Promise<SearchAnswer> {
  const startedAt = performance.now()
  const { clip, pictures, bank } = context
  const { cursor: _, filter = {}, debias, balance, ...how } = options
  const { orderBy, minScore } = how
  const { name, recipe } = clip.model
  const keys = await Promise.all(terms.map(termKey))
  const asked = [name, recipe, keys, filter, orderBy, minScore, withoutQuery, debias, balance]
  const search = fingerprint(asked)
  const opening = context.index()
  // Reported where it is awaited, even when the query fails first.
  opening.catch(() => {})
  const begin = await pageOf(search, options, pictures)
  const page = { ...how, after: begin.after, ...(await withoutDrawn(context, filter)) }
  const loaded = await Promise.all(terms.map(loadTerm))
  const lookUp = async (hash: ContentHash) => (await pictures.findVectors([hash])).get(hash)
  const encoded = await encodeQuery(clip, lookUp, loaded)
  const { query, reorder, adjusted } = await adjust(context, encoded, terms, options)
  const index = await opening
  const relevanceThreshold = clip.model.relevance?.threshold ?? null
  const judge = judgeOf(context)
  const found = await searchPictures({ pictures, bank, index, relevanceThreshold }, query, {
    ...page,
    reorder,
    screen: judge?.screen,
    without: withoutQuery ? union(query.ownContents, begin.added) : begin.added,
  })
  const asOf = begin.asOf ?? index.sequence
  return {
    model: name,
    searched: index.size,
    relevanceThreshold,
    adjusted,
    ...(await toAnswer(found, toResult, judge, { search, asOf, startedAt })),
  }
}

/** The query without an attribute and the order that is balanced, as far as that is asked for. */
async function adjust(
  { adjusting }: AnswerContext,
  query: EncodedQuery,
  terms: readonly SearchTerm[],
  { debias, balance }: SearchOptions,
) {
  if (debias === undefined && balance === undefined) return { query, adjusted: null }
  const open = await adjusting()
  const texts = terms.flatMap((term) => ('text' in term ? [term.text] : []))
  const debiased = debias === undefined ? null : await open.debias(debias, query, texts)
  const balanced = balance === undefined ? null : await open.balance(balance, texts)
  return {
    query: debiased?.query ?? query,
    reorder: balanced?.reorder,
    adjusted: { debias: debiased?.done ?? null, balance: balanced?.done ?? null },
  }
}

/** Lists pictures by date. Throws `bad_input`, `not_found`. */
export async function answerList(
  context: Pick<AnswerContext, 'locateFilter' | 'drawn' | 'safety' | 'pictures'>,
  options: ListOptions,
): Promise<ListAnswer> {
  const startedAt = performance.now()
  const { cursor: _, filter = {}, ...how } = options
  const search = fingerprint(['list', filter])
  const { pictures } = context
  const {
    after,
    added,
    asOf = await pictures.lastSequence(),
  } = await pageOf(search, options, pictures)
  const located = await locateWithoutDrawn(context, filter)
  const judge = judgeOf(context)
  const page = { ...how, after, without: added, filter: located, screen: judge?.screen }
  const found = await listPictures(pictures, page)
  return toAnswer(found, toPicture, judge, { search, asOf, startedAt })
}

/** Reads a picture that is used as a query. Throws `not_found`, `unreadable`, `bad_input`. */
export async function readQueryFile(path: string): Promise<Uint8Array> {
  if (isBucketPath(path)) {
    const { openSource } = await import('./sources/open-source.ts')
    return (await openSource(path).read(path, MAX_QUERY_BYTES)).bytes
  }
  try {
    const { size } = await stat(path)
    if (size > MAX_QUERY_BYTES) {
      throw invalidInput(path, `at most ${MAX_QUERY_BYTES} bytes`, size)
    }
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof LucidaError) throw cause
    const code = systemCode(cause) === 'ENOENT' ? 'not_found' : 'unreadable'
    throw new LucidaError(code, `Cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** Turns files and addresses into pictures. */
export async function loadTerm(term: SearchTerm): Promise<QueryTerm> {
  const weight = term.weight ?? 1
  if ('path' in term) {
    return { picture: await readQueryFile(term.path), pathHint: term.path, weight }
  }
  if ('url' in term) {
    const { fetchImage } = await import('./search/fetch-image.ts')
    return { picture: await fetchImage(term.url), pathHint: new URL(term.url).pathname, weight }
  }
  return term
}

/** A row as callers see it. */
export function toPicture({ picture, path }: ListHit): Picture {
  return {
    id: picture.hash,
    path,
    paths: picture.paths,
    width: picture.widthPx,
    height: picture.heightPx,
    takenAt: picture.takenAt?.replace(' ', 'T') ?? null,
    generated: picture.generated,
    thumbHash: picture.thumbHash ?? null,
  }
}

function toResult(hit: SearchHit): SearchResult {
  return { ...toPicture(hit), score: hit.score, relevance: hit.relevance }
}

/** The safety policy over one source of vectors. */
interface Judge {
  readonly flag: (
    contents: readonly ContentHash[],
  ) => Promise<ReadonlyMap<ContentHash, readonly ConceptScore[]>>
  /** Only where what is flagged is left out. */
  readonly screen: Screen | undefined
  readonly noteHidden: ResultSafety['noteHidden']
}

function judgeOf({ safety, pictures }: Pick<AnswerContext, 'safety' | 'pictures'>) {
  if (!safety) return undefined
  const flag: Judge['flag'] = (contents) =>
    safety.flag(contents, (unknown) => pictures.findVectors(unknown))
  const screen: Screen = async (contents) => new Set((await flag(contents)).keys())
  const { hides, noteHidden } = safety
  return { flag, screen: hides ? screen : undefined, noteHidden } satisfies Judge
}

async function toAnswer<Hit extends ListHit, Result extends Picture>(
  { hits, matching, next, leftOut }: Page<Hit>,
  convert: (hit: Hit) => Result,
  judge: Judge | undefined,
  {
    search,
    asOf,
    startedAt,
  }: { readonly search: string; readonly asOf: number; readonly startedAt: number },
): Promise<Answer<Result>> {
  const flagged = await judge?.flag(hits.map(({ picture }) => picture.hash))
  if (judge && leftOut.length > 0) await judge.noteHidden(await judge.flag(leftOut))
  return {
    matching,
    tookMs: Math.round(performance.now() - startedAt),
    results: hits.map((hit) => {
      const safety = flagged?.get(hit.picture.hash)
      return safety ? { ...convert(hit), safety } : convert(hit)
    }),
    nextCursor: next && writeCursor(search, { at: next, asOf }),
    leftOut: leftOut.length,
  }
}

/** Where a page begins, and what is not in it because it came after the first page. */
interface PageBegin {
  readonly after?: PageEnd['at']
  readonly asOf?: number
  readonly added: ReadonlySet<ContentHash>
}

/** Throws `bad_input` for a cursor of another search. */
async function pageOf(
  search: string,
  { cursor, offset }: ListOptions,
  pictures: PictureSource,
): Promise<PageBegin> {
  if (cursor === undefined) return { added: new Set() }
  if (offset !== undefined) throw invalidInput('offset', 'no offset beside a cursor', offset)
  const { at, asOf } = readCursor(search, cursor)
  return { after: at, asOf, added: await pictures.findAddedSince(asOf) }
}

/** The filter without what Lucida has drawn, unless it says otherwise. */
export async function locateWithoutDrawn(
  context: Pick<AnswerContext, 'locateFilter' | 'drawn'>,
  filter: Filter,
): Promise<PictureFilter> {
  return outsideDrawn(context, filter, await context.locateFilter(filter))
}

async function outsideDrawn(
  { drawn }: Pick<AnswerContext, 'drawn'>,
  filter: Filter,
  located: PictureFilter,
): Promise<PictureFilter> {
  if (filter.generated !== undefined) return located
  const { folders } = await drawn()
  return folders.length === 0 ? located : { ...located, outside: folders }
}

/** The same, but without asking the database where there is no filter. */
async function withoutDrawn(context: AnswerContext, filter: Filter) {
  const located = await context.locateFilter(filter)
  if (filter.generated === undefined && isEmptyFilter(located)) {
    return { filter: located, hidden: (await context.drawn()).contents }
  }
  return { filter: await outsideDrawn(context, filter, located) }
}

function union<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): ReadonlySet<T> {
  return new Set([...a, ...b])
}

/** What tells a term from others, in a cursor. */
async function termKey(term: SearchTerm): Promise<unknown> {
  if ('picture' in term) return { ...term, picture: await sha256InTurns(term.picture) }
  if (!('vector' in term)) return term
  const { buffer, byteOffset, byteLength } = term.vector
  return { ...term, vector: sha256(new Uint8Array(buffer, byteOffset, byteLength)) }
}
