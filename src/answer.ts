// From what a caller asks to what a caller gets: terms in, ranked results out. Shared by the open
// Lucida, which reads the database, and by the cold search, which reads a checkpoint's files.
import { readFile, stat } from 'node:fs/promises'
import { invalidInput, LucidaError, messageOf, systemCode } from './core/errors.ts'
import type { ContentHash } from './core/hash.ts'
import type { Clip } from './models/clip.ts'
import { encodeQuery, type QueryTerm } from './search/query.ts'
import { type SearchContext, type SearchHit, searchPictures } from './search/search.ts'
import type { VectorIndex } from './search/vector-index.ts'

/** A term of a search: a query term, or a picture by its file or address. */
export type SearchTerm =
  | QueryTerm
  | { readonly path: string; readonly weight?: number }
  | { readonly url: string; readonly weight?: number }

/** What a caller may ask of a search. */
export interface SearchHow {
  /** Pictures wanted, 1 to 1000; 10 by default. */
  readonly limit?: number
  /** Leaves out what scores lower (cosine). */
  readonly minScore?: number
}

/** One picture found. */
export interface SearchResult {
  /** SHA-256 of the file: the same picture has the same id everywhere. */
  readonly id: ContentHash
  /** Where it lies; the first, in byte order, when it lies in several places. */
  readonly path: string
  /** Every place where it lies. */
  readonly paths: readonly string[]
  /** Cosine in [-1, 1]. */
  readonly score: number
  /** Percentile in [0, 1] among neutral captions; `null` unless the query is all text. */
  readonly relevance: number | null
  readonly width: number
  readonly height: number
  /** Wall time at the camera, `YYYY-MM-DDTHH:mm:ss`, or `null`. */
  readonly takenAt: string | null
}

/** An answer to a search. */
export interface SearchAnswer {
  readonly model: string
  /** Pictures searched. */
  readonly searched: number
  readonly tookMs: number
  readonly results: readonly SearchResult[]
  /** Relevance from which a picture is called relevant; `null` where it was not calibrated. */
  readonly relevanceThreshold: number | null
}

/** What an answer is made from; the index may still be on its way while the query is encoded. */
export interface AnswerContext extends Omit<SearchContext, 'index'> {
  readonly clip: Clip
  readonly index: () => Promise<VectorIndex>
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
  how: SearchHow & { readonly withoutQuery: boolean },
): Promise<SearchAnswer> {
  const startedAt = performance.now()
  const { clip, findPictures, findVectors, bank } = context
  const { withoutQuery, ...options } = how
  const opening = context.index()
  // Reported where it is awaited, even when the query fails first.
  opening.catch(() => {})
  const loaded = await Promise.all(terms.map(loadTerm))
  const query = await encodeQuery(
    clip,
    async (hash) => (await findVectors([hash])).get(hash),
    loaded,
  )
  const index = await opening
  const hits = await searchPictures({ index, bank, findPictures, findVectors }, query, {
    ...options,
    ...(withoutQuery && { without: query.ownContents }),
  })
  return {
    model: clip.model.name,
    searched: index.size,
    tookMs: Math.round(performance.now() - startedAt),
    results: hits.map(toResult),
    relevanceThreshold: clip.model.relevance?.threshold ?? null,
  }
}

/** Reads a picture that is used as a query. Throws `not_found`, `unreadable`, `bad_input`. */
export async function readQueryFile(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path)
    if (size > MAX_QUERY_BYTES) throw invalidInput(path, `at most ${MAX_QUERY_BYTES} bytes`, size)
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof LucidaError) throw cause
    const code = systemCode(cause) === 'ENOENT' ? 'not_found' : 'unreadable'
    throw new LucidaError(code, `Cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** Turns files and addresses into pictures. */
async function loadTerm(term: SearchTerm): Promise<QueryTerm> {
  const weight = term.weight ?? 1
  if ('path' in term) return { picture: await readQueryFile(term.path), weight }
  if ('url' in term) {
    const { fetchImage } = await import('./search/fetch-image.ts')
    return { picture: await fetchImage(term.url), weight }
  }
  return term
}

function toResult({ picture, score, relevance }: SearchHit): SearchResult {
  return {
    id: picture.hash,
    path: picture.paths[0]!,
    paths: picture.paths,
    score,
    relevance,
    width: picture.widthPx,
    height: picture.heightPx,
    takenAt: picture.takenAt?.replace(' ', 'T') ?? null,
  }
}
