// All queues of an open Lucida: in this process on the embedded database, shared on a server.
import { once } from '../core/once.ts'
import type { FillTogether } from '../filling.ts'
import type { ProcessFiles } from '../indexer/process-files.ts'
import type { VectorSpace } from '../store/changes.ts'
import type { OpenDatabase } from '../store/database.ts'
import { openLocalQueue } from './local-queue.ts'
import { type Consumer, openMessageQueue, type QueueTimes } from './message-queue.ts'
import { openSharedQueue, type SharedQueue } from './shared-queue.ts'
import { reasonOf, type Run } from './spread.ts'
import {
  type DoFiles,
  type DoFill,
  handleFiles,
  handleFill,
  spreadFill,
  spreadFiles,
} from './spread-files.ts'
import type { WorkQueue, WorkQueueOptions } from './work-queue.ts'

/** Where work is done. */
export interface Queues {
  open<Order extends object, Facts extends object, Event>(
    options: WorkQueueOptions<Order, Facts, Event>,
  ): WorkQueue<Order, Facts, Event>
  /** How the files of an order are processed; absent where this process does them itself. */
  readonly spread?: (run: Run) => Promise<(space: VectorSpace) => ProcessFiles>
  /** How pictures are filled, where this process takes part in that. */
  readonly fill?: () => FillTogether | undefined
  /** Takes up shared work from now on, of the queues that are open. */
  takePart(): Promise<void>
  /** Gives back what this process does of shared work, and waits for that. */
  close(): Promise<void>
}

/** What queues need. */
export interface QueuesContext {
  readonly database: OpenDatabase
  readonly doFiles: DoFiles
  readonly doFill: DoFill
  /** Told of what passes by itself, such as a database that is away for a moment. */
  readonly onTrouble: (error: unknown) => void
  readonly times?: QueueTimes
}

/** Messages of files that one worker does at once: one is decoded while another is embedded. */
const FILES_AT_ONCE = 2

/** Opens nothing yet. */
export function openQueues(context: QueuesContext): Queues {
  return context.database.engine === 'pglite' ? localQueues() : sharedQueues(context)
}

function localQueues(): Queues {
  return { open: openLocalQueue, async takePart() {}, async close() {} }
}

function sharedQueues(context: QueuesContext): Queues {
  const { doFiles, doFill, onTrouble, times } = context
  const { db } = context.database
  const messages = once(() => openMessageQueue(db, onTrouble, times))
  const queues: Pick<SharedQueue<object, object, unknown>, 'takePart' | 'setAside' | 'close'>[] = []
  const consumers: Consumer[] = []
  let opened = false
  const open = () => {
    opened = true
    return messages()
  }
  return {
    open(options) {
      const queue = openSharedQueue({ db, messages: open }, options)
      queues.push(queue)
      return queue
    },
    spread: async (run) => {
      const queue = await open()
      return (space) => spreadFiles(queue, run, space)
    },
    fill() {
      if (consumers.length === 0) return undefined
      return async function* (run, space, contents) {
        yield* spreadFill(await open(), run, space, contents)
      }
    },
    async takePart() {
      const queue = await open()
      for (const { takePart } of queues) takePart()
      consumers.push(
        queue.consume('files', FILES_AT_ONCE, handleFiles(doFiles)),
        queue.consume('fill', 1, handleFill(doFill)),
        queue.consume('aside', 1, async ({ body, output }) => {
          // What was spread is set aside by whoever has sent it.
          if (typeof body.id !== 'string') return {}
          for (const { setAside } of queues) await setAside(body.id, reasonOf(output))
          return {}
        }),
      )
    },
    async close() {
      await Promise.all([...consumers, ...queues].map((one) => one.close()))
      if (opened) await (await messages()).close()
    },
  }
}
