// The composition root and the library's entry: picks the adapters, opens and closes them.
import { readFile, realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Config, type PartialConfig, resolveConfig } from './config.ts'
import { invalidInput, LucidaError, messageOf, systemCode } from './core/errors.ts'
import type { ContentHash } from './core/hash.ts'
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
import { fetchImage } from './search/fetch-image.ts'
import { openIndexFor } from './search/open-index.ts'
import { encodeQuery, type QueryTerm } from './search/query.ts'
import { loadNeutralBank, type NeutralBank } from './search/relevance.ts'
import { type SearchContext, type SearchHit, searchPictures } from './search/search.ts'
import { syncIndex } from './search/sync.ts'
import type { VectorIndex } from './search/vector-index.ts'
import { feedState } from './store/changes.ts'
import { openDatabase } from './store/database.ts'
import type { Repair } from './store/embedded.ts'
import { listFailures } from './store/failures.ts'
import { findVectors } from './store/pictures.ts'
import { claimRoot, listRoots, type Root, removeRoot, summarizeRoots } from './store/roots.ts'

export { LucidaError } from './core/errors.ts'
export type { ErrorCode } from './core/errors.ts'
export type { PartialConfig } from './config.ts'
export { listModels } from './models/registry.ts'
export type { IndexCounts, IndexEvent } from './indexer/events.ts'
export type { LabelScore } from './search/classify.ts'
export type { Repair } from './store/embedded.ts'

/** A term of a search: a query term, or a picture by its file or address. */
export type SearchTerm =
  | QueryTerm
  | { readonly path: string; readonly weight?: number }
  | { readonly url: string; readonly weight?: number }

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
  /** How opening the embedded database has repaired it; `null` when there was no need. */
  readonly repaired: Repair | null
}

/** An open Lucida. Close it: an embedded data directory has one owner at a time. */
export interface Lucida {
  readonly config: Config
  readonly model: ModelSpec
  /** How opening the embedded database has repaired it: index again when it is not `null`. */
  readonly repaired: Repair | null
  /**
   * Indexes folders, one after another; every known root when none is named. Nothing happens until
   * the events are read. Throws `not_found` or `bad_input` for what is no folder.
   */
  index(
    folders: readonly string[],
    options?: { exclude?: readonly string[]; prune?: boolean; signal?: AbortSignal },
  ): AsyncGenerator<IndexEvent>
  /** Finds pictures. Throws `bad_input`, `not_found`, `corrupt_image`, `fetch_failed`. */
  search(
    terms: readonly SearchTerm[],
    options?: { limit?: number; minScore?: number },
  ): Promise<SearchAnswer>
  /** Pictures like one picture, which itself is left out. */
  similar(term: SearchTerm, options?: { limit?: number; minScore?: number }): Promise<SearchAnswer>
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
  })

  const find = async (
    terms: readonly SearchTerm[],
    how: { limit?: number; minScore?: number; withoutQuery: boolean },
  ): Promise<SearchAnswer> => {
    const startedAt = performance.now()
    const loaded = await Promise.all(terms.map(loadTerm))
    const lookUp = async (hash: ContentHash) => (await findVectors(db, space, [hash])).get(hash)
    const query = await encodeQuery(clip, lookUp, loaded)
    const searchContext = await context()
    const { withoutQuery, ...options } = how
    const hits = await searchPictures(searchContext, query, {
      ...options,
      ...(withoutQuery && { without: query.ownContents }),
    })
    return {
      model: model.name,
      searched: searchContext.index.size,
      tookMs: Math.round(performance.now() - startedAt),
      results: hits.map(toResult),
      relevanceThreshold: model.relevance?.threshold ?? null,
    }
  }

  return {
    config,
    model,
    repaired: database.repaired,
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
        await database.noteRoots()
        yield* indexFolder(pipeline, root, folder, how)
        if (how.signal?.aborted) break
      }
      // So that the next search need not.
      await (await currentIndex()).save()
    },
    search: (terms, how = {}) => find(terms, { ...how, withoutQuery: false }),
    similar: (term, how = {}) => find([term], { ...how, withoutQuery: true }),
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
        repaired: database.repaired,
      }
    },
    async failures() {
      return (await listFailures(db)).map(({ path, reason, code }) => ({ path, reason, code }))
    },
    async remove(folder) {
      const path = await realpath(folder).catch(() => resolve(folder))
      const removed = await removeRoot(db, path)
      await database.noteRoots()
      return removed
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
