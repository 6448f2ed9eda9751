// The composition root and the library's entry: picks the adapters, opens and closes them.
import { realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  type AnswerContext,
  answerList,
  answerSearch,
  locateWithoutDrawn,
  type ListAnswer,
  type ListOptions,
  type SearchAnswer,
  type SearchOptions,
  type SearchTerm,
} from './answer.ts'
import { type Config, type PartialConfig, resolveConfig } from './config.ts'
import { explainFullDisk, LucidaError } from './core/errors.ts'
import { once } from './core/once.ts'
import type { ContentHash } from './core/hash.ts'
import type { UnitVector } from './core/vector.ts'
import {
  type DrawnCandidate,
  type GenerationContext,
  keepCandidate,
  type PlannedGeneration,
  planGeneration,
} from './develop/develop.ts'
import { removeKept } from './develop/keep.ts'
import type { GenerateOptions } from './develop/order.ts'
import {
  type Classification,
  type ClassifyOptions,
  classifyFiles,
  embedTerm,
  openLabels,
} from './encode.ts'
import type { Painter } from './generate/types.ts'
import { type Gallery, openGallery } from './gallery.ts'
import type { IndexEvent } from './indexer/events.ts'
import { type IndexFoldersOptions, openIndexing, type WatchFoldersOptions } from './indexing.ts'
import { openLiveIndex } from './live-index.ts'
import { openClip } from './models/clip.ts'
import { type EncodeRun, measureClip, shareClip } from './models/shared-clip.ts'
import type { ModelSpec } from './models/manifest.ts'
import { findModel } from './models/registry.ts'
import { keptThreads } from './models/threads.ts'
import type { LabelScore } from './search/classify.ts'
import { removeCheckpoints } from './search/checkpoint.ts'
import { type FindDuplicates, openDuplicates } from './search/duplicates.ts'
import { type Filter, parseFilter } from './search/filter.ts'
import { loadNeutralBank } from './search/relevance.ts'
import { rememberPictures } from './search/remembered-pictures.ts'
import { storedPictures } from './search/stored-pictures.ts'
import { type ApiKeys, openApiKeys } from './store/api-keys.ts'
import { openDatabase } from './store/database.ts'
import { claimDrawnFolder, type DrawnPictures, findDrawn } from './store/drawn.ts'
import type { Repair } from './store/embedded.ts'
import { listFailures } from './store/failures.ts'
import { countFacets, type Facets } from './store/facets.ts'
import type { PictureFilter } from './store/filters.ts'
import { requirePgvector } from './store/pgvector.ts'
import { findGeneration, type StoredGeneration } from './store/generations.ts'
import { listVisible } from './store/pictures.ts'
import { listRoots, notARoot, removeRoot, summarizeRoots } from './store/roots.ts'
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
export type {
  DrawnCandidate,
  GenerateEvent,
  Generation,
  PlannedGeneration,
  RecordedRequest,
} from './develop/develop.ts'
export { isAnythingFound, orderIfNotFound } from './develop/if-not-found.ts'
export type { Idea } from './develop/idea.ts'
export type { GenerateOptions } from './develop/order.ts'
export type { StoredGeneration } from './store/generations.ts'
export type { Gallery, OpenFile, PictureDetails } from './gallery.ts'
export { convertPicture, encodePreview, writtenFormat } from './pictures/encode-picture.ts'
export type { WrittenFormat } from './pictures/encode-picture.ts'
export { LucidaError } from './core/errors.ts'
export type { ErrorCode } from './core/errors.ts'
export type { PartialConfig } from './config.ts'
export { findModel, listModels } from './models/registry.ts'
export { checkModels, removeModel } from './models/at-hand.ts'
export { CATALOGUE } from './models/catalogue.ts'
export type { CatalogueModel } from './models/catalogue.ts'
export { hubOf } from './models/hub-settings.ts'
export { importModel } from './models/import-model.ts'
export type { ModelSpec } from './models/manifest.ts'
export { knownModel, requireKnownModel } from './models/names.ts'
export type { PullEvent } from './models/pull.ts'
export { pullModel } from './models/pull-model.ts'
export type { IndexCounts, IndexEvent } from './indexer/events.ts'
export type { LabelScore } from './search/classify.ts'
export type { Filter } from './search/filter.ts'
export type { DuplicateGroup, DuplicateKind, FindDuplicates } from './search/duplicates.ts'
export { fetchImage } from './search/fetch-image.ts'
export type { FetchImageOptions } from './search/fetch-image.ts'
export type { EncodeRun } from './models/shared-clip.ts'
export type { ApiKey, ApiKeys, KeyRing, KeyScope } from './store/api-keys.ts'
export type { FacetCount, Facets } from './store/facets.ts'
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
  /** Lucida's own, for what it has drawn. */
  readonly drawn: boolean
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
  readonly index: 'exact' | 'hnsw' | 'pgvector'
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
  index(folders: readonly string[], options?: IndexFoldersOptions): AsyncGenerator<IndexEvent>
  /**
   * Indexes folders and keeps them up to date until `signal` is aborted. By events of the system;
   * with `pollSeconds`, and where there are none, by looking every so often (docs/watching.md).
   * `prune` holds for the first look only.
   */
  watch(folders: readonly string[], options?: WatchFoldersOptions): AsyncGenerator<IndexEvent>
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
  /**
   * Understands an order to draw something; what it returns draws it. Throws `bad_input`,
   * `not_found`, `corrupt_image`, `model_missing`, `dimension_mismatch`.
   */
  plan(options: GenerateOptions): Promise<PlannedGeneration>
  /** An order that has ended. Throws `not_found`. */
  generation(id: string): Promise<StoredGeneration>
  /** Puts a candidate of an order that has ended into the collection. Throws `bad_input`. */
  keepCandidate(id: string, candidate: DrawnCandidate): Promise<ContentHash>
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

/** Opens Lucida with settings from `options`, the environment and lucida.config.json. */
export async function openLucida(options: PartialConfig = {}): Promise<Lucida> {
  return openResolved(resolveConfig({ flags: options }))
}

/** Opens Lucida with exactly these settings: whoever calls has resolved them. */
export async function openResolved(config: Config): Promise<Lucida> {
  const model = await findModel(config.model, config.modelsDir)
  const database = await openDatabase(
    config.databaseUrl ? { url: config.databaseUrl } : { directory: config.dataDir },
  )
  const { db } = database
  // Said now, not at the first search.
  if (config.vectorIndex.startsWith('pgvector')) {
    await requirePgvector(db).catch(async (error: unknown) => {
      await database.close()
      throw error
    })
  }
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

  const loadBank = once(() => loadNeutralBank(model, clip.embedTexts, cache))

  const writing = openWriting({
    dataDir: config.dataDir,
    identity,
    isEmbedded: database.engine === 'pglite',
    listPictures: () => listVisible(db),
    listDrawn: async () => [...(await findDrawn(db)).contents],
  })
  const live = openLiveIndex({
    db,
    identity,
    kind: config.vectorIndex,
    dataDir: config.dataDir,
    quietSince: () => writing.quietSince(),
  })
  let drawn: { since: number; found: Promise<DrawnPictures> } | undefined
  /** What was drawn; remembered for as long as nobody else can have drawn and nobody here writes. */
  const findDrawnOnce = async (): Promise<DrawnPictures> => {
    const since = writing.quietSince()
    if (since === null) return findDrawn(db)
    if (drawn?.since !== since) drawn = { since, found: findDrawn(db) }
    return drawn.found.catch((error: unknown) => {
      drawn = undefined
      throw error
    })
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

  // What was checked belongs to the lost database.
  if (database.repaired) await removeCheckpoints(config.dataDir)

  const context: AnswerContext = {
    clip,
    index: live.current,
    bank: loadBank,
    locateFilter,
    drawn: findDrawnOnce,
    pictures: rememberPictures(storedPictures(db, space), () => writing.quietSince()),
  }

  const gallery = openGallery(db, cache)
  // A run of the indexer makes its batches itself.
  const pipeline = { db, space, preprocess: tower.preprocess, embedPixels: tower.embedPixels }

  const { index, watch } = openIndexing({
    config,
    database,
    tower,
    pipeline,
    writing,
    currentIndex: live.current,
  })

  let painter: Painter | undefined
  const drawnFolder = join(config.dataDir, 'drawn')
  const generating: GenerationContext = {
    db,
    answer: context,
    folder: drawnFolder,
    // Most who open Lucida never draw anything.
    openPainter: once(async () => {
      const { findPipeline } = await import('./generate/pipelines.ts')
      const { openPainter } = await import('./generate/painter.ts')
      const spec = await findPipeline(config.generator, config.modelsDir)
      painter = openPainter(spec, { threads: config.threads, embedTexts: clip.embedTexts })
      return painter
    }),
    async indexFolder() {
      const folder = await realpath(drawnFolder)
      await claimDrawnFolder(db, folder)
      for await (const event of index([folder])) {
        if (event.type === 'failure') throw new LucidaError('internal', event.reason)
      }
    },
  }

  return {
    config,
    model,
    repaired: database.repaired,
    index,
    watch,
    search: (terms, options = {}) => answerSearch(context, terms, options, false),
    similar: (terms, options = {}) => answerSearch(context, [terms].flat(), options, true),
    list: (options = {}) => answerList(context, options),
    facets: async (filter = {}) => countFacets(db, await locateWithoutDrawn(context, filter)),
    classify: (files, options) => classifyFiles(context, files, options),
    async label(terms, options) {
      const score = await openLabels(context, options)
      return (await embedAll(terms)).map(score)
    },
    embed: embedAll,
    duplicates: openDuplicates(db, live.current),
    plan: (options) => planGeneration(generating, options),
    generation: (id) => findGeneration(db, id),
    keepCandidate: (id, candidate) => keepCandidate(generating, id, candidate),
    keys: openApiKeys(db),
    indexSize: () => live.opened?.size ?? 0,
    observe: (observer) => void observers.push(observer),
    gallery: {
      ...gallery,
      forget: (id) =>
        writing.aside(async () => {
          const places = await gallery.forget(id)
          // Its folder is indexed again with the next picture that is kept.
          await removeKept(drawnFolder, id)
          return places
        }),
    },
    async status() {
      const current = await live.current()
      return {
        dataDir: config.dataDir,
        database: database.engine,
        model: model.name,
        index: current.kind,
        searchable: current.size,
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
        if (live.opened) await writing.settle(live.current, null)
      } catch (error) {
        throw explainFullDisk(error, config.dataDir)
      } finally {
        await live.opened?.close()
        await painter?.close()
        await clip.close()
        await database.close()
      }
    },
  }

  function embedAll(terms: readonly SearchTerm[]): Promise<UnitVector[]> {
    return Promise.all(terms.map((term) => embedTerm(context, term)))
  }
}
