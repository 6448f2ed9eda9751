// Signed-in pages as the database keeps them, for all servers that it has.
import { randomBytes } from 'node:crypto'
import { count, eq, sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { openSessions } from '../../src/api/sessions.ts'
import { sha256 } from '../../src/core/hash.ts'
import { openApiKeys } from '../../src/store/api-keys.ts'
import { apiKeys, sessions } from '../../src/store/schema.ts'
import { openStoredSessions } from '../../src/store/sessions.ts'
import { describeDatabase } from '../helpers/database.ts'
import { sharedDatabase } from '../helpers/shared-store.ts'

describeDatabase('signed-in pages', (newPlace) => {
  const shared = sharedDatabase(newPlace)
  let key: string

  beforeEach(async () => {
    await shared.db.delete(apiKeys)
    key = (await openApiKeys(shared.db).create({ name: 'one', scope: 'write' })).id
  })

  const newToken = () => sha256(randomBytes(32))
  const usedSince = async (token: string, ago: string) => {
    const usedAt = sql.raw(`now() - interval '${ago}'`)
    await shared.db.update(sessions).set({ usedAt }).where(eq(sessions.token, token))
  }

  test('are found by their token until they are closed', async () => {
    const stored = openStoredSessions(shared.db)
    const [mine, other] = [newToken(), newToken()]
    await stored.open(mine, key)
    await stored.open(other, key)
    expect(await stored.find(mine)).toMatchObject({ id: key, name: 'one', scope: 'write' })
    await stored.close(mine)
    expect(await stored.find(mine)).toBeNull()
    expect(await stored.find(other)).not.toBeNull()
  })

  test('leave nothing behind that could be used: no token, no key', async () => {
    const made = await openApiKeys(shared.db).create({ name: 'two', scope: 'read' })
    const { token, csrfToken } = await openSessions(openStoredSessions(shared.db)).open(made.id)
    const rows = JSON.stringify(await shared.db.select().from(sessions))
    expect(rows).toContain(sha256(token))
    for (const secret of [token, csrfToken, made.key, sha256(csrfToken)]) {
      expect(rows).not.toContain(secret)
    }
  })

  test('are the same on every server, with the same token for changes', async () => {
    const [a, b] = [1, 2].map(() => openSessions(openStoredSessions(shared.db)))
    const { token, csrfToken } = await a!.open(key)
    expect(await b!.find(token)).toMatchObject({ csrfToken, key: { id: key } })
    await a!.close(token)
    expect(await a!.find(token)).toBeNull()
    expect(await openSessions(openStoredSessions(shared.db)).find(token)).toBeNull()
  })

  test('end with the key that they were opened with', async () => {
    const stored = openStoredSessions(shared.db)
    const token = newToken()
    await stored.open(token, key)
    await openApiKeys(shared.db).revoke(key)
    expect(await stored.find(token)).toBeNull()
    await expect(stored.open(newToken(), key)).rejects.toMatchObject({ code: 'unauthorized' })
    expect(await shared.db.select().from(sessions)).toEqual([])
  })

  test('end after a day without a request, of which not every one is noted', async () => {
    const stored = openStoredSessions(shared.db)
    const token = newToken()
    await stored.open(token, key)
    const usedAt = async () => (await shared.db.select().from(sessions))[0]!.usedAt.getTime()
    for (const [ago, isNoted] of [
      ['4 minutes', false],
      ['6 minutes', true],
      ['23 hours', true],
    ] as const) {
      await usedSince(token, ago)
      const before = await usedAt()
      expect(await stored.find(token)).not.toBeNull()
      expect((await usedAt()) > before).toBe(isNoted)
    }
    await usedSince(token, '25 hours')
    expect(await stored.find(token)).toBeNull()
  })

  test('are a thousand at most: those used least lately make way', async () => {
    const stored = openStoredSessions(shared.db)
    const all = Array.from({ length: 1000 }, newToken)
    const usedAt = sql`now() - interval '1 hour'`
    await shared.db.insert(sessions).values(all.map((token) => ({ token, key, usedAt })))
    const [ended, oldest, second] = all
    await usedSince(oldest!, '5 hours')
    await usedSince(second!, '4 hours')
    await usedSince(ended!, '25 hours')
    const [newest, next] = [newToken(), newToken()]
    await stored.open(newest, key)
    expect(await stored.find(oldest!)).not.toBeNull()
    await usedSince(oldest!, '5 hours')
    await stored.open(next, key)
    expect(await stored.find(oldest!)).toBeNull()
    for (const token of [newest, next, second!]) expect(await stored.find(token)).not.toBeNull()
    const [row] = await shared.db.select({ n: count() }).from(sessions)
    expect(row!.n).toBe(1000)
  })
})
