// The composition root and the library's entry: picks the adapters, opens and closes them.
import { readFile, realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Config, type PartialConfig, resolveConfig } from './config.ts'
import { invalidInput, LucidaError, messageOf, systemCode } from './core/errors.ts'
import { type ContentHash, sha256 } from './core/hash.ts'
import type { UnitVector } from './core/vector.ts'
import type { IndexEvent } from './indexer/events.ts'
import { indexFolder } from './indexer/pipeline.ts'
import { excludeMatcher } from './indexer/scan.ts'
import { openClip } from './models/clip.ts'
import type { ModelSpec } from './models/manifest.ts'
import { findModel } from './models/registry.ts'
import {
  type ClassifyMode,
  DEFAULT_TEMPLATE,
  embedLabels,
  type LabelScore,
  scoreLabels,
} from './search/classify.ts'
import { fingerprint, readCursor, writeCursor } from './search/cursor.ts'
import { fetchImage } from './search/fetch-image.ts'
import { type Filter, parseFilter } from './search/filter.ts'
import { openIndexFor } from './search/open-index.ts'
import { encodeQuery, type QueryTerm } from './search/query.ts'
import { loadNeutralBank, type NeutralBank } from './search/relevance.ts'
import {
  type ListHit,
  listPictures,
  type Page,
  type SearchContext,
  type SearchHit,
  searchPictures,
} from './search/search.ts'
import { syncIndex } from './search/sync.ts'
import type { VectorIndex } from './search/vector-index.ts'
import { feedState } from './store/changes.ts'
import { openDatabase } from './store/database.ts'
import { listFailures } from './store/failures.ts'
import { countFacets, type Facets, type PictureFilter } from './store/filters.ts'
import { findVectors } from './store/pictures.ts'
import {
  claimRoot,
  listRoots,
  notARoot,
  type Root,
  removeRoot,
  summarizeRoots,
} from './store/roots.ts'
import { refreshStatistics } from './store/statistics.ts'

export { LucidaError } from './core/errors.ts'
export type { ErrorCode } from './core/errors.ts'
export type { PartialConfig } from './config.ts'
export { listModels } from './models/registry.ts'
export type { IndexCounts, IndexEvent } from './indexer/events.ts'
export type { LabelScore } from './search/classify.ts'
export type { Filter } from './search/filter.ts'
export type { FacetCount, Facets } from './store/filters.ts'

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
}

/** What answers have in common. */
interface Answer<T> {
  /** Pictures that pass the filter. */
  readonly matching: number
  readonly tookMs: number
  readonly results: readonly T[]
  /** Pass as `cursor` for the next results; `null` after the last. */
  readonly nextCursor: string | null
}

/** An answer to a search. */
export interface SearchAnswer extends Answer<SearchResult> {
  readonly model: string
  /** Pictures in the index. */
  readonly searched: number
  /** Relevance from which a picture is called relevant; `null` where it was not calibrated. */
  readonly relevanceThreshold: number | null
}

/** Pictures by date. */
export type ListAnswer = Answer<Picture>

/** What `classify` says about one picture. */
export interface Classification {
  readonly path: string
  readonly mode: ClassifyMode
  readonly labels: readonly LabelScore[]
}

/** A recorded failure. */
export interface Failure {
  readonly path: string
  readonly reason: string
  readonly code: string
}

/** An indexed folder. */
export interface RootSummary {
  readonly path: string
  /** Globs that are left out. */
  readonly exclude: readonly string[]
  readonly addedAt: Date
  /** End of the last complete run; `null` until one has ended. */
  readonly indexedAt: Date | null
  /** Distinct pictures that are there. */
  readonly pictures: number
  /** Files that are gone but not pruned. */
  readonly missing: number
  readonly failures: number
}

/** What is indexed, and with what. */
export interface Status {
  readonly dataDir: string
  readonly database: 'pglite' | 'postgres'
  readonly model: string
  readonly index: 'exact' | 'hnsw'
  /** Pictures that a search looks through. */
  readonly searchable: number
  readonly roots: readonly RootSummary[]
}

/** An open Lucida. Close it: an embedded data directory has one owner at a time. */
export interface Lucida {
  readonly config: Config
  readonly model: ModelSpec
  /**
   * Indexes folders, one after another; every known root when none is named. Nothing happens until
   * the events are read. Throws `not_found` or `bad_input` for what is no folder.
   */
  index(
    folders: readonly string[],
    options?: { exclude?: readonly string[]; prune?: boolean; signal?: AbortSignal },
  ): AsyncGenerator<IndexEvent>
  /** Finds pictures. Throws `bad_input`, `not_found`, `corrupt_image`, `fetch_failed`. */
  search(terms: readonly SearchTerm[], options?: SearchOptions): Promise<SearchAnswer>
  /** Pictures like one picture, which itself is left out. */
  similar(term: SearchTerm, options?: SearchOptions): Promise<SearchAnswer>
  /** Pictures by date, newest first, undated last; also those without a vector of this model. */
  list(options?: ListOptions): Promise<ListAnswer>
  /** How many pictures there are of each kind, among those that pass the filter. */
  facets(filter?: Filter): Promise<Facets>
  /** Zero-shot classification of picture files. */
  classify(
    files: readonly string[],
    options: { labels: readonly string[]; templates?: readonly string[]; mode?: ClassifyMode },
  ): AsyncGenerator<Classification>
  status(): Promise<Status>
  failures(): Promise<Failure[]>
  /** Forgets an indexed folder; the files stay. Returns how many paths were forgotten. */
  remove(folder: string): Promise<number>
  close(): Promise<void>
}

/** Larger files are not read as a query. */
const MAX_QUERY_BYTES = 512 * 1024 * 1024

/** Opens Lucida with settings from `options`, the environment and lucida.config.json. */
export async function openLucida(options: PartialConfig = {}): Promise<Lucida> {
  return openResolved(resolveConfig({ flags: options }))
}

/** Opens Lucida with exactly these settings: whoever calls has resolved them. */
export async function openResolved(config: Config): Promise<Lucida> {
  const model = await findModel(config.model)
  const database = await openDatabase(
    config.databaseUrl ? { url: config.databaseUrl } : { directory: config.dataDir },
  )
  const { db } = database
  const space = { model: model.name, recipe: model.recipe }
  const clip = openClip(model, { threads: config.threads })
  let bank: Promise<NeutralBank> | undefined
  let opened: VectorIndex | undefined

  const loadBank = () => {
    bank ??= loadNeutralBank(model, clip.embedTexts, join(config.dataDir, 'cache'))
    // A failure is not remembered.
    bank.catch(() => (bank = undefined))
    return bank
  }

  const syncedIndex = async (): Promise<VectorIndex> => {
    const identity = { storeId: database.storeId, ...space, dimension: model.dimension }
    const directory = join(
      config.dataDir,
      'indexes',
      database.storeId,
      `${model.name}-${model.recipe}`,
    )
    const open = async (fresh: boolean) =>
      openIndexFor({
        kind: config.vectorIndex,
        count: (await feedState(db, space)).count,
        identity,
        directory,
        fresh,
      })
    opened ??= await open(false)
    if (await syncIndex(db, space, opened)) return opened
    await opened.close()
    opened = await open(true)
    if (await syncIndex(db, space, opened)) return opened
    throw new LucidaError('index_stale', 'The index keeps changing while it is rebuilt; try again')
  }

  let turn: Promise<unknown> = Promise.resolve()
  /** The index, caught up with the store; one caller at a time does the catching up. */
  const currentIndex = (): Promise<VectorIndex> => {
    const result = turn.then(syncedIndex)
    turn = result.catch(() => {})
    return result
  }

  const context = async (): Promise<SearchContext> => ({
    db,
    space,
    index: await currentIndex(),
    bank: loadBank,
    relevanceThreshold: model.relevance?.threshold ?? null,
  })

  const find = async (
    terms: readonly SearchTerm[],
    options: SearchOptions,
    withoutQuery: boolean,
  ): Promise<SearchAnswer> => {
    const startedAt = performance.now()
    const { cursor: _, filter = {}, ...how } = options
    const { orderBy, minScore } = how
    const search = fingerprint([space, terms.map(termKey), filter, orderBy, minScore, withoutQuery])
    const page = { ...how, ...pageOf(search, options), filter: await locateFilter(filter) }
    const loaded = await Promise.all(terms.map(loadTerm))
    const lookUp = async (hash: ContentHash) => (await findVectors(db, space, [hash])).get(hash)
    const query = await encodeQuery(clip, lookUp, loaded)
    const searchContext = await context()
    const found = await searchPictures(searchContext, query, {
      ...page,
      ...(withoutQuery && { without: query.ownContents }),
    })
    return {
      model: model.name,
      searched: searchContext.index.size,
      relevanceThreshold: searchContext.relevanceThreshold,
      ...toAnswer(found, toResult, search, startedAt),
    }
  }

  /** Checked, with the real paths of its folders. Throws `not_found` for a root that is none. */
  const locateFilter = async (filter: Filter): Promise<PictureFilter> => {
    parseFilter(filter)
    const real = async (path: string | undefined) =>
      path === undefined ? undefined : realpath(path).catch(() => resolve(path))
    const [root, folder] = [await real(filter.root), await real(filter.folder)]
    if (root !== undefined) {
      const known = (await listRoots(db)).map(({ path }) => path)
      if (!known.includes(root)) throw notARoot(root, known)
    }
    return parseFilter({ ...filter, root, folder })
  }

  return {
    config,
    model,
    async *index(folders, { exclude, ...how } = {}) {
      const roots = await listRoots(db)
      const wanted = folders.length > 0 ? folders : roots.map(({ path }) => path)
      if (wanted.length === 0) {
        throw new LucidaError(
          'bad_input',
          'No folder is indexed yet; name one: lucida index ~/Photos',
        )
      }
      const pipeline = { db, space, preprocess: clip.preprocess, embedPixels: clip.embedPixels }
      for (const name of wanted) {
        const folder = await locateFolder(name, roots)
        // Refuses a bad pattern before it is kept.
        if (exclude) excludeMatcher(folder, exclude)
        const root = await claimRoot(db, folder, exclude)
        yield* indexFolder(pipeline, root, folder, how)
        if (how.signal?.aborted) break
      }
      // So that the next search need not.
      await refreshStatistics(db)
      await (await currentIndex()).save()
    },
    search: (terms, options = {}) => find(terms, options, false),
    similar: (term, options = {}) => find([term], options, true),
    async list(options = {}) {
      const startedAt = performance.now()
      const { cursor: _, filter = {}, ...how } = options
      const search = fingerprint(['list', filter])
      const page = { ...how, ...pageOf(search, options), filter: await locateFilter(filter) }
      return toAnswer(await listPictures(db, page), toPicture, search, startedAt)
    },
    facets: async (filter = {}) => countFacets(db, await locateFilter(filter)),
    async *classify(files, { labels, templates = [DEFAULT_TEMPLATE], mode = 'single' }) {
      const directions = await embedLabels(clip.embedTexts, labels, templates)
      const how =
        mode === 'single'
          ? { mode, logitScale: model.logitScale }
          : { mode, bank: await loadBank() }
      for (const path of files) {
        const vector = await embedFile(path)
        yield { path: resolve(path), mode, labels: scoreLabels(vector, labels, directions, how) }
      }
    },
    async status() {
      const index = await currentIndex()
      return {
        dataDir: config.dataDir,
        database: database.engine,
        model: model.name,
        index: index.kind,
        searchable: index.size,
        roots: await summarizeRoots(db),
      }
    },
    async failures() {
      return (await listFailures(db)).map(({ path, reason, code }) => ({ path, reason, code }))
    },
    async remove(folder) {
      const path = await realpath(folder).catch(() => resolve(folder))
      return removeRoot(db, path)
    },
    async close() {
      try {
        await opened?.save()
      } finally {
        await opened?.close()
        await clip.close()
        await database.close()
      }
    },
  }

  async function embedFile(path: string): Promise<UnitVector> {
    const pixels = await naming(path, async () => clip.preprocess(await readQueryFile(path)))
    return (await clip.embedPixels([pixels]))[0]!
  }
}

/** Turns files and addresses into pictures. */
async function loadTerm(term: SearchTerm): Promise<QueryTerm> {
  const weight = term.weight ?? 1
  if ('path' in term) return { picture: await readQueryFile(term.path), weight }
  if ('url' in term) return { picture: await fetchImage(term.url), weight }
  return term
}

async function readQueryFile(path: string): Promise<Uint8Array> {
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

/** Puts the picture's name before what is wrong with it. */
async function naming<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    if (!(cause instanceof LucidaError) || cause.code !== 'corrupt_image') throw cause
    throw new LucidaError(cause.code, `${name}: ${cause.message}`, { cause })
  }
}

/** The folder's real path, so that one folder has one name; a root that is away keeps its own. */
async function locateFolder(name: string, roots: readonly Root[]): Promise<string> {
  try {
    const path = await realpath(name)
    if ((await stat(path)).isDirectory()) return path
  } catch (cause) {
    const path = resolve(name)
    if (roots.some((root) => root.path === path)) return path
    throw new LucidaError('not_found', `No folder ${path} (${messageOf(cause)})`, { cause })
  }
  throw invalidInput('path', 'a folder', name)
}

function toPicture({ picture, path }: ListHit): Picture {
  return {
    id: picture.hash,
    path,
    paths: picture.paths,
    width: picture.widthPx,
    height: picture.heightPx,
    takenAt: picture.takenAt?.replace(' ', 'T') ?? null,
  }
}

function toResult(hit: SearchHit): SearchResult {
  return { ...toPicture(hit), score: hit.score, relevance: hit.relevance }
}

function toAnswer<Hit, Result>(
  { hits, matching, next }: Page<Hit>,
  convert: (hit: Hit) => Result,
  search: string,
  startedAt: number,
): Answer<Result> {
  return {
    matching,
    tookMs: Math.round(performance.now() - startedAt),
    results: hits.map(convert),
    nextCursor: next && writeCursor(search, next),
  }
}

/** Where a page begins. Throws `bad_input` for a cursor of another search. */
function pageOf(search: string, { cursor, offset }: ListOptions) {
  if (cursor === undefined) return {}
  if (offset !== undefined) throw invalidInput('offset', 'no offset beside a cursor', offset)
  return { after: readCursor(search, cursor) }
}

/** What tells a term from others, in a cursor. */
function termKey(term: SearchTerm): unknown {
  if ('picture' in term) return { ...term, picture: sha256(term.picture) }
  if (!('vector' in term)) return term
  const { buffer, byteOffset, byteLength } = term.vector
  return { ...term, vector: sha256(new Uint8Array(buffer, byteOffset, byteLength)) }
}
