// The files of one indexing order, spread over all workers: sent as messages of some files each, no
// more ahead than keeps the workers busy, and joined again as they are done.
import { setTimeout as sleep } from 'node:timers/promises'
import { batch } from '../core/stream.ts'
import { VERSION } from '../core/version.ts'
import type { Processed, ProcessFiles } from '../indexer/process-files.ts'
import type { ScannedFile } from '../sources/source.ts'
import type { VectorSpace } from '../store/changes.ts'
import type { EndedMessage, Handle, MessageQueue } from './message-queue.ts'
import { NotHere } from './message-queue.ts'

/** Files that are to be processed, by any worker. */
export interface FilesOrder {
  readonly space: VectorSpace
  readonly folder: string
  readonly files: readonly ScannedFile[]
}

/**
 * Processes files in this process. Throws `not_found` where their folder cannot be seen from here,
 * and `model_missing` where another model answers here.
 */
export type DoFiles = (order: FilesOrder, signal: AbortSignal) => Promise<Processed>

/** Small enough that the last one does not keep the others waiting. */
const FILES_A_MESSAGE = 64
/** Back-pressure: what is not sent yet costs nothing when the order is cancelled. */
const MESSAGES_AHEAD = 32
/** Between looks at what is done. */
const LOOK_MS = 200
/** A worker may have died of one of several files; from this attempt on they go one by one. */
const SPLIT_AT = 3

/** An indexing order whose files are spread. */
export interface Run {
  readonly id: string
  readonly signal: AbortSignal
}

/** Spreads the files of an order; what an earlier attempt at it has left is dropped. */
export function spreadFiles(
  messages: MessageQueue,
  { id: run, signal }: Run,
  space: VectorSpace,
): ProcessFiles {
  return async function* (work, folder) {
    const sent = new Map<string, readonly ScannedFile[]>()
    const send = async (files: readonly ScannedFile[]) => {
      const [id] = await messages.send('files', [{ run, space, folder, files }])
      sent.set(id!, files)
    }
    await messages.forgetWaiting('files', 'run', run)
    const batches = batch(work, FILES_A_MESSAGE)
    let isMore = true
    try {
      while ((isMore || sent.size > 0) && !signal.aborted) {
        while (isMore && sent.size < MESSAGES_AHEAD) {
          const next = await batches.next()
          if (next.done) isMore = false
          else await send(next.value)
        }
        const ended = await messages.ended('files', [...sent.keys()])
        await messages.forget(
          'files',
          ended.map(({ id }) => id),
        )
        for (const message of ended) {
          const files = sent.get(message.id)!
          sent.delete(message.id)
          if (message.output.split === true) for (const file of files) await send([file])
          else yield outcomeOf(message, files)
        }
        if (ended.length === 0 && sent.size > 0) {
          await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
        }
      }
    } finally {
      // Nobody waits for what is left.
      await messages.forgetWaiting('files', 'run', run)
    }
  }
}

/** How a worker takes such messages. */
export function handleFiles(doFiles: DoFiles): Handle {
  return async ({ body, attempt, signal }) => {
    const order = body as unknown as FilesOrder
    if (attempt >= SPLIT_AT && order.files.length > 1) return { split: true }
    try {
      return { ...(await doFiles(order, signal)) }
    } catch (error) {
      const code = (error as { code?: unknown }).code
      if (code === 'not_found' || code === 'model_missing') throw new NotHere(String(error))
      throw error
    }
  }
}

function outcomeOf({ state, output }: EndedMessage, files: readonly ScannedFile[]): Processed {
  if (state === 'completed') return output as unknown as Processed
  const reason = `Set aside after several attempts: ${reasonOf(output)}`
  return {
    size: files.length,
    embedded: 0,
    reused: 0,
    failures: files.map((file) => ({ ...file, code: 'internal', reason, triedBy: VERSION })),
  }
}

/** Why the last attempt at a message failed. */
export function reasonOf(output: { readonly [key: string]: unknown }): string {
  const { message } = (output.value ?? output) as { message?: unknown }
  if (typeof message !== 'string') return 'nothing is known of why'
  // What pg-boss writes where a lease has run out.
  return message.includes('timeout') ? 'each time the worker stopped answering' : message
}
