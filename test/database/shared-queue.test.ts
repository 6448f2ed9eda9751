// Work that several processes share, on real Postgres: each queue here stands for a process of its own.
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { LucidaError } from '../../src/core/errors.ts'
import { type OpenDatabase, openDatabase, rows } from '../../src/store/database.ts'
import { insertJob } from '../../src/store/jobs.ts'
import { jobs } from '../../src/store/schema.ts'
import { type Handle, type MessageQueue, openMessageQueue } from '../../src/queues/message-queue.ts'
import { openSharedQueue } from '../../src/queues/shared-queue.ts'
import { reasonOf } from '../../src/queues/spread.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { newGate } from '../helpers/gate.ts'
import { until } from '../helpers/until.ts'
import {
  describeWorkQueue,
  hearAll,
  never,
  optionsFor,
  telling,
  type TestWork,
} from '../helpers/work-queue-suite.ts'

const TIMES = { lease: 2, renew: 0.5, supervise: 1, poll: 0.5, retry: 1 }

describeDatabase('a queue that processes share', (newPlace, engine) => {
  if (engine === 'pglite') {
    test.skip('is for servers: the embedded database has one process', () => {})

    test('looks no more whether to stop what failed as it began', async () => {
      const database = await openDatabase({ url: 'memory://' })
      const { db } = database
      const id = 'a'
      const job = { id, kind: 'index', order: { name: 'a' }, facts: { done: 0 } } as const
      await insertJob(db, job)
      const handles: Handle[] = []
      const messages = { consume: (_: string, __: number, handle: Handle) => handles.push(handle) }
      const queue = openSharedQueue(
        { db, messages: async () => messages as never },
        optionsFor(telling),
      )
      queue.takePart()
      await until(async () => handles.length > 0)
      await db.execute(sql`alter table job_events rename to lost`)
      const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')
      const before = timers().length
      const message = { id, body: { id }, attempt: 1, output: {}, signal: never }
      await expect(handles[0]!(message)).rejects.toThrow()
      expect(timers()).toHaveLength(before)
      await database.close()
    })
    return
  }
  let place: TestPlace
  const closing: (() => Promise<void>)[] = []
  beforeAll(async () => {
    place = await newPlace()
  })
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
    const database = await place.open()
    await database.db.delete(jobs)
    await database.db.execute(sql`delete from pgboss.job`)
    await database.close()
  })
  afterAll(() => place[Symbol.asyncDispose]())

  /** A process that orders and follows, and takes work up if it `works`. */
  async function newProcess(work: TestWork, works = true, times = TIMES) {
    const database: OpenDatabase = await openDatabase({ url: place.databaseUrl! })
    const messages: MessageQueue = await openMessageQueue(database.db, () => {}, times)
    const queue = openSharedQueue(
      { db: database.db, messages: async () => messages },
      optionsFor(work),
    )
    const aside = works
      ? messages.consume('aside', 1, async ({ body, output }) => {
          await queue.setAside(String(body.id), reasonOf(output))
          return {}
        })
      : undefined
    if (works) queue.takePart()
    let closed = false
    const close = async () => {
      if (closed) return
      closed = true
      await Promise.all([queue.close(), aside?.close()])
      await messages.close()
      await database.close()
    }
    closing.push(close)
    return { queue, close, db: database.db }
  }

  describe('with one worker', () => {
    let shared: Awaited<ReturnType<typeof newProcess>>
    let current: TestWork = telling
    beforeAll(async () => {
      shared = await newProcess((order, worker) => current(order, worker))
      closing.pop()
    })
    afterAll(() => shared.close())
    describeWorkQueue((work) => {
      current = work
      return shared.queue
    })
  })

  test('many processes make the queues of a new database at once', async () => {
    await using fresh = await newPlace()
    const databases = await Promise.all(
      Array.from({ length: 6 }, () => openDatabase({ url: fresh.databaseUrl! })),
    )
    const opening = databases.map(({ db }) => openMessageQueue(db, () => {}, TIMES))
    const made = await Promise.allSettled(opening)
    for (const one of made) if (one.status === 'fulfilled') await one.value.close()
    for (const database of databases) await database.close()
    expect(made.map(({ status }) => status)).toEqual(databases.map(() => 'fulfilled'))
  })

  test('who orders and follows need not be who does it', async () => {
    const server = await newProcess(telling, false)
    const other = await newProcess(telling, false)
    const { id } = await server.queue.start({ name: 'a,b' }, { done: 0 })
    expect(await other.queue.get(id)).toMatchObject({ state: 'queued', done: 0 })
    await newProcess(telling)
    expect(await hearAll(other.queue.events(id, 0, never))).toEqual([
      [1, 'a'],
      [2, 'b'],
    ])
    expect(await server.queue.get(id)).toMatchObject({ state: 'done', done: 2 })
    expect(await other.queue.list()).toEqual(await server.queue.list())
  })

  test('several workers do several pieces at once, each of them once', async () => {
    const done: string[] = []
    const gate = newGate()
    let atOnce = 0
    const work: TestWork = async ({ name }) => {
      if (++atOnce === 3) gate.open()
      await gate.opened
      done.push(name)
    }
    const { queue } = await newProcess(work)
    await newProcess(work)
    await newProcess(work)
    for (let i = 0; i < 12; i++) await queue.start({ name: `${i}` }, { done: 0 })
    await until(async () => (await queue.countPending()) === 0)
    expect(done.toSorted()).toEqual(Array.from({ length: 12 }, (_, i) => `${i}`).toSorted())
  })

  test('what fails for a passing reason is tried again, and says how often', async () => {
    let attempts = 0
    const { queue, db } = await newProcess(async (_, { tell }) => {
      await tell(`attempt ${++attempts}`, {})
      if (attempts < 3) throw new LucidaError('unreadable', 'not mounted yet')
    })
    const { id } = await queue.start({ name: 'a' }, { done: 0 })
    await until(async () => (await queue.countPending()) === 0)
    expect(await queue.get(id)).toMatchObject({ state: 'done', error: null })
    expect(await hearAll(queue.events(id, 0, never))).toEqual([
      [1, 'attempt 1'],
      [2, 'attempt 2'],
      [3, 'attempt 3'],
    ])
    const [row] = await db.select().from(jobs)
    expect(row!.attempts).toBe(3)
  })

  test('what fails again and again is set aside with its reason', async () => {
    const { queue } = await newProcess(async () => {
      throw new LucidaError('unreadable', 'the folder is on fire')
    })
    const { id } = await queue.start({ name: 'a' }, { done: 0 })
    await until(async () => (await queue.countPending()) === 0)
    expect(await queue.get(id)).toMatchObject({
      state: 'failed',
      error: {
        code: 'internal',
        message: 'Set aside after several attempts: the folder is on fire',
      },
    })
  })

  test('a worker that closes gives back what it does, at once and without an attempt', async () => {
    const begun = newGate()
    const slow = await newProcess(async (_, { signal }) => {
      begun.open()
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    })
    const { id } = await slow.queue.start({ name: 'a,b' }, { done: 0 })
    await begun.opened
    await slow.close()
    const { queue } = await newProcess(telling)
    await until(async () => (await queue.get(id)).state === 'done')
    expect(await queue.get(id)).toMatchObject({ done: 2, error: null })
  })

  test('the work of one that is silent goes to another, and its late end changes nothing', async () => {
    const hung = newGate()
    const begun = newGate()
    const work: TestWork = async () => {
      begun.open()
      await hung.opened
    }
    // As good as dead: it never renews its lease.
    const dead = await newProcess(work, true, { ...TIMES, renew: 60 })
    closing.push(async () => hung.open())
    const { id } = await dead.queue.start({ name: 'a' }, { done: 0 })
    await begun.opened
    const { queue } = await newProcess(telling)
    await until(async () => (await queue.get(id)).state === 'done')
    hung.open()
    await dead.close()
    expect(await queue.get(id)).toMatchObject({ state: 'done', done: 1 })
  })

  test('a piece that is ordered twice by mistake is done by whoever began it last', async () => {
    const gates = [newGate(), newGate()]
    const begun = [newGate(), newGate()]
    let turns = 0
    const work: TestWork = async (_, { tell, signal }) => {
      const turn = turns++
      await tell(`begun ${turn}`, {})
      begun[turn]!.open()
      // The first does not hear that it is to stop before it speaks.
      await gates[turn]!.opened
      if (turn === 1) signal.throwIfAborted()
      await tell(`over ${turn}`, { done: turn })
    }
    const first = await newProcess(work)
    const { id } = await first.queue.start({ name: 'a' }, { done: 0 })
    await begun[0]!.opened
    await first.db.execute(
      sql`insert into pgboss.job (name, data) select name, data from pgboss.job`,
    )
    await newProcess(work)
    await begun[1]!.opened
    gates[0]!.open()
    await until(async () => {
      const query = sql`select 1 from pgboss.job where state = 'completed'`
      return (await rows(first.db, query)).length === 1
    })
    expect(await first.queue.get(id)).toMatchObject({ state: 'running' })
    gates[1]!.open()
    expect((await hearAll(first.queue.events(id, 0, never))).map(([, text]) => text)).toEqual([
      'begun 0',
      'begun 1',
      'over 1',
    ])
    expect(await first.queue.get(id)).toMatchObject({ state: 'done', done: 1, error: null })
  })

  test('an attempt that fails after its lease is lost takes nothing from who has the message now', async () => {
    const gates = [newGate(), newGate()]
    const begun = [newGate(), newGate()]
    for (const turn of [0, 1]) {
      const database = await openDatabase({ url: place.databaseUrl! })
      // Neither would notice by itself that it has lost its lease, and only the first one does lose it.
      const times = { ...TIMES, lease: 60, renew: 60 }
      const messages = await openMessageQueue(database.db, () => {}, times)
      const consumer = messages.consume('files', 1, async () => {
        begun[turn]!.open()
        await gates[turn]!.opened
        throw new Error('it was too much')
      })
      closing.push(async () => {
        for (const gate of gates) gate.open()
        await consumer.close()
        await messages.close()
        await database.close()
      })
      if (turn === 0) await messages.send('files', [{}])
      await begun[turn]!.opened
      const { db } = database
      if (turn === 0) {
        await db.execute(sql`update pgboss.job set started_on = now() - interval '1 hour'`)
        continue
      }
      gates[0]!.open()
      // Long enough for a statement that should not come.
      await sleep(500)
      expect(await rows(db, sql`select state::text, retry_count as n from pgboss.job`)).toEqual([
        { state: 'active', n: 1 },
      ])
    }
  })
})
