// Two API servers on one Postgres: whoever is signed in, let in or held back on one of them is so on
// the other.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { SessionResponse } from '../../src/api/contract.ts'
import type { ApiKeys } from '../../src/lucida.ts'
import { apiKeys, rateLimits } from '../../src/store/schema.ts'
import type { OpenDatabase } from '../../src/store/database.ts'
import { FAR_AWAY, openTestApi, type TestApi } from '../helpers/api.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { newFolder } from '../helpers/picture-folder.ts'
import { until } from '../helpers/until.ts'

const PER_MINUTE = 120

type ApiKeyMade = Awaited<ReturnType<ApiKeys['create']>>

describeDatabase('two servers', (newPlace, engine) => {
  if (engine === 'pglite') {
    test.skip('share everything (skipped: the embedded database has one process)')
    return
  }

  let place: TestPlace
  let database: OpenDatabase
  let a: TestApi
  let b: TestApi
  const folders: AsyncDisposable[] = []

  beforeAll(async () => {
    place = await newPlace()
    database = await place.open()
    const openServer = async () => {
      const folder = await newFolder()
      folders.push(folder)
      const config = { rateLimit: PER_MINUTE }
      return openTestApi({ ...place, dataDir: folder.path }, { config, empty: true })
    }
    a = await openServer()
    b = await openServer()
  })
  beforeEach(async () => {
    for (const table of [apiKeys, rateLimits]) await database.db.delete(table)
  })
  afterAll(async () => {
    expect([...a.errors, ...b.errors]).toEqual([])
    for (const server of [a, b]) await server[Symbol.asyncDispose]()
    await database.close()
    for (const folder of folders) await folder[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  /** Known to both: each looks again once it has made one itself. */
  const newKey = async (scope: 'read' | 'write' = 'write') => {
    const make = (server: TestApi) =>
      server.json<ApiKeyMade>('/v1/keys', { json: { name: scope, scope }, asOwner: true })
    const made = await make(a)
    await make(b)
    return { ...made, headers: { authorization: `Bearer ${made.key}` } }
  }
  const signIn = async (server: TestApi, key: string) => {
    const answer = await server.ask('/v1/session', { json: { key } })
    expect(answer.status).toBe(200)
    const { csrfToken } = (await answer.json()) as SessionResponse
    const cookie = answer.headers.get('set-cookie')!.split(';')[0]!
    return { cookie: { cookie }, change: { cookie, 'x-csrf-token': csrfToken! } }
  }
  const statusOf = async (server: TestApi, headers: Record<string, string>) =>
    (await server.ask('/v1/facets', { headers })).status

  test('a page that signed in on one may do on the other what it may', async () => {
    const { key } = await newKey()
    const page = await signIn(a, key)
    expect(await statusOf(b, page.cookie)).toBe(200)
    const [onA, onB] = await Promise.all(
      [a, b].map((server) => server.json('/v1/session', { headers: page.cookie })),
    )
    expect(onB).toEqual(onA)
    const search = (headers: Record<string, string>) => b.ask('/v1/search', { json: {}, headers })
    expect((await search(page.cookie)).status).toBe(403)
    expect((await search({ ...page.cookie, 'x-csrf-token': 'guessed' })).status).toBe(403)
    expect((await search(page.change)).status).toBe(200)
  })

  test('a page that signs out on one is signed out on the other', async () => {
    const { key } = await newKey()
    const [page, other] = [await signIn(a, key), await signIn(a, key)]
    for (const server of [a, b]) expect(await statusOf(server, page.cookie)).toBe(200)
    const out = await b.ask('/v1/session', { method: 'DELETE', headers: page.change })
    expect(out.status).toBe(204)
    expect(await statusOf(b, page.cookie)).toBe(401)
    await until(async () => (await statusOf(a, page.cookie)) === 401)
    for (const server of [a, b]) expect(await statusOf(server, other.cookie)).toBe(200)
  })

  test('a key that is revoked on one opens neither, nor do its pages', async () => {
    const [revoked, other] = [await newKey(), await newKey('read')]
    const page = await signIn(a, revoked.key)
    const otherPage = await signIn(b, other.key)
    for (const server of [a, b]) expect(await statusOf(server, page.cookie)).toBe(200)
    const how = { method: 'DELETE', asOwner: true }
    expect((await b.ask(`/v1/keys/${revoked.id}`, how)).status).toBe(204)
    for (const headers of [revoked.headers, page.cookie]) {
      expect(await statusOf(b, headers)).toBe(401)
      await until(async () => (await statusOf(a, headers)) === 401)
    }
    for (const server of [a, b]) {
      expect(await statusOf(server, other.headers)).toBe(200)
      expect(await statusOf(server, otherPage.cookie)).toBe(200)
    }
  })

  test('requests of one address count on both', async () => {
    const startedAt = performance.now()
    let passed = 0
    for (let refused = 0; refused < 2; ) {
      const answers = await Promise.all(
        [a, b].map((server) => server.ask('/v1/session', { from: FAR_AWAY })),
      )
      refused = answers.filter(({ status }) => status === 429).length
      passed += answers.filter(({ status }) => status === 200).length
    }
    const refilled = ((performance.now() - startedAt) / 60_000) * PER_MINUTE
    expect(passed).toBeGreaterThanOrEqual(PER_MINUTE)
    expect(passed).toBeLessThanOrEqual(PER_MINUTE + Math.ceil(refilled))
    for (const server of [a, b]) {
      expect((await server.ask('/v1/session', { from: '198.51.100.7' })).status).toBe(200)
    }
  })

  test('wrong keys of one address count on both', async () => {
    await newKey()
    const headers = { authorization: `Bearer lk_${'0'.repeat(12)}_${'x'.repeat(43)}` }
    const guess = async (server: TestApi) =>
      (await server.ask('/v1/facets', { headers, from: FAR_AWAY })).status
    const statuses: number[] = []
    for (let i = 0; i < 60; i++) statuses.push(await guess(i % 2 ? a : b))
    expect(new Set(statuses)).toEqual(new Set([401, 429]))
    // Twenty a minute, and what comes back meanwhile.
    expect(statuses.slice(0, 20)).not.toContain(429)
    expect(statuses.filter((status) => status === 401).length).toBeLessThan(40)
  })
})
