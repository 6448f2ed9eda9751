// The composition root and the library's entry: picks the adapters, opens and closes them.
import { realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  type AnswerContext,
  answerList,
  answerSearch,
  type ListAnswer,
  type ListOptions,
  type SearchAnswer,
  type SearchOptions,
  type SearchTerm,
} from './answer.ts'
import { type Config, type PartialConfig, resolveConfig } from './config.ts'
import { explainFullDisk, invalidInput, LucidaError, messageOf } from './core/errors.ts'
import type { UnitVector } from './core/vector.ts'
import {
  type Classification,
  type ClassifyOptions,
  classifyFiles,
  embedTerm,
  openLabels,
} from './encode.ts'
import { type Gallery, openGallery } from './gallery.ts'
import type { IndexEvent } from './indexer/events.ts'
import { indexFolder } from './indexer/pipeline.ts'
import { excludeMatcher } from './indexer/scan.ts'
import { hasChanges, WATCH_TIMES, watchFolders } from './indexer/watch.ts'
import { openClip } from './models/clip.ts'
import { type EncodeRun, measureClip, shareClip } from './models/shared-clip.ts'
import type { ModelSpec } from './models/manifest.ts'
import { findModel } from './models/registry.ts'
import { keptThreads, withMeasuredThreads } from './models/threads.ts'
import type { LabelScore } from './search/classify.ts'
import { type Checkpoint, removeCheckpoints, spaceFolder } from './search/checkpoint.ts'
import { type FindDuplicates, openDuplicates } from './search/duplicates.ts'
import { type Filter, parseFilter } from './search/filter.ts'
import { openIndexFor } from './search/open-index.ts'
import { loadNeutralBank, type NeutralBank } from './search/relevance.ts'
import { rememberPictures } from './search/remembered-pictures.ts'
import { storedPictures } from './search/stored-pictures.ts'
import { syncIndex } from './search/sync.ts'
import type { VectorIndex } from './search/vector-index.ts'
import { type ApiKeys, openApiKeys } from './store/api-keys.ts'
import { feedState } from './store/changes.ts'
import { openDatabase } from './store/database.ts'
import type { Repair } from './store/embedded.ts'
import { listFailures } from './store/failures.ts'
import { countFacets, type Facets, type PictureFilter } from './store/filters.ts'
import { listVisible } from './store/pictures.ts'
import {
  claimRoot,
  listRoots,
  notARoot,
  type Root,
  removeRoot,
  summarizeRoots,
} from './store/roots.ts'
import { refreshStatistics } from './store/statistics.ts'
import { openWriting } from './writing.ts'

export type {
  ListAnswer,
  ListOptions,
  Picture,
  SearchAnswer,
  SearchOptions,
  SearchResult,
  SearchTerm,
} from './answer.ts'
export type { Classification, ClassifyOptions } from './encode.ts'
export type { Gallery, OpenFile, PictureDetails } from './gallery.ts'
export { LucidaError } from './core/errors.ts'
export type { ErrorCode } from './core/errors.ts'
export type { PartialConfig } from './config.ts'
export { listModels } from './models/registry.ts'
export type { IndexCounts, IndexEvent } from './indexer/events.ts'
export type { LabelScore } from './search/classify.ts'
export type { Filter } from './search/filter.ts'
export type { DuplicateGroup, DuplicateKind, FindDuplicates } from './search/duplicates.ts'
export { fetchImage } from './search/fetch-image.ts'
export type { FetchImageOptions } from './search/fetch-image.ts'
export type { EncodeRun } from './models/shared-clip.ts'
export type { ApiKey, ApiKeys, KeyRing, KeyScope } from './store/api-keys.ts'
export type { FacetCount, Facets } from './store/filters.ts'
export type { Repair } from './store/embedded.ts'

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
  /**
   * Indexes folders and keeps them up to date until `signal` is aborted. By events of the system;
   * with `pollSeconds`, and where there are none, by looking every so often (docs/watching.md).
   * `prune` holds for the first look only.
   */
  watch(
    folders: readonly string[],
    options?: {
      exclude?: readonly string[]
      prune?: boolean
      pollSeconds?: number
      signal?: AbortSignal
    },
  ): AsyncGenerator<IndexEvent>
  /** Finds pictures. Throws `bad_input`, `not_found`, `corrupt_image`, `fetch_failed`. */
  search(terms: readonly SearchTerm[], options?: SearchOptions): Promise<SearchAnswer>
  /** The same without the pictures that the terms themselves name. */
  similar(terms: SearchTerm | readonly SearchTerm[], options?: SearchOptions): Promise<SearchAnswer>
  /** Pictures by date, newest first, undated last; also those without a vector of this model. */
  list(options?: ListOptions): Promise<ListAnswer>
  /** How many pictures there are of each kind, among those that pass the filter. */
  facets(filter?: Filter): Promise<Facets>
  /** Zero-shot classification of picture files. */
  classify(files: readonly string[], options: ClassifyOptions): AsyncGenerator<Classification>
  /** The same for pictures however they are given; one list of labels each. */
  label(pictures: readonly SearchTerm[], options: ClassifyOptions): Promise<LabelScore[][]>
  /** The vector of each term. */
  embed(terms: readonly SearchTerm[]): Promise<UnitVector[]>
  /** Pictures one by one, by their ids. */
  readonly gallery: Gallery
  /** Pictures that are there more than once. */
  readonly duplicates: FindDuplicates
  /** Keys of the HTTP API. */
  readonly keys: ApiKeys
  /** Pictures that a search looks through, as far as is known. */
  indexSize(): number
  /** Is told of every run of an encoder. */
  observe(observer: (run: EncodeRun) => void): void
  status(): Promise<Status>
  /** The indexed folders. */
  roots(): Promise<RootSummary[]>
  failures(): Promise<Failure[]>
  /** Forgets an indexed folder; the files stay. Returns how many paths were forgotten. */
  remove(folder: string): Promise<number>
  close(): Promise<void>
}

/** A day between looks is hardly watching. */
const MAX_POLL_SECONDS = 86_400

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
  const identity = { storeId: database.storeId, ...space, dimension: model.dimension }
  const cache = join(config.dataDir, 'cache')
  const measured = config.threads === 0 ? await keptThreads(cache, model.recipe) : undefined
  const observers: ((run: EncodeRun) => void)[] = []
  const tower = measureClip(
    openClip(model, { threads: config.threads || (measured ?? 0) }),
    (run) => {
      for (const observer of observers) observer(run)
    },
  )
  const clip = shareClip(tower)
  let bank: Promise<NeutralBank> | undefined
  let opened: VectorIndex | undefined

  const loadBank = () => {
    bank ??= loadNeutralBank(model, clip.embedTexts, cache)
    // A failure is not remembered.
    bank.catch(() => (bank = undefined))
    return bank
  }

  const writing = openWriting({
    dataDir: config.dataDir,
    identity,
    isEmbedded: database.engine === 'pglite',
    listPictures: () => listVisible(db),
  })
  let syncedSince: number | null = null

  const syncedIndex = async (): Promise<VectorIndex> => {
    const since = writing.quietSince()
    if (opened && since !== null && since === syncedSince) return opened
    const index = await syncIndexNow()
    syncedSince = since
    return index
  }

  const syncIndexNow = async (): Promise<VectorIndex> => {
    const directory = spaceFolder(config.dataDir, identity)
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

  const settle = (standing: Checkpoint | null) => writing.settle(currentIndex, standing)

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

  // What was checked belongs to the lost database.
  if (database.repaired) await removeCheckpoints(config.dataDir)

  const context: AnswerContext = {
    clip,
    index: currentIndex,
    bank: loadBank,
    locateFilter,
    pictures: rememberPictures(storedPictures(db, space), () => writing.quietSince()),
  }

  const gallery = openGallery(db, cache)
  // A run of the indexer makes its batches itself.
  const pipeline = { db, space, preprocess: tower.preprocess, embedPixels: tower.embedPixels }

  /** The folders to index with their roots, each claimed when its turn comes. */
  async function* claimFolders(folders: readonly string[], exclude?: readonly string[]) {
    const roots = await listRoots(db)
    const wanted = folders.length > 0 ? folders : roots.map(({ path }) => path)
    if (wanted.length === 0) {
      throw new LucidaError(
        'bad_input',
        'No folder is indexed yet; name one: lucida index ~/Photos',
      )
    }
    for (const name of wanted) {
      const folder = await locateFolder(name, roots)
      // Refuses a bad pattern before it is kept.
      if (exclude) excludeMatcher(folder, exclude)
      const root = await claimRoot(db, folder, exclude)
      await database.noteRoots()
      yield { folder, root }
    }
  }

  async function* explaining<T>(events: AsyncGenerator<T>): AsyncGenerator<T> {
    try {
      yield* events
    } catch (error) {
      throw explainFullDisk(error, config.databaseUrl ? 'the database' : config.dataDir)
    }
  }

  async function* index(
    folders: readonly string[],
    { exclude, ...how }: Parameters<Lucida['index']>[1] & {} = {},
  ): AsyncGenerator<IndexEvent> {
    const standing = await writing.begin()
    let changed = false
    // Asked anew each time: an earlier run of this process may have measured.
    const isToMeasure =
      config.threads === 0 && (await keptThreads(cache, model.recipe)) === undefined
    const embedPixels = isToMeasure ? withMeasuredThreads(tower, cache) : tower.embedPixels
    try {
      for await (const { folder, root } of claimFolders(folders, exclude)) {
        for await (const event of indexFolder({ ...pipeline, embedPixels }, root, folder, how)) {
          if (event.type === 'done') changed ||= hasChanges(event.counts)
          yield event
        }
        if (how.signal?.aborted) break
      }
      await refreshStatistics(db)
      await settle(changed ? null : standing)
    } finally {
      writing.end()
    }
  }

  async function* watch(
    names: readonly string[],
    { exclude, pollSeconds, ...how }: Parameters<Lucida['watch']>[1] & {} = {},
  ): AsyncGenerator<IndexEvent> {
    if (pollSeconds !== undefined && !(pollSeconds >= 1 && pollSeconds <= MAX_POLL_SECONDS)) {
      throw invalidInput('pollSeconds', `a number between 1 and ${MAX_POLL_SECONDS}`, pollSeconds)
    }
    const folders: string[] = []
    for await (const { folder } of claimFolders(names, exclude)) folders.push(folder)
    const events = watchFolders(pipeline, folders, {
      ...how,
      times: pollSeconds ? { ...WATCH_TIMES, pollMs: pollSeconds * 1000 } : WATCH_TIMES,
      poll: pollSeconds !== undefined,
      ignore: await realpath(config.dataDir).catch(() => resolve(config.dataDir)),
    })
    let standing: Checkpoint | null = null
    let looks = 0
    try {
      for await (const event of events) {
        // A look writes nothing before its start has been taken in here.
        if (event.type === 'start') {
          standing = await writing.begin()
          looks++
        }
        // Whoever hears that a look is done finds what it found, in other processes too.
        if (event.type === 'done') {
          await settle(hasChanges(event.counts) ? null : standing)
          looks--
          writing.end()
        }
        yield event
      }
    } finally {
      for (; looks > 0; looks--) writing.end()
    }
  }

  return {
    config,
    model,
    repaired: database.repaired,
    index: (folders, how) => explaining(index(folders, how)),
    watch: (folders, how) => explaining(watch(folders, how)),
    search: (terms, options = {}) => answerSearch(context, terms, options, false),
    similar: (terms, options = {}) => answerSearch(context, [terms].flat(), options, true),
    list: (options = {}) => answerList(context, options),
    facets: async (filter = {}) => countFacets(db, await locateFilter(filter)),
    classify: (files, options) => classifyFiles(context, files, options),
    async label(terms, options) {
      const score = await openLabels(context, options)
      return (await embedAll(terms)).map(score)
    },
    embed: embedAll,
    duplicates: openDuplicates(db, currentIndex),
    keys: openApiKeys(db),
    indexSize: () => opened?.size ?? 0,
    observe: (observer) => void observers.push(observer),
    gallery: {
      ...gallery,
      forget: (id) => writing.aside(() => gallery.forget(id)),
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
    roots: () => summarizeRoots(db),
    async failures() {
      return (await listFailures(db)).map(({ path, reason, code }) => ({ path, reason, code }))
    },
    async remove(folder) {
      const path = await realpath(folder).catch(() => resolve(folder))
      const removed = await writing.aside(() => removeRoot(db, path))
      await database.noteRoots()
      return removed
    },
    async close() {
      try {
        if (opened) await settle(null)
      } catch (error) {
        throw explainFullDisk(error, config.dataDir)
      } finally {
        await opened?.close()
        await clip.close()
        await database.close()
      }
    },
  }

  function embedAll(terms: readonly SearchTerm[]): Promise<UnitVector[]> {
    return Promise.all(terms.map((term) => embedTerm(context, term)))
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
