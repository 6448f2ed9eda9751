// What is done with files that need work: load > embed > write, each stage ahead of the next by a
// bounded amount, so that the model never waits for a decode and memory stays flat.
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { pMapIterable } from 'p-map'
import { batch, gather, streamOf } from '../core/stream.ts'
import type { EmbedPixels } from '../models/clip.ts'
import { LARGEST_BATCH } from '../models/tuning.ts'
import { openSource } from '../sources/open-source.ts'
import type { ScannedFile } from '../sources/source.ts'
import type { VectorSpace } from '../store/changes.ts'
import type { Claims } from '../store/claims.ts'
import type { Database } from '../store/database.ts'
import {
  type FailedFile,
  type FileState,
  type IndexedFile,
  isSameState,
  writeBatch,
} from '../store/pictures.ts'
import type { ContentLookup } from './known-contents.ts'
import {
  isStorablePath,
  type LoadContext,
  type LoadedPicture,
  loadPicture,
} from './load-picture.ts'

/** What processing needs. */
export interface ProcessContext extends Pick<LoadContext, 'preprocess'> {
  readonly db: Database
  readonly space: VectorSpace
  readonly embedPixels: EmbedPixels
  /** Pictures that the next run of the model should be given. */
  readonly batchSize: () => number
}

/** Files that are done: written to the database, failed, or gone. */
export interface Processed {
  /** All of them. */
  readonly size: number
  readonly embedded: number
  readonly reused: number
  readonly failures: readonly FailedFile[]
}

/** Does all of `work`, which lies below `folder`. Commits as it goes, and tells after each commit. */
export type ProcessFiles = (
  work: AsyncIterable<ScannedFile>,
  folder: string,
) => AsyncIterable<Processed>

/** How files are processed here. */
export interface ProcessOptions {
  readonly lookup: ContentLookup
  /** Whether a failure is to be recorded; others are left for a later run. */
  readonly isFailure?: (file: FailedFile) => Promise<boolean>
  /** Opens what keeps other processes from embedding what is being embedded here. */
  readonly claims?: () => Claims
  /** Ends the wait for what others are embedding. */
  readonly signal?: AbortSignal
}

/** A transaction of several batches costs the database less, but what was done is soon written. */
const BATCHES_A_WRITE = 16
const WRITE_EVERY_MS = 1000

/** Pictures whose pixels wait for the model; 58 MB of them at 224 × 224. */
const LOADED_AHEAD = 3 * LARGEST_BATCH

/** Between looks at what another process is embedding. */
const LOOK_AGAIN_MS = 200

/** Of files that change while they are worked on. */
const MOST_REREADS = 3

/** Processes files in this process. */
export function processHere(context: ProcessContext, options: ProcessOptions): ProcessFiles {
  return async function* (work, folder) {
    let rest = work
    for (let rereads = 0; ; ) {
      const [claimed, outdated]: [ScannedFile[], ScannedFile[]] = [[], []]
      const claims = options.claims?.()
      try {
        yield* processOnce(context, { ...options, claims }, rest, folder, { claimed, outdated })
      } finally {
        await claims?.release()
      }
      // What never stops changing is left to the next run.
      const again = rereads < MOST_REREADS ? [...claimed, ...outdated] : claimed
      if (again.length === 0 || options.signal?.aborted) return
      if (outdated.length > 0) rereads++
      await sleep(LOOK_AGAIN_MS)
      rest = streamOf(again)
    }
  }
}

/** What a pass leaves to the next one. */
interface PutAside {
  /** What another process is embedding. */
  readonly claimed: ScannedFile[]
  /**
   * What has changed while it was worked on, if somebody else has written the newer state first: that
   * would otherwise be lost until the next run.
   */
  readonly outdated: ScannedFile[]
}

async function* processOnce(
  context: ProcessContext,
  {
    lookup,
    isFailure,
    claims,
  }: Omit<ProcessOptions, 'claims'> & { readonly claims: Claims | undefined },
  work: AsyncIterable<ScannedFile>,
  folder: string,
  aside: PutAside,
): AsyncGenerator<Processed> {
  const loading = { ...context, lookup, ...(claims && { claim: claims.take }) }
  const loaded = pMapIterable(work, (file) => loadPicture(loading, file), {
    // Decoding mostly happens on libuv's threads; one more than the cores hides the reading.
    concurrency: availableParallelism() + 1,
    backpressure: LOADED_AHEAD,
  })
  const embedded = pMapIterable(
    batch(putAside(loaded, aside.claimed), context.batchSize),
    (items) => embed(context, items),
    { concurrency: 1, backpressure: 2 },
  )
  for await (const some of gather(embedded, { atMost: BATCHES_A_WRITE, forMs: WRITE_EVERY_MS })) {
    const { files, failures: found, size } = joinBatches(some)
    const failures: FailedFile[] = []
    for (const file of found) {
      if (!isFailure || (await isFailure(file))) failures.push(file)
    }
    const storable = failures.filter(({ path }) => isStorablePath(path))
    const written = { folder, files, failures: storable }
    const replaced = await writeBatch(context.db, context.space, written)
    const touched = [...files, ...storable].filter(({ path }) => replaced.has(path))
    const outdated = await filterOutdated(touched)
    aside.outdated.push(...outdated)
    const fresh = files.filter((file) => file.vector).length
    yield { size: size - outdated.length, embedded: fresh, reused: files.length - fresh, failures }
  }
}

/** Those of `files` that are in another state by now, as they are. */
async function filterOutdated(files: readonly FileState[]): Promise<ScannedFile[]> {
  const outdated: ScannedFile[] = []
  for (const file of files) {
    const now = await openSource(file.path)
      .stat(file.path)
      .catch(() => undefined)
    if (now && !isSameState(now, file)) outdated.push(now)
  }
  return outdated
}

async function* putAside(
  loaded: AsyncIterable<LoadedPicture>,
  claimed: ScannedFile[],
): AsyncGenerator<LoadedPicture> {
  for await (const item of loaded) {
    if (item.kind === 'claimed') claimed.push(item.file)
    else yield item
  }
}

interface EmbeddedBatch {
  readonly files: IndexedFile[]
  readonly failures: FailedFile[]
  /** Files taken in, those that were gone included. */
  readonly size: number
}

function joinBatches(batches: readonly EmbeddedBatch[]): EmbeddedBatch {
  return {
    files: batches.flatMap(({ files }) => files),
    failures: batches.flatMap(({ failures }) => failures),
    size: batches.reduce((sum, { size }) => sum + size, 0),
  }
}

/** Runs the model over those pictures of a batch that need it. */
async function embed(
  context: ProcessContext,
  items: readonly LoadedPicture[],
): Promise<EmbeddedBatch> {
  const pictures = items.filter((item) => item.kind === 'picture')
  const failures = items.flatMap((item) => (item.kind === 'failure' ? [item.file] : []))
  const toEmbed = pictures.flatMap(({ file, pixels }) => (pixels ? [{ file, pixels }] : []))
  const vectors =
    toEmbed.length > 0 ? await context.embedPixels(toEmbed.map(({ pixels }) => pixels)) : []
  const files = [
    ...pictures.flatMap(({ file, pixels }) => (pixels ? [] : [file])),
    ...toEmbed.map(({ file }, i) => ({ ...file, vector: vectors[i]! })),
  ]
  return { files, failures, size: items.length }
}
