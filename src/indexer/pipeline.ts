// One run over one folder: scan > diff > load > embed > write, each stage ahead of the next by a
// bounded amount, so that the model never waits for a decode and memory stays flat.
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { sep } from 'node:path'
import { pMapIterable } from 'p-map'
import { LucidaError } from '../core/errors.ts'
import { batch, readAhead } from '../core/stream.ts'
import type { EmbedPixels } from '../models/clip.ts'
import type { Database } from '../store/database.ts'
import { forgetFailures } from '../store/failures.ts'
import {
  countPictures,
  deletePaths,
  type KnownFile,
  markMissing,
  stillVisible,
} from '../store/paths.ts'
import { type FailedFile, type IndexedFile, writeBatch } from '../store/pictures.ts'
import { markIndexed, type Root } from '../store/roots.ts'
import { type Difference, diffFolder } from './diff.ts'
import type { IndexCounts, IndexEvent } from './events.ts'
import {
  type IndexContext,
  isStorablePath,
  type LoadedPicture,
  loadPicture,
} from './load-picture.ts'
import { excludeMatcher, type ScannedFile, type ScanOptions, scanFolder } from './scan.ts'

/** What a run needs. */
export interface PipelineContext extends IndexContext {
  readonly embedPixels: EmbedPixels
}

export interface IndexOptions {
  /** Delete what is gone from the database, even when the folder looks unmounted. */
  readonly prune?: boolean
  readonly signal?: AbortSignal
}

/** Pictures per run of the model and per transaction: large enough to fill the cores. */
const BATCH = 32

/** Files found ahead of the work. A total, and so an ETA, is known once the walk fits in. */
const FILES_AHEAD = 100_000

/**
 * Indexes `folder`, which is `root.path` or lies below it. Commits as it goes: a run that is killed
 * or cancelled loses at most what was not yet written, and the next run takes up the rest.
 */
export async function* indexFolder(
  context: PipelineContext,
  root: Root,
  folder: string,
  options: IndexOptions = {},
): AsyncGenerator<IndexEvent> {
  const startedAt = performance.now()
  let wentAway = false
  const picturesBefore = await countPictures(context.db, folder)
  const run = { ...startRun(context, root, folder, options), picturesBefore }
  yield { type: 'start', folder }
  try {
    for await (const written of run.written) {
      for (const { path, code, reason } of written.failures) {
        yield { type: 'failure', folder, path, code, reason }
      }
      yield { type: 'progress', folder, ...run.progress() }
    }
  } catch (error) {
    // The walk ends with an error when it is cancelled, or when the folder goes away under it.
    wentAway = error instanceof LucidaError && error.code === 'not_found'
    if (!options.signal?.aborted && !wentAway) throw error
  }
  for (const path of run.unreadable) yield { type: 'unreadable', folder, path }
  const cancelled = options.signal?.aborted ?? false
  if (!cancelled) {
    const unmounted = wentAway
      ? { lost: picturesBefore, of: picturesBefore }
      : await settleVanished(context, run, folder, options.prune ?? false)
    if (unmounted) yield { type: 'unmounted', folder, ...unmounted }
    else if (folder === root.path) await markIndexed(context.db, root.path)
  }
  const tookMs = Math.round(performance.now() - startedAt)
  yield { type: 'done', folder, counts: run.counts, tookMs, cancelled }
}

type Run = ReturnType<typeof startRun> & { readonly picturesBefore: number }

/** Connects the stages; nothing happens until `written` is read. */
function startRun(context: PipelineContext, root: Root, folder: string, options: IndexOptions) {
  const counts: IndexCounts = {
    seen: 0,
    embedded: 0,
    reused: 0,
    unchanged: 0,
    returned: 0,
    vanished: 0,
    pruned: 0,
    failed: 0,
    stillFailing: 0,
    links: 0,
  }
  const vanished: KnownFile[] = []
  const unreadable: string[] = []
  const state = { found: 0, done: 0, complete: false }

  const scanned = scanIfThere(folder, {
    base: root.path,
    exclude: root.exclude,
    signal: options.signal,
    onSkip: (skip) => {
      if (skip.kind === 'symbolic_link') counts.links++
      if (skip.kind.startsWith('unreadable')) unreadable.push(skip.path)
    },
  })
  const work = readAhead(
    selectWork(context, diffFolder(context.db, context.space, folder, scanned), {
      counts,
      vanished,
      onWork: () => state.found++,
    }),
    FILES_AHEAD,
    () => (state.complete = true),
  )
  const loaded = pMapIterable(work, (file) => loadPicture(context, file), {
    // Decoding mostly happens on libuv's threads; one more than the cores hides the reading.
    concurrency: availableParallelism() + 1,
    backpressure: 3 * BATCH,
  })
  const embedded = pMapIterable(batch(loaded, BATCH), (items) => embed(context, items), {
    concurrency: 1,
    backpressure: 2,
  })
  async function* write() {
    for await (const result of embedded) {
      const failures = result.failures.filter(({ path }) => isStorablePath(path))
      await writeBatch(context.db, context.space, { files: result.files, failures })
      state.done += result.size
      counts.embedded += result.files.filter((file) => file.vector).length
      counts.reused += result.files.filter((file) => !file.vector).length
      counts.failed += result.failures.length
      yield result
    }
  }
  return {
    counts,
    vanished,
    unreadable,
    written: write(),
    isExcluded: excludeMatcher(root.path, root.exclude),
    progress: () => ({ counts: { ...counts }, ...state }),
  }
}

/** A folder that is missing has no files; whether they are lost or away is settled at the end. */
async function* scanIfThere(folder: string, options: ScanOptions): AsyncGenerator<ScannedFile> {
  if (existsSync(folder)) yield* scanFolder(folder, options)
}

/** Acts on what is cheap, remembers what must wait for the end, and passes on what needs work. */
async function* selectWork(
  context: PipelineContext,
  differences: AsyncIterable<Difference>,
  to: { counts: IndexCounts; vanished: KnownFile[]; onWork: () => void },
): AsyncGenerator<ScannedFile> {
  const { counts } = to
  for await (const difference of differences) {
    if (difference.kind === 'vanished') {
      to.vanished.push(difference.known)
      continue
    }
    if (difference.kind === 'failure-gone') {
      await forgetFailures(context.db, [difference.path])
      continue
    }
    counts.seen++
    if (difference.kind === 'returned') {
      await markMissing(context.db, [difference.path], false)
      counts.returned++
    } else if (difference.kind === 'unchanged') {
      if (difference.failed) counts.stillFailing++
      else counts.unchanged++
    } else {
      to.onWork()
      yield difference.file
    }
  }
}

interface EmbeddedBatch {
  readonly files: IndexedFile[]
  readonly failures: FailedFile[]
  /** Files taken in, those that were gone included. */
  readonly size: number
}

/** Runs the model over those pictures of a batch that need it. */
async function embed(
  context: PipelineContext,
  items: readonly LoadedPicture[],
): Promise<EmbeddedBatch> {
  const pictures = items.filter((item) => item.kind === 'picture')
  const failures = items.flatMap((item) => (item.kind === 'failure' ? [item.file] : []))
  const toEmbed = pictures.flatMap(({ file, pixels }) => (pixels ? [{ file, pixels }] : []))
  const vectors = await context.embedPixels(toEmbed.map(({ pixels }) => pixels))
  const files = [
    ...pictures.flatMap(({ file, pixels }) => (pixels ? [] : [file])),
    ...toEmbed.map(({ file }, i) => ({ ...file, vector: vectors[i]! })),
  ]
  return { files, failures, size: items.length }
}

/**
 * Takes vanished files out of the results, unless the folder looks unmounted: empty, or more than
 * half of its pictures lost (moves within the indexed folders are not losses).
 */
async function settleVanished(
  context: PipelineContext,
  run: Run,
  folder: string,
  prune: boolean,
): Promise<{ lost: number; of: number } | null> {
  const { db } = context
  const gone = run.vanished.filter(
    ({ path }) => !run.unreadable.some((at) => path === at || path.startsWith(at + sep)),
  )
  if (!prune) {
    // What the user excluded is meant to go, and is no sign of a lost drive.
    const unexpected = gone.filter(({ path }) => !run.isExcluded(path))
    const lost = await findLost(db, unexpected)
    const of = run.picturesBefore
    if (lost > 0 && (run.counts.seen === 0 || lost > of / 2)) return { lost, of }
  }
  await markMissing(
    db,
    gone.map(({ path }) => path),
    true,
  )
  run.counts.vanished = gone.length
  if (prune) run.counts.pruned = await deletePaths(db, folder, 'missing')
  return null
}

/** How many distinct pictures would have no path left if `gone` were gone. */
async function findLost(db: Database, gone: readonly KnownFile[]): Promise<number> {
  const hashes = [...new Set(gone.flatMap(({ content }) => content ?? []))]
  const elsewhere = await stillVisible(db, hashes, new Set(gone.map(({ path }) => path)))
  return hashes.length - elsewhere.size
}
