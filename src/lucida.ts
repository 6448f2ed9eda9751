// The composition root and the library's entry: picks the adapters, opens and closes them.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
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
import { type Auditing, openAuditing } from './auditing.ts'
import type { Concepts, ConceptTerm } from './concepts.ts'
import { type Config, type PartialConfig, resolveConfig } from './config.ts'
import { explainFullDisk, LucidaError } from './core/errors.ts'
import type { ContentHash } from './core/hash.ts'
import { ownFolder } from './core/own-folders.ts'
import type { UnitVector } from './core/vector.ts'
import type { DrawnCandidate } from './develop/develop.ts'
import { type Drawing, openDrawing } from './drawing.ts'
import { type FindPictureGroups, openPictureGroups } from './duplicates.ts'
import {
  type Classification,
  type ClassifyOptions,
  classifyFiles,
  embedTerm,
  openLabels,
} from './encode.ts'
import { type Explanation, explainScore } from './explain/explain.ts'
import { type Gallery, openGallery } from './gallery.ts'
import type { IndexEvent } from './indexer/events.ts'
import { type IndexFoldersOptions, openIndexing, type WatchFoldersOptions } from './indexing.ts'
import { type Models, openModels } from './model-change.ts'
import type { EncodeRun } from './models/shared-clip.ts'
import type { ModelSpec } from './models/manifest.ts'
import { findModelFor } from './models/every-pixel.ts'
import { DEFAULT_MODEL } from './models/registry.ts'
import type { LabelScore } from './search/classify.ts'
import { removeCheckpoints } from './search/checkpoint.ts'
import { type Filter, parseFilter } from './search/filter.ts'
import { openServingSpace, type ServingSpace } from './serving-space.ts'
import { realPlace } from './sources/open-source.ts'
import { openSpace, type Space } from './space.ts'
import { type ApiKeys, openApiKeys } from './store/api-keys.ts'
import type { VectorSpace } from './store/changes.ts'
import { type Database, type OpenDatabase, openDatabase } from './store/database.ts'
import { type DrawnPictures as DrawnContents, findDrawn } from './store/drawn.ts'
import type { Repair } from './store/embedded-repair.ts'
import { listFailures } from './store/failures.ts'
import { countFacets, type Facets } from './store/facets.ts'
import type { PictureFilter } from './store/filters.ts'
import { requirePgvector } from './store/pgvector.ts'
import { findGeneration, type StoredGeneration } from './store/generations.ts'
import { listVisible } from './store/pictures.ts'
import { openSharedBuckets, type SharedBuckets } from './store/rate-limits.ts'
import { listRoots, notARoot, removeRoot, summarizeRoots } from './store/roots.ts'
import { readServing } from './store/serving.ts'
import { openStoredSessions, type StoredSessions } from './store/sessions.ts'
import type { Policy } from './safety/policy.ts'
import type { PromptHook } from './safety/prompt-hook.ts'
import type { RatedConcept } from './safety/concepts.ts'
import { type DrawnPictures, openDrawnPictures } from './queues/drawn-pictures.ts'
import { openQueues, type Queues } from './queues/queues.ts'
import { openUploads, type Uploads } from './uploads.ts'
import { openWriting } from './writing.ts'

export type { AuditOptions } from './audit/audit.ts'
export { readLabels, toLabels } from './audit/labels.ts'
export type { AuditReport } from './audit/report.ts'
export { auditHtml } from './audit/report-html.ts'
export { loadTermSets } from './audit/term-sets.ts'
export type { AttributeSummary, AuditCollectionOptions } from './auditing.ts'
export { findCard, readModelCard } from './model-card.ts'
export type {
  ListAnswer,
  ListOptions,
  Picture,
  SearchAnswer,
  SearchOptions,
  SearchResult,
  SearchTerm,
} from './answer.ts'
export type { Concept, Concepts, ConceptTerm, Teaching } from './concepts.ts'
export type { ConceptScore, RatedConcept } from './safety/concepts.ts'
export { BUILT_IN_POLICY, readPolicy } from './safety/policy.ts'
export type { Policy } from './safety/policy.ts'
export type { PromptHook } from './safety/prompt-hook.ts'
export type { Classification, ClassifyOptions } from './encode.ts'
export type {
  DrawnCandidate,
  GenerateEvent,
  Generation,
  Identity,
  PlannedGeneration,
  RecordedRequest,
} from './develop/develop.ts'
export { isAnythingFound, orderIfNotFound } from './develop/if-not-found.ts'
export type { Idea } from './develop/idea.ts'
export type { ExplainedTerm, Explanation, HeatMap } from './explain/explain.ts'
export type { GenerateOptions } from './develop/order.ts'
export type { OpenPlan } from './drawing.ts'
export type { StoredGeneration } from './store/generations.ts'
export type { Gallery, OpenFile, PictureDetails } from './gallery.ts'
export { readQueryFile } from './answer.ts'
export { overlayPicture } from './pictures/overlay.ts'
export { convertPicture, encodePreview, writtenFormat } from './pictures/encode-picture.ts'
export type { WrittenFormat } from './pictures/encode-picture.ts'
export { LucidaError } from './core/errors.ts'
export type { ErrorCode } from './core/errors.ts'
export type { PartialConfig } from './config.ts'
export { findModel, listModels } from './models/registry.ts'
export { checkModels, removeModel } from './models/at-hand.ts'
export { CATALOGUE } from './models/catalogue.ts'
export type { CatalogueModel } from './models/catalogue.ts'
export { estimateSpeed, type ModelCosts, readCosts } from './models/costs.ts'
export { hubOf } from './models/hub-settings.ts'
export { importModel } from './models/import-model.ts'
export type { ModelSpec } from './models/manifest.ts'
export type { Upload, Uploads } from './uploads.ts'
export type {
  ChangeState,
  FillEvent,
  ModelProgress,
  Models,
  ModelStatus,
  StoredVectors,
} from './model-change.ts'
export { knownModel, requireKnownModel } from './models/names.ts'
export type { PullEvent } from './models/pull.ts'
export { pullModel } from './models/pull-model.ts'
export type { IndexCounts, IndexEvent } from './indexer/events.ts'
export type { LabelScore } from './search/classify.ts'
export type { Filter } from './search/filter.ts'
export type { PictureGroup, PictureGroupPage } from './duplicates.ts'
export type { DuplicateKind } from './search/duplicates.ts'
export { fetchImage } from './search/fetch-image.ts'
export type { FetchImageOptions } from './search/fetch-image.ts'
export type { EncodeRun } from './models/shared-clip.ts'
export type { ApiKey, ApiKeys, KeyRing, KeyScope } from './store/api-keys.ts'
export type { FacetCount, Facets } from './store/facets.ts'
export type { SharedBuckets } from './store/rate-limits.ts'
export type { StoredSessions } from './store/sessions.ts'
export type { Repair } from './store/embedded-repair.ts'
export { type BackupOptions, type BackupSummary, writeBackup } from './backup/backup.ts'
export { restoreBackup, type RestoreOptions } from './backup/restore.ts'

/** What a search may be made of. */
export type AnyTerm = SearchTerm | ConceptTerm

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

/** Vectors of one model. */
export interface Embedding {
  readonly model: ModelSpec
  readonly vectors: readonly UnitVector[]
}

/** An open Lucida. Close it: an embedded data directory has one owner at a time. */
export interface Lucida {
  readonly config: Config
  /** The one that answers now. */
  readonly model: ModelSpec
  /** The models of the collection, and the change from one to another. */
  readonly models: Models
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
  search(terms: readonly AnyTerm[], options?: SearchOptions): Promise<SearchAnswer>
  /** The same without the pictures that the terms themselves name. */
  similar(terms: AnyTerm | readonly AnyTerm[], options?: SearchOptions): Promise<SearchAnswer>
  /** Pictures by date, newest first, undated last; also those without a vector of this model. */
  list(options?: ListOptions): Promise<ListAnswer>
  /** How many pictures there are of each kind, among those that pass the filter. */
  facets(filter?: Filter): Promise<Facets>
  /** Zero-shot classification of picture files. */
  classify(files: readonly string[], options: ClassifyOptions): AsyncGenerator<Classification>
  /** The same for pictures however they are given; one list of labels each. */
  label(pictures: readonly SearchTerm[], options: ClassifyOptions): Promise<LabelScore[][]>
  /** The vector of each term, and whose they are. */
  embed(terms: readonly SearchTerm[]): Promise<Embedding>
  /**
   * Why a picture, indexed or not, scores what it scores: where it shows what the terms say, and
   * what each of them adds. Throws what a search throws, and `file_changed`.
   */
  explain(picture: SearchTerm, terms: readonly AnyTerm[]): Promise<Explanation>
  /** Understands an order to draw something; what it returns draws it. */
  readonly plan: Drawing['plan']
  /** An order that has ended. Throws `not_found`. */
  generation(id: string): Promise<StoredGeneration>
  /** Puts a candidate of an order that has ended into the collection. */
  readonly keepCandidate: Drawing['keepCandidate']
  /** Measures the bias of model and collection. Throws `bad_input`, `not_found`. */
  readonly audit: Auditing['audit']
  /** What searches can be balanced by. */
  readonly attributes: Auditing['attributes']
  /** What is kept out of results and drawings (docs/safety.md). Throws `bad_input`, `not_found`. */
  safetyPolicy(): Promise<Policy>
  /** How much of each concept of the policy each picture may show, whatever the thresholds. */
  safetyScores(pictures: readonly SearchTerm[]): Promise<RatedConcept[][]>
  /** Takes in pictures that are handed over. */
  readonly uploads: Uploads
  /** Pictures one by one, by their ids. */
  readonly gallery: Gallery
  /** Pictures that are there more than once. */
  readonly duplicates: FindPictureGroups
  /** Keys of the HTTP API. */
  readonly keys: ApiKeys
  /** Pages that are signed in to the HTTP API. */
  readonly sessions: StoredSessions
  /** Clients' requests as all servers count them; null where the database has this process only. */
  readonly buckets: SharedBuckets | null
  /** What people have taught. */
  readonly concepts: Concepts
  /** Work that takes longer than a request. */
  readonly queues: Queues
  /** What was drawn lately, also what nobody has kept. */
  readonly drawnPictures: DrawnPictures<DrawnCandidate>
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
  /**
   * Copies the embedded database as it is now, for `writeBackup` in this process or another; whoever
   * asked removes the folder. Throws `bad_input` where it is on a server, `disk_full`.
   */
  copyDatabase(): Promise<string>
  close(): Promise<void>
}

/** Opens Lucida with settings from `options`, the environment and lucida.config.json. */
export async function openLucida(options: PartialConfig = {}, hooks: Hooks = {}): Promise<Lucida> {
  return openResolved(resolveConfig({ flags: options }), hooks)
}

/** What a program may do where Lucida asks. */
export interface Hooks {
  /** Says why texts may not be drawn, or `null`; in place of the setting `promptHook`. */
  readonly prompt?: PromptHook
  /** Is told of errors in the background that pass by themselves, such as a lost connection. */
  readonly trouble?: (error: unknown) => void
}

/** Opens Lucida with exactly these settings: whoever calls has resolved them. */
export async function openResolved(config: Config, hooks: Hooks = {}): Promise<Lucida> {
  const chosen = config.model === undefined ? null : await findModelFor(config, config.model)
  const database = await openDatabase(
    config.databaseUrl ? { url: config.databaseUrl } : { directory: config.dataDir },
  )
  try {
    // Said now, not at the first search.
    if (config.vectorIndex.startsWith('pgvector')) await requirePgvector(database.db)
    const own = chosen ?? (await findModelFor(config, await servingModel(database.db)))
    return await openWith(config, database, own, hooks)
  } catch (error) {
    await database.close()
    throw error
  }
}

/**
 * The model that answers where no setting names one, then the one that is being filled; none where
 * there is no collection. Throws `database_busy`.
 */
export async function listModelsInUse({ databaseUrl, dataDir }: Config): Promise<string[]> {
  if (!databaseUrl && !existsSync(join(dataDir, 'database'))) return []
  const database = await openDatabase(databaseUrl ? { url: databaseUrl } : { directory: dataDir })
  try {
    const state = await readServing(database.db)
    return [state?.model, state?.next?.model].filter((model) => model !== undefined)
  } finally {
    await database.close()
  }
}

/** The collection's own model. */
async function servingModel(db: Database): Promise<string> {
  return (await readServing(db))?.model ?? DEFAULT_MODEL
}

async function openWith(
  config: Config,
  database: OpenDatabase,
  model: ModelSpec,
  hooks: Hooks,
): Promise<Lucida> {
  const { db } = database
  const cache = join(config.dataDir, 'cache')
  const isEmbedded = database.engine === 'pglite'
  const observers: ((run: EncodeRun) => void)[] = []
  const writing = openWriting({
    dataDir: config.dataDir,
    identity: () => spaces.now.identity,
    servingModel: () => servingModel(db),
    isEmbedded,
    listPictures: () => listVisible(db),
    listDrawn: async () => [...(await findDrawn(db)).contents],
  })
  let drawn: { since: number; found: Promise<DrawnContents> } | undefined
  /** What was drawn; remembered for as long as nobody else can have drawn and nobody here writes. */
  const findDrawnOnce = async (): Promise<DrawnContents> => {
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
      path === undefined ? undefined : realPlace(path)
    const [root, folder] = [await real(filter.root), await real(filter.folder)]
    if (root !== undefined) {
      const known = (await listRoots(db)).map(({ path }) => path)
      if (!known.includes(root)) throw notARoot(root, known)
    }
    return parseFilter({ ...filter, root, folder })
  }

  // What was checked belongs to the lost database.
  if (database.repaired) await removeCheckpoints(config.dataDir)

  const open = (wanted: ModelSpec) =>
    openSpace(wanted, {
      config,
      database,
      quietSince: () => writing.quietSince(),
      onRun: (run) => {
        for (const observer of observers) observer(run)
      },
      shared: { locateFilter, drawn: findDrawnOnce },
      promptHook: hooks.prompt,
    })
  // An embedded database has no other process that could choose.
  const isFollowing = !isEmbedded && config.model === undefined
  const spaces = openServingSpace(
    await open(model),
    isFollowing ? { wanted: () => readServing(db), open: openChosen } : null,
  )
  async function openChosen({ model: name, recipe }: VectorSpace): Promise<Space> {
    const space = await open(await findModelFor(config, name))
    if (space.model.recipe === recipe) return space
    await space.close()
    throw new LucidaError('model_invalid', `${name} has other files here than where it was chosen`)
  }
  const answering = <T>(work: (context: AnswerContext) => Promise<T>): Promise<T> =>
    spaces.with((space) => work(space.answer))

  const drawnFolder = ownFolder('drawn', config)
  const uploadsFolder = ownFolder('uploads', config)
  const gallery = openGallery(db, cache, [drawnFolder, uploadsFolder])
  const {
    nudge,
    fillSome,
    close: closeModels,
    ...models
  } = openModels({
    config,
    database,
    spaces,
    writing,
    open,
    together: () => queues.fill?.(),
  })
  const { index, watch, indexFiles } = openIndexing({
    config,
    database,
    spaces,
    writing,
    onIndexed: nudge,
  })
  const queues: Queues = openQueues({
    database,
    doFiles: indexFiles,
    doFill: fillSome,
    onTrouble: hooks.trouble ?? (() => {}),
  })

  const drawing = openDrawing({ config, db, spaces, index, folder: drawnFolder })

  return {
    config,
    get model() {
      return spaces.now.model
    },
    repaired: database.repaired,
    index,
    watch,
    models,
    queues,
    drawnPictures: openDrawnPictures(database),
    search: (terms, options = {}) =>
      spaces.with(async ({ answer, concepts }) =>
        answerSearch(answer, await Promise.all(terms.map(concepts.resolve)), options, false),
      ),
    similar: (terms, options = {}) =>
      spaces.with(async ({ answer, concepts }) => {
        const resolved = await Promise.all([terms].flat().map(concepts.resolve))
        return answerSearch(answer, resolved, options, true)
      }),
    list: (options = {}) => answering((context) => answerList(context, options)),
    facets: (filter = {}) =>
      answering(async (context) => countFacets(db, await locateWithoutDrawn(context, filter))),
    async *classify(files, options) {
      const { space, release } = spaces.hold()
      try {
        yield* classifyFiles(labelsOf(space), files, options)
      } finally {
        release()
      }
    },
    label: (terms, options) =>
      spaces.with(async (space) => {
        const score = await openLabels(labelsOf(space), options)
        return (await embedAll(space.answer, terms)).map(score)
      }),
    explain: (picture, terms) =>
      spaces.with(async ({ answer, concepts }) => {
        const readFile = (id: ContentHash) => gallery.readFile(id)
        const resolved = await Promise.all(terms.map(concepts.resolve))
        return explainScore({ ...answer, readFile }, picture, resolved)
      }),
    embed: (terms) =>
      answering(async (context) => {
        return { model: context.clip.model, vectors: await embedAll(context, terms) }
      }),
    duplicates: openPictureGroups(
      (kind, options) => spaces.with((space) => space.duplicates(kind, options)),
      gallery,
    ),
    ...openAuditing(answering),
    plan: (options, as) => drawing.plan(options, as),
    keepCandidate: (id, candidate) => drawing.keepCandidate(id, candidate),
    concepts: conceptsOf(spaces),
    safetyPolicy: () => spaces.now.safety.policy(),
    safetyScores: (pictures) =>
      spaces.with(async ({ answer, safety }) => {
        const vectors = await embedAll(answer, pictures)
        return Promise.all(vectors.map((vector) => safety.scores(vector)))
      }),
    generation: (id) => findGeneration(db, id),
    keys: openApiKeys(db, () => database.noteChoices()),
    uploads: openUploads({ database, spaces, writing, folder: uploadsFolder, onIndexed: nudge }),
    sessions: openStoredSessions(db),
    buckets: isEmbedded ? null : openSharedBuckets(db),
    indexSize: () => spaces.now.live.opened?.size ?? 0,
    observe: (observer) => void observers.push(observer),
    gallery: {
      ...gallery,
      forget: (id) => writing.aside(() => gallery.forget(id)),
    },
    async status() {
      const { model, index, searchable } = await spaces.with(async (space) => {
        const current = await space.live.current()
        return { model: space.model.name, index: current.kind, searchable: current.size }
      })
      return {
        dataDir: config.dataDir,
        database: database.engine,
        model,
        index,
        searchable,
        roots: await summarizeRoots(db),
        repaired: database.repaired,
      }
    },
    roots: () => summarizeRoots(db),
    async failures() {
      return (await listFailures(db)).map(({ path, reason, code }) => ({ path, reason, code }))
    },
    async remove(folder) {
      const path = await realPlace(folder)
      const removed = await writing.aside(() => removeRoot(db, path))
      await database.noteChoices()
      return removed
    },
    copyDatabase: () => database.copy(),
    async close() {
      await queues.close().catch(() => {})
      try {
        if (spaces.now.live.opened) await spaces.with((space) => writing.settle(space, null))
      } catch (error) {
        throw explainFullDisk(error, config.dataDir)
      } finally {
        await closeModels()
        await spaces.close()
        await database.close()
      }
    },
  }
}

function embedAll(context: AnswerContext, terms: readonly SearchTerm[]): Promise<UnitVector[]> {
  return Promise.all(terms.map((term) => embedTerm(context, term)))
}

/** What labels are scored with. */
function labelsOf({ answer, concepts }: Space) {
  return { ...answer, concept: concepts.head }
}

/** The concepts of whatever model answers. */
function conceptsOf(spaces: ServingSpace): Concepts {
  return {
    teach: (name, teaching) => spaces.with(({ concepts }) => concepts.teach(name, teaching)),
    list: () => spaces.with(({ concepts }) => concepts.list()),
    find: (name) => spaces.with(({ concepts }) => concepts.find(name)),
    forget: (name) => spaces.with(({ concepts }) => concepts.forget(name)),
    head: (name) => spaces.with(({ concepts }) => concepts.head(name)),
    resolve: (term) => spaces.with(({ concepts }) => concepts.resolve(term)),
    matching: (filter) => spaces.with(({ concepts }) => concepts.matching(filter)),
  }
}
