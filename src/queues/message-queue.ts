// Messages that one of several processes takes: pg-boss (timgit/pg-boss, version 10) over the pool that
// Lucida has open. A message is leased to whoever takes it; a lease that nobody renews runs out, and
// the message goes to another. One that fails again and again is set aside.
import { setTimeout as sleep } from 'node:timers/promises'
import { type SQL, sql } from 'drizzle-orm'
import type PgBoss from 'pg-boss'
import { messageOf } from '../core/errors.ts'
import { type Database, rows } from '../store/database.ts'

/** What a message is about: small enough for a row. */
export type Body = Readonly<Record<string, unknown>>

/** A message that was taken. */
export interface Message {
  readonly id: string
  readonly body: Body
  /** From 1. */
  readonly attempt: number
  /** What the last attempt failed with. */
  readonly output: Body
  /** Aborted when the lease is lost, or when the consumer closes. */
  readonly signal: AbortSignal
}

/** How a message ended that was sent earlier; one that is gone was forgotten by somebody else. */
export interface EndedMessage {
  readonly id: string
  readonly state: 'completed' | 'failed' | 'gone'
  /** What the consumer returned, or what it failed with last. */
  readonly output: Body
}

/** Takes messages until it is closed. */
export interface Consumer {
  /** Gives back what is under way, and waits for that. */
  readonly close: () => Promise<void>
}

/** What a consumer does with a message; what it throws makes the message wait for another attempt. */
export type Handle = (message: Message) => Promise<Body>

/** Thrown by a consumer that cannot do this now, though others may: it counts as no attempt. */
export class NotHere extends Error {}

/** Queues of messages on a Postgres server. */
export interface MessageQueue {
  /** Sends messages; within `tx` they are there when it is committed. Returns their ids. */
  send(queue: QueueName, bodies: readonly Body[], tx?: Database): Promise<string[]>
  /** Those of `ids` that have ended, or are not there. */
  ended(queue: QueueName, ids: readonly string[]): Promise<EndedMessage[]>
  forget(queue: QueueName, ids: readonly string[]): Promise<void>
  /** Forgets messages that nobody has taken yet and whose body has this value. */
  forgetWaiting(queue: QueueName, key: string, value: string): Promise<void>
  consume(queue: QueueName, atOnce: number, handle: Handle): Consumer
  close(): Promise<void>
}

/**
 * The queues: orders to index, files of such an order, pictures for another model, orders to draw, and
 * what was set aside.
 */
export type QueueName = 'index' | 'files' | 'fill' | 'generate' | 'aside'

/** Times of the queue. All in seconds. */
export interface QueueTimes {
  /** A worker that is silent for so long counts as dead. */
  readonly lease: number
  readonly renew: number
  /** Between looks at leases that have run out. */
  readonly supervise: number
  /** Between looks for messages when there are none. */
  readonly poll: number
  /** Before the first repetition; doubled each time. */
  readonly retry: number
}

/** docs/scale.md says so. */
export const QUEUE_TIMES: QueueTimes = { lease: 30, renew: 5, supervise: 5, poll: 0.5, retry: 2 }

/** Attempts after the first. */
const RETRIES: Readonly<Record<QueueName, number>> = {
  index: 4,
  files: 4,
  fill: 4,
  generate: 2,
  aside: 100,
}
/** States of pg-boss in which nobody will take a message any more. */
const ENDED: ReadonlySet<string> = new Set(['completed', 'failed'])
/** After messages that cannot be done here, the next one is left to others for so long. */
const NOT_HERE_MS = [1000, 5000, 30_000]
/** After an error of the database. */
const TROUBLE_MS = 1000
/** Of what has ended and nobody has asked for. */
const KEEP_SECONDS = 3600
/** Advisory lock of whoever makes the queues; any constant that no other lock has. */
const MAKING_LOCK = 0x6c756371

/** Makes the queues where they are missing. `onTrouble` is told of what passes by itself. */
export async function openMessageQueue(
  db: Database,
  onTrouble: (error: unknown) => void,
  times = QUEUE_TIMES,
): Promise<MessageQueue> {
  const { default: Boss } = await import('pg-boss')
  const boss = new Boss({
    db: asBossDatabase(db),
    schedule: false,
    supervise: true,
    maintenanceIntervalSeconds: times.supervise,
    archiveCompletedAfterSeconds: KEEP_SECONDS,
    archiveFailedAfterSeconds: 24 * KEEP_SECONDS,
    deleteAfterDays: 1,
  })
  boss.on('error', onTrouble)
  try {
    await makeQueues(db, boss)
  } catch (error) {
    // What it does now and then would go on for ever, and keep the process from ending.
    await boss.stop({ graceful: false, close: false })
    throw error
  }
  const options = (queue: QueueName) => ({
    expireInSeconds: times.lease,
    retryLimit: RETRIES[queue],
    retryDelay: times.retry,
    retryBackoff: true,
    ...(queue !== 'aside' && { deadLetter: nameOf('aside') }),
  })

  return {
    async send(queue, bodies, tx) {
      const ids: string[] = []
      for (const body of bodies) {
        const where = tx ? { db: asBossDatabase(tx) } : {}
        const id = await boss.send(nameOf(queue), body, { ...options(queue), ...where })
        ids.push(id!)
      }
      return ids
    },
    async ended(queue, ids) {
      if (ids.length === 0) return []
      const found = await rows<Omit<EndedMessage, 'state'> & { state: string }>(
        db,
        sql`select id, state::text, coalesce(output, '{}') as output from pgboss.job
            where name = ${nameOf(queue)} and id in ${ids}`,
      )
      const there = new Set(found.map(({ id }) => id))
      const gone = ids.filter((id) => !there.has(id))
      return [
        ...found.filter((one): one is EndedMessage => ENDED.has(one.state)),
        ...gone.map((id) => ({ id, state: 'gone' as const, output: {} })),
      ]
    },
    async forget(queue, ids) {
      if (ids.length > 0) await boss.deleteJob(nameOf(queue), [...ids])
    },
    async forgetWaiting(queue, key, value) {
      await db.execute(
        sql`delete from pgboss.job where name = ${nameOf(queue)}
            and state in ('created', 'retry') and data ->> ${key} = ${value}`,
      )
    },
    consume: (queue, atOnce, handle) =>
      consume({ boss, db, queue, times, onTrouble }, atOnce, handle),
    close: () => boss.stop({ graceful: false, close: false }),
  }
}

/** Starts pg-boss; one process at a time, since making the same tables twice at once is a deadlock. */
async function makeQueues(db: Database, boss: PgBoss): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${MAKING_LOCK})`)
    await boss.start()
    await boss.createQueue(nameOf('aside'), { name: nameOf('aside') })
    for (const queue of ['index', 'files', 'fill', 'generate'] as const) {
      await boss.createQueue(nameOf(queue), { name: nameOf(queue), deadLetter: nameOf('aside') })
    }
  })
}

interface ConsumeContext {
  readonly boss: PgBoss
  readonly db: Database
  readonly queue: QueueName
  readonly times: QueueTimes
  readonly onTrouble: (error: unknown) => void
}

function consume(context: ConsumeContext, atOnce: number, handle: Handle): Consumer {
  const closing = new AbortController()
  const loops = Array.from({ length: atOnce }, () => takeTurns(context, handle, closing.signal))
  return {
    async close() {
      closing.abort()
      await Promise.all(loops)
    },
  }
}

/** One message after another. */
async function takeTurns(
  context: ConsumeContext,
  handle: Handle,
  closing: AbortSignal,
): Promise<void> {
  const { boss, queue, times, onTrouble } = context
  const rest = (ms: number) => sleep(ms, undefined, { signal: closing }).catch(() => {})
  let notHere = 0
  while (!closing.aborted) {
    try {
      const [message] = await boss.fetch<Body>(nameOf(queue), { includeMetadata: true })
      if (!message) {
        await rest(times.poll * 1000)
        continue
      }
      const wasHere = await handleLeased(context, message, handle, closing)
      notHere = wasHere ? 0 : notHere + 1
      if (notHere > 0) await rest(NOT_HERE_MS[Math.min(notHere, NOT_HERE_MS.length) - 1]!)
    } catch (error) {
      // What was taken goes back by itself when its lease has run out.
      onTrouble(error)
      await rest(TROUBLE_MS)
    }
  }
}

/** Returns false where the message has to be done elsewhere. */
async function handleLeased(
  context: ConsumeContext,
  { id, data, retryCount, output: last }: PgBoss.JobWithMetadata<Body>,
  handle: Handle,
  closing: AbortSignal,
): Promise<boolean> {
  const { boss, queue, times, onTrouble } = context
  const lost = new AbortController()
  const renewing = setInterval(() => {
    renew(context, id, retryCount).then((held) => {
      if (!held) lost.abort(new Error('The lease was lost'))
    }, onTrouble)
  }, times.renew * 1000)
  try {
    const signal = AbortSignal.any([lost.signal, closing])
    const attempt = retryCount + 1
    const output = await handle({ id, body: data, attempt, output: { ...last }, signal })
    if (lost.signal.aborted) return true
    if (closing.aborted) await giveBack(context, id, retryCount)
    else await boss.complete(nameOf(queue), id, output)
    return true
  } catch (error) {
    if (lost.signal.aborted) return true
    if (closing.aborted || error instanceof NotHere) {
      await giveBack(context, id, retryCount)
      return closing.aborted
    }
    // pg-boss asks for no more than the id, and by now another may be at it.
    if (await renew(context, id, retryCount)) {
      await boss.fail(nameOf(queue), id, { message: messageOf(error) })
    }
    return true
  } finally {
    clearInterval(renewing)
  }
}

/** Counts the lease from now on. False where it was lost. pg-boss 10 has no call for it. */
async function renew({ db, queue }: ConsumeContext, id: string, retryCount: number) {
  const held = await rows(
    db,
    sql`update pgboss.job set started_on = now()
        where ${isHeld(queue, id, retryCount)} returning id`,
  )
  return held.length > 0
}

/** Leaves a message to others as if it had never been taken. */
async function giveBack({ db, queue }: ConsumeContext, id: string, retryCount: number) {
  await db.execute(
    sql`update pgboss.job set state = 'retry', started_on = null, start_after = now()
        where ${isHeld(queue, id, retryCount)}`,
  )
}

function isHeld(queue: QueueName, id: string, retryCount: number): SQL {
  return sql`name = ${nameOf(queue)} and id = ${id} and state = 'active' and retry_count = ${retryCount}`
}

function nameOf(queue: QueueName): string {
  return `lucida_${queue}`
}

/**
 * pg-boss writes its own SQL, with `$1` for values, and its own transactions as one text. Both go
 * through Drizzle, so that sending can be part of a transaction, and a failure leaves none open.
 */
function asBossDatabase(db: Database): PgBoss.Db {
  return {
    async executeSql(text, values = []) {
      const [, inner] = /^\s*BEGIN;(.*)COMMIT;\s*$/s.exec(text) ?? []
      try {
        if (inner === undefined) return { rows: await rows(db, toStatement(text, values)) }
        await db.transaction(async (tx) => tx.execute(sql.raw(inner)))
        return { rows: [] }
      } catch (error) {
        // pg-boss looks at the message of the driver.
        throw error instanceof Error && error.cause ? error.cause : error
      }
    },
  }
}

function toStatement(text: string, values: readonly unknown[]): SQL {
  if (values.length === 0) return sql.raw(text)
  const parts = text.split(/\$(\d+)/)
  return sql.join(
    parts.map((part, i) =>
      i % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1])}`,
    ),
  )
}
