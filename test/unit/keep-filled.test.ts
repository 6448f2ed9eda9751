// Filling in the background, for as long as a server runs.
import { getEventListeners } from 'node:events'
import { expect, test, vi } from 'vitest'
import { openModels } from '../../src/model-change.ts'

test('leaves nothing behind from one look to the next', async () => {
  const select = vi.fn(() => {
    throw new Error('The database is away')
  })
  const models = openModels({
    config: {},
    database: { db: { select } },
  } as never)
  const ending = new AbortController()
  const filling = models.keepFilled(ending.signal)
  for (let look = 1; look <= 20; look++) {
    await vi.waitFor(() => expect(getEventListeners(ending.signal, 'abort')).not.toHaveLength(0))
    expect(select).toHaveBeenCalledTimes(look)
    expect(getEventListeners(ending.signal, 'abort')).toHaveLength(1)
    models.nudge()
    await vi.waitFor(() => expect(select).toHaveBeenCalledTimes(look + 1))
  }
  ending.abort()
  await filling
  expect(getEventListeners(ending.signal, 'abort')).toHaveLength(0)
})
