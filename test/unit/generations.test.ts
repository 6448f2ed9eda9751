// Orders to draw, as a worker that has lost its database does them.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { openGenerations } from '../../src/api/generations.ts'
import type { GenerateEvent } from '../../src/lucida.ts'
import { openLocalQueue } from '../../src/queues/local-queue.ts'
import { newGate } from '../helpers/gate.ts'
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

/** Orders of this process, drawn by `run`; all ask for the same. */
function openAlike(run: (signal: AbortSignal) => AsyncGenerator<GenerateEvent, unknown>) {
  let number = 0
  return openGenerations({
    plan: async () => ({
      id: `g${++number}`,
      requestHash: 'same',
      request: {},
      run,
      discard: () => {},
    }),
    drawnPictures: { ranks: async () => new Set(), put: async () => {} },
    queues: { open: openLocalQueue },
  } as never)
}

const DRAWN = { candidates: [], tries: [], picture: 'x', offered: null, withheld: 0 }

test('an order like one that is being stopped is another one', async () => {
  const gate = newGate()
  const generations = openAlike(async function* () {
    yield TOLD
    await gate.opened
    return DRAWN
  })
  const { generation: first } = await generations.order({ idea: { text: 'fog' } })
  expect(await generations.order({ idea: { text: 'fog' } })).toMatchObject({ isNew: false })
  await vi.waitFor(async () =>
    expect(await generations.find(first.id)).toMatchObject({ status: 'running' }),
  )
  await generations.cancel(first.id)
  const { generation: second, isNew } = await generations.order({ idea: { text: 'fog' } })
  expect(isNew).toBe(true)
  expect(second.id).not.toBe(first.id)
  gate.open()
  await generations.close()
})

test('an order that is called off too late is done, as its picture is kept', async () => {
  const gate = newGate()
  const generations = openAlike(async function* () {
    yield TOLD
    await gate.opened
    return DRAWN
  })
  const { generation } = await generations.order({ idea: { text: 'fog' } })
  await vi.waitFor(async () =>
    expect(await generations.find(generation.id)).toMatchObject({ status: 'running' }),
  )
  await generations.cancel(generation.id)
  gate.open()
  await generations.close()
  expect(await generations.find(generation.id)).toMatchObject({ status: 'done', picture: 'x' })
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
