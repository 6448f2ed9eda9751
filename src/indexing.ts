// Indexing and watching folders as the open Lucida does it: roots claimed, the encoder tuned,
// writing announced, and a checkpoint set behind what was written.
import { realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Config } from './config.ts'
import { explainFullDisk, invalidInput, LucidaError, messageOf } from './core/errors.ts'
import { isWithin } from './core/folder-range.ts'
import { isBucketPath, placeOf } from './core/place.ts'
import type { IndexEvent } from './indexer/events.ts'
import { indexFolder } from './indexer/pipeline.ts'
import { type Processed, type ProcessFiles, processHere } from './indexer/process-files.ts'
import { hasChanges, WATCH_TIMES, watchFolders } from './indexer/watch.ts'
import { tunedEncoder, USUAL_BATCH } from './models/tuning.ts'
import type { Checkpoint } from './search/checkpoint.ts'
import type { ServingSpace } from './serving-space.ts'
import type { Space } from './space.ts'
import type { VectorSpace } from './store/changes.ts'
import { openClaims } from './store/claims.ts'
import { excludeMatcher } from './sources/exclude.ts'
import { openSource, ownPlaces } from './sources/open-source.ts'
import type { ScannedFile } from './sources/source.ts'
import type { OpenDatabase } from './store/database.ts'
import { findContent } from './store/pictures.ts'
import { claimRoot, listRoots, type Root } from './store/roots.ts'
import { noteServing } from './store/serving.ts'
import { refreshStatistics } from './store/statistics.ts'
import type { Writing } from './writing.ts'

/** How folders are indexed. */
export interface IndexFoldersOptions {
  /** Globs to leave out, kept for later runs. */
  readonly exclude?: readonly string[]
  /** Forgets what is gone, even where the folder looks unmounted. */
  readonly prune?: boolean
  readonly signal?: AbortSignal
  /** Processes the files in place of this process. */
  readonly process?: (space: VectorSpace) => ProcessFiles
}

/** How folders are watched. */
export interface WatchFoldersOptions extends IndexFoldersOptions {
  /** Looks every so often instead of waiting for events of the system. */
  readonly pollSeconds?: number
}

/** What indexing needs of the open Lucida. */
export interface IndexingContext {
  readonly config: Config
  readonly database: OpenDatabase
  readonly spaces: ServingSpace
  readonly writing: Writing
  /** Called when pictures may have come in that another model has not seen. */
  readonly onIndexed: () => void
}

/** Ways to bring folders up to date. */
export interface Indexing {
  readonly index: (
    folders: readonly string[],
    options?: IndexFoldersOptions,
  ) => AsyncGenerator<IndexEvent>
  readonly watch: (
    folders: readonly string[],
    options?: WatchFoldersOptions,
  ) => AsyncGenerator<IndexEvent>
  /**
   * Processes files that another process has found. Throws `not_found` where their folder cannot be
   * seen from here, `model_missing` where they are for another model than the one that answers here.
   */
  readonly indexFiles: (files: FoundFiles, signal: AbortSignal) => Promise<Processed>
}

/** Files that need work, for one model. */
export interface FoundFiles {
  readonly space: VectorSpace
  readonly folder: string
  readonly files: readonly ScannedFile[]
}

/** A day between looks is hardly watching. */
const MAX_POLL_SECONDS = 86_400

/** Indexes nothing yet. */
export function openIndexing(context: IndexingContext): Indexing {
  const { config, database, spaces, writing, onIndexed } = context
  const { db } = database
  const cache = join(config.dataDir, 'cache')
  const settle = (standing: Checkpoint | null) =>
    spaces.with((space) => writing.settle(space, standing))
  /** A run has one model from its beginning to its end, whatever answers meanwhile. */
  const openRun = () => {
    const { space, release } = spaces.hold()
    const { preprocess, embedPixels } = space.tower
    const batchSize = () => space.tuned?.batch ?? USUAL_BATCH
    const context = { db, space: space.identity, preprocess, embedPixels, batchSize }
    return { space, context, release }
  }

  const openEncoder = (space: Space) =>
    tunedEncoder(space.tower, cache, { fixedThreads: config.threads > 0, key: space.tuningKey })
  /** Messages of files come one after another, and what one measures serves the next. */
  const encoders = new WeakMap<Space, ReturnType<typeof openEncoder>>()

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
    const own = await ownPlaces(config)
    for (const name of wanted) {
      const folder = await locateFolder(name, roots)
      // Refuses a bad pattern before it is kept.
      if (exclude) excludeMatcher(folder, exclude)
      const root = await claimRoot(db, folder, exclude, own)
      await database.noteChoices()
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
    { exclude, process, ...rest }: IndexFoldersOptions = {},
  ): AsyncGenerator<IndexEvent> {
    const { space, context: pipeline, release } = openRun()
    const how = { ...rest, ...(process && { process: process(space.identity) }) }
    const standing = await writing.begin()
    let changed = false
    try {
      // Asked anew each time: an earlier run of this process may have measured.
      const encoder = await openEncoder(space)
      await noteServing(db, pipeline.space)
      for await (const { folder, root } of claimFolders(folders, exclude)) {
        for await (const event of indexFolder({ ...pipeline, ...encoder }, root, folder, how)) {
          if (event.type === 'done') changed ||= hasChanges(event.counts)
          yield event
        }
        if (how.signal?.aborted) break
      }
      await refreshStatistics(db)
      await settle(changed ? null : standing)
    } finally {
      writing.end()
      release()
      if (changed) onIndexed()
    }
  }

  async function* watch(
    names: readonly string[],
    { exclude, pollSeconds, ...how }: WatchFoldersOptions = {},
  ): AsyncGenerator<IndexEvent> {
    if (pollSeconds !== undefined && !(pollSeconds >= 1 && pollSeconds <= MAX_POLL_SECONDS)) {
      throw invalidInput('pollSeconds', `a number between 1 and ${MAX_POLL_SECONDS}`, pollSeconds)
    }
    const folders: string[] = []
    for await (const { folder } of claimFolders(names, exclude)) folders.push(folder)
    let isLooking = false
    // Also where the folder cannot be reached, and nobody says that the look is done.
    const endLook = () => {
      if (isLooking) writing.end()
      isLooking = false
    }
    const openLook = () => {
      const { context, release } = openRun()
      return {
        context,
        release() {
          endLook()
          release()
        },
      }
    }
    const events = watchFolders({ db, openRun: openLook }, folders, {
      ...how,
      times: pollSeconds ? { ...WATCH_TIMES, pollMs: pollSeconds * 1000 } : WATCH_TIMES,
      poll: pollSeconds !== undefined,
      ignore: await realpath(config.dataDir).catch(() => resolve(config.dataDir)),
    })
    let standing: Checkpoint | null = null
    for await (const event of events) {
      // A look writes nothing before its start has been taken in here.
      if (event.type === 'start') {
        standing = await writing.begin()
        isLooking = true
        await noteServing(db, spaces.now.identity)
        await database.noteChoices()
      }
      // Whoever hears that a look is done finds what it found, in other processes too.
      if (event.type === 'done') {
        const changed = hasChanges(event.counts)
        await settle(changed ? null : standing)
        endLook()
        if (changed) onIndexed()
      }
      yield event
    }
  }

  async function indexFiles(
    { space: wanted, folder, files }: FoundFiles,
    signal: AbortSignal,
  ): Promise<Processed> {
    const { space, context: pipeline, release } = openRun()
    try {
      if (space.identity.model !== wanted.model || space.identity.recipe !== wanted.recipe) {
        throw new LucidaError('model_missing', `${wanted.model} does not answer here`)
      }
      if (
        !(await openSource(folder)
          .hasEntries(folder)
          .catch(() => false))
      ) {
        throw new LucidaError('not_found', `No folder ${folder} can be seen here`)
      }
      if (!encoders.has(space)) encoders.set(space, openEncoder(space))
      const encoder = await encoders.get(space)!
      const process = processHere(
        { ...pipeline, ...encoder },
        {
          // Asked each time: other processes write too.
          lookup: (hash) => findContent(db, pipeline.space, hash),
          claims: () => openClaims(db, pipeline.space),
          signal,
        },
      )
      return await sumUp(process(untilAborted(files, signal), folder))
    } finally {
      release()
    }
  }

  return {
    indexFiles,
    index: (folders, how) => explaining(index(folders, how)),
    watch: (folders, how) => explaining(watch(folders, how)),
  }
}

/** The folder's real path, so that one folder has one name; a root that is away keeps its own. */
async function locateFolder(name: string, roots: readonly Root[]): Promise<string> {
  if (isBucketPath(name)) return locatePrefix(placeOf(name), roots)
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

async function* untilAborted<T>(items: readonly T[], signal: AbortSignal): AsyncGenerator<T> {
  for (const item of items) {
    if (signal.aborted) return
    yield item
  }
}

async function sumUp(parts: AsyncIterable<Processed>): Promise<Processed> {
  let sum: Processed = { size: 0, embedded: 0, reused: 0, failures: [] }
  for await (const { size, embedded, reused, failures } of parts) {
    sum = {
      size: sum.size + size,
      embedded: sum.embedded + embedded,
      reused: sum.reused + reused,
      failures: [...sum.failures, ...failures],
    }
  }
  return sum
}

/** A prefix of a bucket: a new one must be there, so that nobody watches a name that is misspelt. */
async function locatePrefix(prefix: string, roots: readonly Root[]): Promise<string> {
  if (roots.some((root) => isWithin(prefix, root.path))) return prefix
  if (await openSource(prefix).exists(prefix)) return prefix
  throw new LucidaError('not_found', `Nothing lies below ${prefix}`)
}
