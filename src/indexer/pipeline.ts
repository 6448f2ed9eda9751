// One run over one folder: scan > diff > process, and in the end what is gone. Files are processed
// here (process-files.ts), or by whoever else is given them.
import { LucidaError } from '../core/errors.ts'
import { readAhead } from '../core/stream.ts'
import { VERSION } from '../core/version.ts'
import { extensionOf, PICTURE_EXTENSIONS } from '../pictures/sniff.ts'
import { excludeMatcher } from '../sources/exclude.ts'
import { openSource } from '../sources/open-source.ts'
import type { ScannedFile, ScanOptions } from '../sources/source.ts'
import { lastSequence } from '../store/changes.ts'
import { countPictures } from '../store/paths.ts'
import { type FailedFile, writeBatch } from '../store/pictures.ts'
import { markIndexed, type Root } from '../store/roots.ts'
import { type Difference, diffFolder } from './diff.ts'
import type { IndexCounts, IndexEvent } from './events.ts'
import { lookupContents } from './known-contents.ts'
import { isStorablePath } from './load-picture.ts'
import { type Patience, waitAfterFailure, waitFor } from './patience.ts'
import { type ProcessContext, type ProcessFiles, processHere } from './process-files.ts'
import { type Findings, settle } from './settle.ts'

/** What a run needs. */
export type PipelineContext = ProcessContext

export interface IndexOptions {
  /** Delete what is gone from the database, even when the folder looks unmounted. */
  readonly prune?: boolean
  readonly signal?: AbortSignal
  /** Leaves files that are still being written for another run; a `waiting` event says when. */
  readonly patience?: Patience
  /** Told of each folder just before it is listed: who watches it from then on misses nothing. */
  readonly onFolder?: (path: string) => void
  /** Processes the files in place of this process. */
  readonly process?: ProcessFiles
}

const FAILURES_A_WRITE = 128

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
  const picturesBefore = await countPictures(context.db, root.path)
  const since = await lastSequence(context.db)
  const run = startRun(context, root, folder, options)
  let away: LucidaError | undefined
  yield { type: 'start', folder }
  try {
    for await (const written of run.written) {
      for (const { path, code, reason } of written.failures) {
        yield { type: 'failure', folder, path, code, reason }
      }
      yield { type: 'progress', folder, ...run.progress() }
      if (options.signal?.aborted) break
    }
  } catch (error) {
    // The walk ends with an error when it is cancelled, or when the folder goes away under it.
    if (error instanceof LucidaError && error.code === 'not_found') away = error
    if (!options.signal?.aborted && !away) throw error
  }
  for (const path of run.findings.unreadable) yield { type: 'unreadable', folder, path }
  const cancelled = options.signal?.aborted ?? false
  if (away) {
    const lost = await countPictures(context.db, folder)
    const reason = away.message
    yield { type: 'unmounted', folder: root.path, lost, of: picturesBefore, reason }
  } else if (!cancelled) {
    for (const failure of await recordUnreachable(context, run)) {
      const { path, code, reason } = failure
      yield { type: 'failure', folder, path, code, reason }
    }
    const isExcluded = excludeMatcher(root.path, root.exclude)
    const unmounted = await settle(context.db, root, folder, run.findings, {
      counts: run.counts,
      since,
      picturesBefore,
      // A raw file whose JPEG has appeared is not lost either.
      isLeftOut: (path) => isExcluded(path) || run.rawsAside.has(path),
      prune: options.prune ?? false,
    })
    if (unmounted) yield { type: 'unmounted', folder: root.path, ...unmounted }
    else if (folder === root.path) await markIndexed(context.db, root.path)
  }
  const { lookAgainMs } = run
  if (lookAgainMs() < Infinity) yield { type: 'waiting', folder, forMs: lookAgainMs() }
  const tookMs = Math.round(performance.now() - startedAt)
  yield { type: 'done', folder, counts: run.counts, tookMs, cancelled }
}

/** Connects the stages; nothing happens until `written` is read. */
function startRun(context: PipelineContext, root: Root, folder: string, options: IndexOptions) {
  const { signal, onFolder, patience } = options
  const counts = noCounts()
  const findings: Findings = { vanished: [], goneFailures: [], returned: [], unreadable: [] }
  const rawsAside = new Set<string>()
  const unreachable = new Map<string, string>()
  /** Files that really have a replacement character in their paths. */
  const replaced = new Set<string>()
  const state = { found: 0, done: 0, complete: false }
  let lookAgainMs = Infinity
  /** Whether there is nothing more to wait for; else the file is counted as waiting. */
  const isOver = (ms: number) => {
    if (ms === 0) return true
    counts.waiting++
    lookAgainMs = Math.min(lookAgainMs, ms)
    return false
  }

  const scanned = scanIfThere(folder, {
    base: root.path,
    exclude: root.exclude,
    signal,
    onFolder,
    onSkip: ({ kind, path }) => {
      if (kind === 'symbolic_link') counts.links++
      if (kind === 'raw_beside_picture') {
        counts.rawsAside++
        rawsAside.add(path)
      }
      if (kind === 'bad_name') unreachable.set(path, BAD_NAME)
      const isNamedPicture = PICTURE_EXTENSIONS.has(extensionOf(path))
      if (kind === 'special_file' && isNamedPicture) unreachable.set(path, SPECIAL_FILE)
      if (kind.startsWith('unreadable')) findings.unreadable.push(path)
    },
  })
  async function* noted() {
    for await (const file of scanned) {
      if (file.path.includes('\uFFFD')) replaced.add(file.path)
      yield file
    }
  }
  const differences = diffFolder(context.db, context.space, folder, noted())
  const work = readAhead(
    selectWork(differences, counts, findings, (file) => {
      if (!isOver(waitFor(file, patience?.beforeReadMs))) return false
      // The model loads while the first pictures are decoded; should it fail, their batch tells.
      if (state.found++ === 0 && !options.process) context.embedPixels([]).catch(() => {})
      return true
    }),
    FILES_AHEAD,
    () => (state.complete = true),
  )
  const process =
    options.process ??
    processHere(context, {
      lookup: lookupContents(context.db, context.space),
      isFailure: async (file) => isOver(await waitAfterFailure(file, patience)),
    })
  async function* write() {
    for await (const processed of process(work, folder)) {
      state.done += processed.size
      counts.embedded += processed.embedded
      counts.reused += processed.reused
      counts.failed += processed.failures.length
      yield processed
    }
  }
  return {
    counts,
    findings,
    rawsAside,
    unreachable,
    replaced,
    written: write(),
    lookAgainMs: () => lookAgainMs,
    progress: () => ({ counts: { ...counts }, ...state }),
  }
}

const BAD_NAME = 'The name is not valid UTF-8; rename it (what is unreadable is shown as \uFFFD)'
const SPECIAL_FILE = 'The path is a pipe, a socket or a device'

/**
 * Records what is named like a picture but cannot be opened. A name that is no text stands there in
 * a readable form, with replacement characters. Returns what no earlier run has recorded.
 */
async function recordUnreachable(
  context: PipelineContext,
  { counts, findings, unreachable, replaced }: ReturnType<typeof startRun>,
): Promise<FailedFile[]> {
  const failures: FailedFile[] = []
  for (const [path, reason] of unreachable) {
    // The readable form is the name of another file, whose picture a failure would take away.
    if (replaced.has(path)) continue
    counts.seen++
    // The diff took the recorded failure for that of a file that is gone.
    const known = findings.goneFailures.indexOf(path)
    if (known >= 0) {
      findings.goneFailures.splice(known, 1)
      counts.stillFailing++
      continue
    }
    counts.failed++
    failures.push({ path, sizeBytes: 0, mtimeMs: 0, code: 'unreadable', reason, triedBy: VERSION })
  }
  const storable = failures.filter(({ path }) => isStorablePath(path))
  for (let at = 0; at < storable.length; at += FAILURES_A_WRITE) {
    const some = storable.slice(at, at + FAILURES_A_WRITE)
    await writeBatch(context.db, context.space, { files: [], failures: some })
  }
  return failures
}

/** A folder that is missing has no files; whether they are lost or away is settled at the end. */
async function* scanIfThere(folder: string, options: ScanOptions): AsyncGenerator<ScannedFile> {
  const source = openSource(folder)
  if (await source.exists(folder)) yield* source.scan(folder, options)
}

/** Counts and remembers what needs no work, and passes on what does. */
async function* selectWork(
  differences: AsyncIterable<Difference>,
  counts: IndexCounts,
  findings: Findings,
  accept: (file: ScannedFile) => boolean,
): AsyncGenerator<ScannedFile> {
  for await (const difference of differences) {
    switch (difference.kind) {
      case 'vanished':
        findings.vanished.push(difference.known)
        continue
      case 'failure-gone':
        findings.goneFailures.push(difference.path)
        continue
      case 'returned':
        findings.returned.push(difference.path)
        counts.returned++
        break
      case 'unchanged':
        if (difference.failed) counts.stillFailing++
        else counts.unchanged++
        break
      case 'index':
        if (accept(difference.file)) yield difference.file
    }
    counts.seen++
  }
}

function noCounts(): IndexCounts {
  return {
    seen: 0,
    embedded: 0,
    reused: 0,
    unchanged: 0,
    returned: 0,
    vanished: 0,
    pruned: 0,
    failed: 0,
    stillFailing: 0,
    waiting: 0,
    links: 0,
    rawsAside: 0,
  }
}
