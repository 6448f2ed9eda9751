import { expect, test } from 'vitest'
import { openCallers } from '../../src/api/callers.ts'
import { newApp } from '../../src/api/context.ts'
import { openSessions } from '../../src/api/sessions.ts'

test('without the database nobody is let in, and health checks are answered', async () => {
  const gone = () => Promise.reject(new Error('the database is gone'))
  const callers = openCallers({
    keys: { create: gone, list: gone, revoke: gone, load: gone },
    sessions: openSessions({ open: gone, find: gone, close: gone }),
    keyRequired: true,
    insecure: false,
    rateLimit: 60,
    buckets: { take: gone },
  })
  const app = newApp()
  const trouble: unknown[] = []
  app.onError((error, c) => {
    trouble.push(error.message)
    return c.text('', 500)
  })
  app.use(callers.recognise)
  app.get('*', (c) => c.text('let in'))
  const ask = (path: string, headers = {}) => app.request(`http://localhost${path}`, { headers })

  const key = `lk_${'0'.repeat(12)}_${'x'.repeat(43)}`
  for (const headers of [
    {},
    { cookie: 'lucida_session=one' },
    { authorization: `Bearer ${key}` },
  ]) {
    expect((await ask('/v1/facets', headers)).status).toBe(500)
  }
  expect(trouble).toEqual(Array.from({ length: 3 }, () => 'the database is gone'))
  for (const path of ['/livez', '/readyz']) expect((await ask(path)).status).toBe(200)
})
