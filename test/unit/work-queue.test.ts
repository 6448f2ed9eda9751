import { describe, expect, test, vi } from 'vitest'
import { type Numbered, openWorkQueue, type Work } from '../../src/api/work-queue.ts'
import { LucidaError } from '../../src/core/errors.ts'
import { newGate } from '../helpers/gate.ts'
import { until } from '../helpers/until.ts'

interface Facts {
  readonly done: number
}

const open = () =>
  openWorkQueue<Facts, string>({
    one: 'job',
    many: 'jobs',
    maxEvents: 3,
    isPassing: (event) => event.startsWith('step'),
  })

/** Tells each word, and counts them. */
const telling =
  (...words: string[]): Work<Facts, string> =>
  async ({ tell }) => {
    for (const [i, word] of words.entries()) tell(word, { done: i + 1 })
  }

const hearAll = async (events: AsyncGenerator<Numbered<string>>) => {
  const heard: [number, string][] = []
  for await (const { id, event } of events) heard.push([id, event])
  return heard
}
const never = new AbortController().signal

describe('a queue of work', () => {
  test('does one piece at a time, in order', async () => {
    const queue = open()
    const log: string[] = []
    const gate = newGate()
    const work =
      (name: string): Work<Facts, string> =>
      async () => {
        log.push(`${name} begins`)
        await gate.opened
        log.push(`${name} ends`)
      }
    const [first, second] = [
      queue.start({ done: 0 }, work('a')),
      queue.start({ done: 0 }, work('b')),
    ]
    await until(() => log.length > 0)
    expect([queue.find(first.id).state, queue.find(second.id).state]).toEqual(['running', 'queued'])
    expect(queue.pending).toBe(2)
    gate.open()
    await until(() => queue.pending === 0)
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
    expect(queue.list().map(({ id }) => id)).toEqual([second.id, first.id])
  })

  test('tells who follows what happens, from where they were', async () => {
    const queue = open()
    const { id } = queue.start({ done: 0 }, telling('a', 'b', 'c'))
    expect(await hearAll(queue.events(id, 0, never))).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
    expect(await hearAll(queue.events(id, 2, never))).toEqual([[3, 'c']])
    expect(queue.find(id)).toMatchObject({ state: 'done', done: 3, error: null })
  })

  test('remembers the last events only, and passing ones until the end', async () => {
    const queue = open()
    const many = queue.start({ done: 0 }, telling('a', 'b', 'c', 'd'))
    const steps = queue.start({ done: 0 }, telling('step 1', 'round 1', 'step 2'))
    await until(() => queue.pending === 0)
    expect(await hearAll(queue.events(many.id, 0, never))).toEqual([
      [2, 'b'],
      [3, 'c'],
      [4, 'd'],
    ])
    expect(await hearAll(queue.events(steps.id, 0, never))).toEqual([[2, 'round 1']])
  })

  test('lets a follower go', async () => {
    const queue = open()
    const gate = newGate()
    const { id } = queue.start({ done: 0 }, () => gate.opened)
    const gone = new AbortController()
    const heard = hearAll(queue.events(id, 0, gone.signal))
    gone.abort()
    expect(await heard).toEqual([])
    gate.open()
    await queue.close()
  })

  test('says what work failed with, and goes on', async () => {
    const queue = open()
    const ended = vi.fn<(life: { state: string }) => void>()
    queue.onEnd(ended)
    const known = queue.start({ done: 0 }, async () => {
      throw new LucidaError('disk_full', 'no room')
    })
    const unknown = queue.start({ done: 0 }, async () => {
      throw new TypeError('x is undefined')
    })
    await until(() => ended.mock.calls.length === 2)
    expect(queue.find(known.id).error).toEqual({ code: 'disk_full', message: 'no room' })
    expect(queue.find(unknown.id).error).toMatchObject({ code: 'internal' })
    expect(ended.mock.calls.map(([{ state }]) => state)).toEqual(['failed', 'failed'])
  })

  test('cancels what runs through its signal, and what waits at once', async () => {
    const queue = open()
    const begun = vi.fn<() => void>()
    const running = queue.start({ done: 0 }, async ({ signal }) => {
      begun()
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    })
    const waiting = queue.start({ done: 0 }, telling('never'))
    await until(() => begun.mock.calls.length > 0)
    expect(queue.cancel(waiting.id).state).toBe('cancelled')
    queue.cancel(running.id)
    await until(() => queue.pending === 0)
    expect(queue.find(running.id)).toMatchObject({ state: 'cancelled', error: null })
    expect(await hearAll(queue.events(waiting.id, 0, never))).toEqual([])
  })

  test('calls what fails after it was cancelled a failure', async () => {
    const queue = open()
    const gate = newGate()
    const { id } = queue.start({ done: 0 }, async () => {
      await gate.opened
      throw new LucidaError('disk_full', 'no room')
    })
    await until(() => queue.find(id).state === 'running')
    queue.cancel(id)
    gate.open()
    await until(() => queue.pending === 0)
    expect(queue.find(id)).toMatchObject({ state: 'failed', error: { code: 'disk_full' } })
  })

  test('takes no more than it can hold, and forgets the oldest that have ended', async () => {
    const queue = open()
    const gate = newGate()
    const ids = Array.from({ length: 50 }, () => queue.start({ done: 0 }, () => gate.opened).id)
    expect(() => queue.start({ done: 0 }, telling())).toThrow('Too many jobs wait')
    gate.open()
    await until(() => queue.pending === 0)
    queue.start({ done: 0 }, telling())
    await until(() => queue.pending === 0)
    queue.start({ done: 0 }, telling())
    expect(queue.has(ids[0]!)).toBe(false)
    expect(queue.has(ids[1]!)).toBe(true)
    expect(() => queue.find(ids[0]!)).toThrow(`There is no job ${ids[0]}`)
    await queue.close()
    expect(() => queue.assertRoom()).toThrow('Too many jobs wait')
  })
})
