// Files of one order, spread over workers that are played by the test.
import { describe, expect, test } from 'vitest'
import { LucidaError } from '../../src/core/errors.ts'
import type { Processed } from '../../src/indexer/process-files.ts'
import type { ScannedFile } from '../../src/sources/source.ts'
import {
  type Body,
  type EndedMessage,
  type MessageQueue,
  NotHere,
} from '../../src/queues/message-queue.ts'
import type { FoundFiles } from '../../src/indexing.ts'
import { handleFiles, spreadFiles } from '../../src/queues/spread-files.ts'

const SPACE = { model: 'test', recipe: 'r' }
const never = new AbortController().signal

/** A queue whose messages `act` ends, each when it is asked about. */
function playedQueue(
  act: (body: FoundFiles) => EndedMessage['output'] | 'failed' | 'gone' | 'later',
) {
  const waiting = new Map<string, FoundFiles>()
  const log = { sent: 0, mostWaiting: 0, forgotten: [] as string[], dropped: [] as string[] }
  const queue: MessageQueue = {
    async send(_, bodies) {
      return bodies.map((body) => {
        const id = `${log.sent++}`
        waiting.set(id, body as unknown as FoundFiles)
        log.mostWaiting = Math.max(log.mostWaiting, waiting.size)
        return id
      })
    },
    async ended(_, ids) {
      const found: EndedMessage[] = []
      for (const id of ids) {
        const output = act(waiting.get(id)!)
        if (output === 'later') continue
        waiting.delete(id)
        if (output === 'gone') found.push({ id, state: 'gone', output: {} })
        else if (output === 'failed')
          found.push({ id, state: 'failed', output: { message: 'out of memory' } })
        else found.push({ id, state: 'completed', output })
      }
      return found
    },
    forget: async (_, ids) => void log.forgotten.push(...ids),
    forgetWaiting: async (_, key, value) => void log.dropped.push(`${key} ${value}`),
    consume: () => ({ close: async () => {} }),
    close: async () => {},
  }
  return { queue, log }
}

const allDone = ({ files }: FoundFiles): Body => ({
  size: files.length,
  embedded: files.length,
  reused: 0,
  failures: [],
})

async function* someFiles(n: number): AsyncGenerator<ScannedFile> {
  for (let i = 0; i < n; i++) yield { path: `/photos/${i}.jpg`, sizeBytes: i, mtimeMs: i }
}

async function spread(queue: MessageQueue, n: number, signal = never): Promise<Processed[]> {
  const parts: Processed[] = []
  const process = spreadFiles(queue, { id: 'run', signal }, SPACE)
  for await (const part of process(someFiles(n), '/photos')) parts.push(part)
  return parts
}

const total = (parts: readonly Processed[]) => parts.reduce((sum, { size }) => sum + size, 0)

describe('files of an order', () => {
  test('go out in messages, no more than so many ahead, and come back as a whole', async () => {
    const { queue, log } = playedQueue(allDone)
    expect(total(await spread(queue, 5000))).toBe(5000)
    expect(log.sent).toBe(Math.ceil(5000 / 64))
    expect(log.mostWaiting).toBeLessThanOrEqual(32)
    expect(log.forgotten).toHaveLength(log.sent)
  })

  test('that an earlier attempt has sent are dropped first, and what is left at the end', async () => {
    const { queue, log } = playedQueue(allDone)
    await spread(queue, 1)
    expect(log.dropped).toEqual(['run run', expect.stringMatching(/^sender ./)])
  })

  test('that somebody else has forgotten are sent again', async () => {
    let asked = 0
    const { queue, log } = playedQueue((order) => (asked++ === 1 ? 'gone' : allDone(order)))
    expect(total(await spread(queue, 200))).toBe(200)
    expect(log.sent).toBe(Math.ceil(200 / 64) + 1)
  })

  test('are dropped at the end by who has sent them, and nobody else', async () => {
    const { queue, log } = playedQueue(allDone)
    await Promise.all([spread(queue, 1), spread(queue, 1)])
    const senders = log.dropped.filter((what) => what.startsWith('sender'))
    expect(new Set(senders).size).toBe(2)
  })

  test('that a worker may have died of go one by one, and the one that it was is set aside', async () => {
    const { queue } = playedQueue((order) => {
      const isDeadly = order.files.some(({ path }) => path === '/photos/70.jpg')
      if (isDeadly) return order.files.length > 1 ? { split: true } : 'failed'
      return allDone(order)
    })
    const parts = await spread(queue, 200)
    expect(total(parts)).toBe(200)
    expect(parts.flatMap(({ failures }) => failures)).toMatchObject([
      {
        path: '/photos/70.jpg',
        code: 'internal',
        reason: 'Set aside after several attempts: out of memory',
      },
    ])
  })

  test('are looked for no more once the queue has failed', async () => {
    const { queue } = playedQueue(allDone)
    const broken = { ...queue, ended: () => Promise.reject(new Error('the database is away')) }
    let closed = false
    async function* endless() {
      try {
        for (;;) yield* someFiles(1)
      } finally {
        closed = true
      }
    }
    const process = spreadFiles(broken, { id: 'run', signal: never }, SPACE)
    const reading = async () => {
      for await (const _ of process(endless(), '/photos'));
    }
    await expect(reading()).rejects.toThrow('the database is away')
    expect(closed).toBe(true)
  })

  test('are not waited for once the order is cancelled', async () => {
    const { queue, log } = playedQueue(() => 'later')
    const stop = new AbortController()
    const spreading = spread(queue, 100, stop.signal)
    stop.abort()
    expect(await spreading).toEqual([])
    expect(log.dropped).toHaveLength(2)
  })
})

describe('a worker', () => {
  const message = (attempt: number, files: number) => ({
    id: '1',
    attempt,
    output: {},
    signal: never,
    body: {
      run: 'run',
      space: SPACE,
      folder: '/photos',
      files: Array.from({ length: files }, (_, i) => ({ path: `/photos/${i}.jpg` })),
    },
  })

  test('does the files, and asks for them one by one after two attempts', async () => {
    const handle = handleFiles(async (order) => allDone(order) as unknown as Processed)
    expect(await handle(message(2, 3))).toMatchObject({ size: 3 })
    expect(await handle(message(3, 3))).toEqual({ split: true })
    expect(await handle(message(3, 1))).toMatchObject({ size: 1 })
  })

  test.each(['not_found', 'model_missing'] as const)(
    'leaves to others what is %s here',
    async (code) => {
      const handle = handleFiles(async () => {
        throw new LucidaError(code, 'not here')
      })
      await expect(handle(message(1, 1))).rejects.toBeInstanceOf(NotHere)
    },
  )

  test('fails with whatever else there is', async () => {
    const handle = handleFiles(async () => {
      throw new LucidaError('disk_full', 'no room')
    })
    await expect(handle(message(1, 1))).rejects.toMatchObject({ code: 'disk_full' })
  })
})
