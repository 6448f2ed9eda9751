// The files of an indexing order, and the pictures that another model is to be given, over all workers.
import type { ContentHash } from '../core/hash.ts'
import { VERSION } from '../core/version.ts'
import type { FillOrder, LeftOut } from '../filling.ts'
import type { FillPass } from '../indexer/fill.ts'
import type { Processed, ProcessFiles } from '../indexer/process-files.ts'
import type { FoundFiles } from '../indexing.ts'
import type { ScannedFile } from '../sources/source.ts'
import type { VectorSpace } from '../store/changes.ts'
import type { Body, Handle, MessageQueue } from './message-queue.ts'
import { handleSpread, type Run, type Spreading, spread } from './spread.ts'

/**
 * Processes files in this process. Throws `not_found` where their folder cannot be seen from here,
 * and `model_missing` where another model answers here.
 */
export type DoFiles = (order: FoundFiles, signal: AbortSignal) => Promise<Processed>

/** Fills in this process. Throws `model_missing` where the model is not at hand. */
export type DoFill = (order: FillOrder, signal: AbortSignal) => Promise<FillPass>

/** How the files of `run` are processed. */
export function spreadFiles(messages: MessageQueue, run: Run, space: VectorSpace): ProcessFiles {
  return (work, folder) => {
    const how: Spreading<ScannedFile, Processed> = {
      queue: 'files',
      bodyOf: (files) => ({ space, folder, files }),
      setAside: (files, reason) => ({
        size: files.length,
        embedded: 0,
        reused: 0,
        failures: files.map((file) => ({ ...file, code: 'internal', reason, triedBy: VERSION })),
      }),
    }
    return spread(messages, run, how, work)
  }
}

export function handleFiles(doFiles: DoFiles): Handle {
  const orderOf = (body: Body) => body as unknown as FoundFiles
  return handleSpread(
    (body) => orderOf(body).files.length,
    (body, signal) => doFiles(orderOf(body), signal),
  )
}

/** Fills pictures, and tells of some after others what came of them. */
export function spreadFill(
  messages: MessageQueue,
  run: Run,
  space: VectorSpace,
  contents: AsyncIterable<ContentHash>,
): AsyncGenerator<FillPass | LeftOut> {
  const how: Spreading<ContentHash, FillPass | LeftOut> = {
    queue: 'fill',
    bodyOf: (some) => ({ space, contents: some }),
    setAside: (some, reason) => ({ contents: some, reason }),
  }
  return spread(messages, run, how, contents)
}

export function handleFill(doFill: DoFill): Handle {
  const orderOf = (body: Body) => body as unknown as FillOrder
  return handleSpread(
    (body) => orderOf(body).contents.length,
    (body, signal) => doFill(orderOf(body), signal),
  )
}
