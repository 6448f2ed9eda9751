// How the page follows what is indexed.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Job } from '../../src/api/contract.ts'
import { ApiError, type Client } from '../../src/client/client.ts'
import { createStore, type Store } from '../../src/web/store.ts'

// By its name alone: its types are those of browsers, which are not known here.
const { createCollecting } = await vi.importActual<{
  createCollecting: (
    store: Store,
    client: Client,
    searching: { again: () => void },
  ) => { load(): Promise<void> }
}>('../../src/web/collecting.ts')

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('scrollY', 0)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('a job that the server does not know any more is not followed for ever', async () => {
  let jobs = [{ id: 'one', state: 'running', done: 3, found: 10 } as Job]
  let followed = 0
  const client = {
    roots: async () => ({ items: [], allowed: [] }),
    jobs: async () => ({ items: jobs }),
    failures: async () => ({ items: [], nextCursor: null }),
    models: async () => ({ change: null, serving: { model: 'x' } }),
    // The server was started anew.
    // oxlint-disable-next-line require-yield -- nothing is told
    async *followJob() {
      followed++
      jobs = []
      throw new ApiError(404, { code: 'not_found', message: 'There is no job one' })
    },
  } as unknown as Client
  const store = createStore()
  store.change({ session: { keyRequired: false, scope: 'admin', csrfToken: null } })
  const again = vi.fn<() => void>()
  const collecting = createCollecting(store, client, { again })
  await collecting.load()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(followed).toBe(1)
  expect(store.state.jobs).toEqual([])
  expect(again).toHaveBeenCalled()
})
