// How often a client may come to several servers of one database together.
import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import type { RateLimit } from '../../src/api/rate-limit.ts'
import { openSharedRateLimit } from '../../src/api/shared-rate-limit.ts'
import { openSharedBuckets, type SharedBuckets } from '../../src/store/rate-limits.ts'
import { rateLimits } from '../../src/store/schema.ts'
import { describeDatabase } from '../helpers/database.ts'
import { sharedDatabase } from '../helpers/shared-store.ts'

describeDatabase('requests a minute', (newPlace) => {
  const shared = sharedDatabase(newPlace)
  beforeEach(async () => void (await shared.db.delete(rateLimits)))

  const openServer = (perMinute: number, buckets = openSharedBuckets(shared.db)) =>
    openSharedRateLimit(buckets, 'requests', perMinute)
  /** What so many seconds would do. */
  const wait = async (seconds: number) => {
    const passed = sql.raw(`interval '${seconds} seconds'`)
    await shared.db.update(rateLimits).set({ at: sql`${rateLimits.at} - ${passed}` })
  }
  /** Buckets that say how often they were asked. */
  const countedBuckets = () => {
    const buckets = openSharedBuckets(shared.db)
    let asked = 0
    const take: SharedBuckets['take'] = (...args) => {
      asked++
      return buckets.take(...args)
    }
    return { buckets: { take }, asked: () => asked }
  }

  // 6 a minute are taken one by one, 600 ten by ten.
  test.each([6, 600])('%i pass three servers together, and no more', async (perMinute) => {
    const openServers = () => [1, 2, 3].map(() => openServer(perMinute))
    const first = await drain(openServers(), 'a', perMinute)
    expect(first.passed).toBeGreaterThanOrEqual(perMinute)
    expect(first.passed).toBeLessThanOrEqual(perMinute + first.refilled)
    await wait(30)
    // Others, which have not been told yet when to come back.
    const second = await drain(openServers(), 'a', perMinute)
    expect(second.passed).toBeGreaterThanOrEqual(perMinute / 2)
    expect(second.passed).toBeLessThanOrEqual(perMinute / 2 + second.refilled + first.refilled)
  })

  test('a bucket holds no more than a minute, and a server one second of it', async () => {
    const servers = [openServer(600), openServer(600)]
    await servers[0]!.take('a')
    await wait(3600)
    const { passed, refilled } = await drain(servers, 'a', 600)
    expect(passed).toBeGreaterThanOrEqual(600 + 9)
    expect(passed).toBeLessThanOrEqual(600 + 9 + refilled)
  })

  test('most requests ask nobody, and those that are refused neither', async () => {
    const { buckets, asked } = countedBuckets()
    const limit = openServer(60_000, buckets)
    await Promise.all(Array.from({ length: 900 }, () => limit.take('a')))
    expect(asked()).toBe(1)

    const refusing = countedBuckets()
    const slow = openServer(1, refusing.buckets)
    expect(await passes(slow, 'b')).toBe(true)
    expect(await passes(slow, 'b')).toBe(false)
    const before = refusing.asked()
    for (let i = 0; i < 100; i++) expect(await passes(slow, 'b')).toBe(false)
    expect(refusing.asked()).toBe(before)
  })

  test('who is refused is told when to come back, by every server', async () => {
    const servers = [openServer(2), openServer(2)]
    for (const limit of servers) await limit.take('a')
    for (const limit of servers) {
      const error = await limit.take('a').catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'rate_limited' })
      const { details } = error as { details: { retryAfterSeconds: number } }
      expect(details.retryAfterSeconds).toBeGreaterThan(0)
      expect(details.retryAfterSeconds).toBeLessThanOrEqual(30)
    }
  })

  test('clients and limits have buckets of their own', async () => {
    const other = openSharedRateLimit(openSharedBuckets(shared.db), 'wrong keys', 1)
    const limit = openServer(1)
    for (const each of [limit, other]) {
      for (const client of ['a', 'b']) expect(await passes(each, client)).toBe(true)
      for (const client of ['a', 'b']) expect(await passes(each, client)).toBe(false)
    }
  })

  test('0 sets no limit', async () => {
    const { buckets, asked } = countedBuckets()
    const limit = openServer(0, buckets)
    for (let i = 0; i < 1000; i++) await limit.take('a')
    expect(asked()).toBe(0)
  })

  test('a database that does not answer lets nobody through', async () => {
    let isGone = false
    const buckets = openSharedBuckets(shared.db)
    const limit = openServer(60, {
      take: (...args) => (isGone ? Promise.reject(new Error('gone')) : buckets.take(...args)),
    })
    await limit.take('a')
    isGone = true
    await expect(limit.take('a')).rejects.toThrow('gone')
    isGone = false
    await limit.take('a')
  })

  test('buckets that are full again are deleted', async () => {
    let nowMs = 0
    const buckets = openSharedBuckets(shared.db, () => nowMs)
    const bucket = { perMinute: 60, atMost: 1 }
    for (const client of ['old', 'other']) await buckets.take(client, bucket)
    await wait(10)
    nowMs = 61_000
    await buckets.take('new', bucket)
    const left = await shared.db.select({ client: rateLimits.client }).from(rateLimits)
    expect(left).toEqual([{ client: 'new' }])
  })
})

async function passes(limit: RateLimit, client: string): Promise<boolean> {
  try {
    await limit.take(client)
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'rate_limited' })
    return false
  }
}

/** Comes to all servers at once until all refuse; says what the buckets gained meanwhile. */
async function drain(servers: readonly RateLimit[], client: string, perMinute: number) {
  const startedAt = performance.now()
  for (let passed = 0; ; ) {
    const round = await Promise.all([...servers, ...servers].map((limit) => passes(limit, client)))
    passed += round.filter(Boolean).length
    if (round.includes(true)) continue
    const minutes = (performance.now() - startedAt) / 60_000
    return { passed, refilled: Math.ceil(minutes * perMinute) }
  }
}
