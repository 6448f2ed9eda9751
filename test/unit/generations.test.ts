// Orders to draw, as a worker that has lost its database does them.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { openGenerations } from '../../src/api/generations.ts'
import type { GenerateEvent } from '../../src/lucida.ts'
import { openLocalQueue } from '../../src/queues/local-queue.ts'
import type { Work, WorkQueueOptions } from '../../src/queues/work-queue.ts'

const TOLD: GenerateEvent = {
  type: 'judged',
  try: { round: 1, guidance: 1, seeds: [1], scores: [1] },
}

test('a drawing of which nobody can be told is ended, so that the next one can begin', async () => {
  let ended = false
  async function* run(): AsyncGenerator<GenerateEvent, never> {
    try {
      for (;;) yield TOLD
    } finally {
      ended = true
    }
  }
  let work: Work<unknown, unknown, unknown> | undefined
  openGenerations({
    plan: async () => ({ run }),
    queues: { open: (options: { work: typeof work }) => ({ work } = options) },
  } as never)
  const gone = new Error('The database is away')
  const { signal } = new AbortController()
  const doing = work!(
    { options: {}, seed: 1 },
    {
      id: 'one',
      signal,
      tell: async () => Promise.reject(gone),
      update: async () => {},
    },
  )
  await expect(doing).rejects.toBe(gone)
  expect(ended).toBe(true)
})

test('a caller who goes away while the order is taken in ends it too', async () => {
  const gone = new AbortController()
  async function* run(signal: AbortSignal): AsyncGenerator<GenerateEvent, never> {
    await sleep(60_000, undefined, { signal })
    for (;;) yield TOLD
  }
  let countPending = async () => NaN
  const generations = openGenerations({
    plan: async () => ({ id: 'one', requestHash: '', request: {}, run, discard: () => {} }),
    queues: {
      open(options: WorkQueueOptions<object, object, unknown>) {
        const queue = openLocalQueue(options)
        countPending = () => queue.countPending()
        const start: typeof queue.start = async (...order) => {
          const started = await queue.start(...order)
          gone.abort()
          return started
        }
        return { ...queue, start }
      },
    },
  } as never)
  const order = generations.draw({ idea: { text: 'fog' } }, gone.signal)
  await expect(order).rejects.toMatchObject({ code: 'cancelled' })
  await vi.waitFor(async () => expect(await countPending()).toBe(0))
  await generations.close()
})
