// Orders to draw, as a worker that has lost its database does them.
import { expect, test } from 'vitest'
import { openGenerations } from '../../src/api/generations.ts'
import type { GenerateEvent } from '../../src/lucida.ts'
import type { Work } from '../../src/queues/work-queue.ts'

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
