// Work that several processes share: what was ordered and how it stands are rows, so that any server
// answers for it; who does it when is decided by the messages (message-queue.ts).
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, LucidaError, messageOf } from '../core/errors.ts'
import type { Database } from '../store/database.ts'
import {
  beginJob,
  changeFacts,
  countPendingJobs,
  endJob,
  findJob,
  forgetEnded,
  forgetEvents,
  insertJob,
  lastEvent,
  listJobs,
  readEvents,
  requeueJob,
  stopJob,
  type StoredJob,
  tellEvent,
  whyStop,
} from '../store/jobs.ts'
import type { Consumer, Handle, Message, MessageQueue } from './message-queue.ts'
import {
  isPending,
  type Life,
  MAX_ENDED,
  MAX_WAITING,
  type WorkQueue,
  type WorkQueueOptions,
} from './work-queue.ts'

/** A queue whose work this process may take up too. */
export interface SharedQueue<Order, Facts, Event> extends WorkQueue<Order, Facts, Event> {
  /** Begins to take up work. */
  readonly takePart: () => void
  /** Ends a job whose worker died once too often. */
  readonly setAside: (id: string, reason: string) => Promise<void>
}

/** What fails here may succeed later, or elsewhere. Everything else fails for good. */
const PASSING: ReadonlySet<string> = new Set<ErrorCode>([
  'internal',
  'database_unavailable',
  'database_busy',
  'disk_full',
  'unreadable',
  'overloaded',
  'model_missing',
  'index_stale',
])

/** Between looks at what has happened elsewhere, for followers. */
const FOLLOW_MS = 250
const EVENTS_A_LOOK = 200
/** Between looks whether somebody wants a running job to end. */
const STOP_MS = 1000

const WORKER = `${hostname()}:${process.pid}`

/** Orders nothing and does nothing yet. */
export function openSharedQueue<Order extends object, Facts extends object, Event>(
  { db, messages }: { readonly db: Database; readonly messages: () => Promise<MessageQueue> },
  options: WorkQueueOptions<Order, Facts, Event>,
): SharedQueue<Order, Facts, Event> {
  const { kind, one, many } = options
  const listeners: ((ended: Life & Facts) => void)[] = []
  const closing = new AbortController()
  let consumer: Promise<Consumer> | undefined

  const lifeOf = (row: StoredJob) => toLife(row) as Life & Facts
  const find = async (id: string) => {
    const row = await findJob(db, kind, id)
    return row && lifeOf(row)
  }
  const get = async (id: string) => {
    const found = await find(id)
    if (!found) throw new LucidaError('not_found', `There is no ${one} ${id}`)
    return found
  }
  const assertRoom = async () => {
    if ((await countPendingJobs(db, kind)) < MAX_WAITING) return
    throw new LucidaError('overloaded', `Too many ${many} wait; try again later`)
  }
  const onEnded = (row: StoredJob | undefined) => {
    if (row) for (const listener of listeners) listener(lifeOf(row))
  }
  const handle: Handle = async ({ body, attempt, signal }) => {
    const row = await beginJob(db, String(body.id), WORKER)
    // It was cancelled, or ended when an earlier worker had no time to say so.
    if (row) onEnded(await doWork(db, options, row, { attempt, signal }))
    return {}
  }

  return {
    assertRoom,
    async start(order, facts, id = newId()) {
      await assertRoom()
      const queue = await messages()
      const row = await db.transaction(async (tx) => {
        const inserted = await insertJob(tx, { id, kind, order, facts })
        await queue.send(kind, [{ id }], tx)
        return inserted
      })
      await forgetEnded(db, kind, MAX_ENDED)
      return lifeOf(row)
    },
    list: async () => (await listJobs(db, kind, MAX_WAITING + MAX_ENDED)).map(lifeOf),
    find,
    get,
    async update(id, change) {
      await changeFacts(db, id, change)
      return get(id)
    },
    async cancel(id) {
      await stopJob(db, kind, id)
      return get(id)
    },
    async *events(id, after, signal) {
      const ends = AbortSignal.any([signal, closing.signal])
      let seen = after
      await get(id)
      while (!ends.aborted) {
        // Looked up first: what happens between the two is told in the next round.
        const now = await find(id)
        const fresh = await readEvents(db, id, seen, EVENTS_A_LOOK)
        for (const { number, event } of fresh) {
          yield { id: number, event: event as Event }
          seen = number
        }
        if (fresh.length > 0) continue
        if (!now || !isPending(now.state)) return
        await sleep(FOLLOW_MS, undefined, { signal: ends }).catch(() => {})
      }
    },
    countPending: () => countPendingJobs(db, kind),
    onEnd: (listener) => void listeners.push(listener),
    takePart() {
      consumer ??= messages().then((queue) => queue.consume(kind, 1, handle))
    },
    async setAside(id, reason) {
      const message = `Set aside after several attempts: ${reason}`
      onEnded(await endJob(db, { id }, { state: 'failed', error: { code: 'internal', message } }))
    },
    async close() {
      closing.abort()
      await (await consumer?.catch(() => undefined))?.close()
    },
  }
}

/** Does one attempt; returns the job if it has ended with that. */
async function doWork<Order, Facts extends object, Event>(
  db: Database,
  { work, maxEvents, isPassing }: WorkQueueOptions<Order, Facts, Event>,
  row: StoredJob,
  { attempt, signal }: Pick<Message, 'attempt' | 'signal'>,
): Promise<StoredJob | undefined> {
  const { id } = row
  let number = await lastEvent(db, id)
  const stop = new AbortController()
  /** Another worker does it by now, and this one ends without a word. */
  const superseded = new AbortController()
  const stopping = setInterval(() => {
    whyStop(db, row).then(
      (why) => {
        if (why === 'unwanted') stop.abort()
        if (why === 'superseded') superseded.abort()
      },
      () => {},
    )
  }, STOP_MS)
  const passing: number[] = []
  const end = async (state: 'done' | 'failed' | 'cancelled', error: StoredJob['error'] = null) => {
    await forgetEvents(db, id, passing)
    return endJob(db, row, { state, error })
  }
  /** Whoever takes it next begins again; unless somebody has already. */
  const leave = async (error: StoredJob['error']) => {
    await requeueJob(db, row, error)
    return undefined
  }
  try {
    await work(row.order as Order, {
      id,
      signal: AbortSignal.any([stop.signal, superseded.signal, signal]),
      update: (change) => changeFacts(db, id, change),
      async tell(event, change) {
        number++
        if (isPassing?.(event)) passing.push(number)
        if (await tellEvent(db, row, { number, event, change }, maxEvents)) return
        superseded.abort()
        superseded.signal.throwIfAborted()
      },
    })
    if (superseded.signal.aborted) return undefined
    if (signal.aborted) return await leave(null)
    return await end('done')
  } catch (error) {
    if (superseded.signal.aborted) return undefined
    if (signal.aborted) return await leave(null)
    // Signals that are made of others have the reason of the one that was aborted.
    if (stop.signal.aborted && error === stop.signal.reason) return await end('cancelled')
    const code = error instanceof LucidaError ? error.code : 'internal'
    const failure = { code, message: messageOf(error) }
    if (!PASSING.has(code)) return await end('failed', failure)
    await leave({ code, message: `Attempt ${attempt}: ${failure.message}` })
    throw error
  } finally {
    clearInterval(stopping)
  }
}

function toLife(row: StoredJob): Life {
  const { id, state, error, createdAt, startedAt, endedAt } = row
  return {
    ...(row.facts as object),
    id,
    state,
    createdAt: createdAt.toISOString(),
    startedAt: startedAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
    error: state === 'failed' ? error : null,
  }
}

function newId(): string {
  return randomBytes(9).toString('base64url')
}
