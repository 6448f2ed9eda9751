// What every queue of work does, whoever does the work: one suite for all of them.
import { expect, test, vi } from 'vitest'
import { LucidaError } from '../../src/core/errors.ts'
import type { Numbered, Work, WorkQueue, WorkQueueOptions } from '../../src/queues/work-queue.ts'
import { newGate } from './gate.ts'
import { until } from './until.ts'

export interface Facts {
  readonly done: number
}
/** What is to be done, by name. */
export interface Order {
  readonly name: string
}
export type TestWork = Work<Order, Facts, string>
export type TestQueue = WorkQueue<Order, Facts, string>
export type TestOptions = WorkQueueOptions<Order, Facts, string>

/** The options of the suite's queues. */
export function optionsFor(work: TestWork): TestOptions {
  return {
    kind: 'index',
    one: 'job',
    many: 'jobs',
    maxEvents: 3,
    isPassing: (event) => event.startsWith('step'),
    work,
  }
}

export async function hearAll(events: AsyncGenerator<Numbered<string>>) {
  const heard: [number, string][] = []
  for await (const { id, event } of events) heard.push([id, event])
  return heard
}

export const never = new AbortController().signal

/** Tells each word of the order, and counts them. */
export const telling: TestWork = async ({ name }, { tell }) => {
  for (const [i, word] of name.split(',').entries()) await tell(word, { done: i + 1 })
}

const start = (queue: TestQueue, name = 'a') => queue.start({ name }, { done: 0 })
const isIdle = (queue: TestQueue) => async () => (await queue.countPending()) === 0

/** The suite; `open` makes a queue that is closed, and empty again, after the test. */
export function describeWorkQueue(open: (work: TestWork) => TestQueue): void {
  test('does one piece at a time, in order', async () => {
    const log: string[] = []
    const gate = newGate()
    const queue = open(async ({ name }) => {
      log.push(`${name} begins`)
      await gate.opened
      log.push(`${name} ends`)
    })
    const first = await start(queue, 'a')
    const second = await start(queue, 'b')
    await until(() => log.length > 0)
    expect([(await queue.get(first.id)).state, (await queue.get(second.id)).state]).toEqual([
      'running',
      'queued',
    ])
    expect(await queue.countPending()).toBe(2)
    gate.open()
    await until(isIdle(queue))
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
    expect((await queue.list()).map(({ id }) => id)).toEqual([second.id, first.id])
  })

  test('tells who follows what happens, from where they were', async () => {
    const queue = open(telling)
    const { id } = await start(queue, 'a,b,c')
    expect(await hearAll(queue.events(id, 0, never))).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
    expect(await hearAll(queue.events(id, 2, never))).toEqual([[3, 'c']])
    expect(await queue.get(id)).toMatchObject({ state: 'done', done: 3, error: null })
  })

  test('remembers the last events only, and passing ones until the end', async () => {
    const queue = open(telling)
    const many = await start(queue, 'a,b,c,d')
    const steps = await start(queue, 'step 1,round 1,step 2')
    await until(isIdle(queue))
    expect(await hearAll(queue.events(many.id, 0, never))).toEqual([
      [2, 'b'],
      [3, 'c'],
      [4, 'd'],
    ])
    expect(await hearAll(queue.events(steps.id, 0, never))).toEqual([[2, 'round 1']])
  })

  test('lets a follower go', async () => {
    const gate = newGate()
    const queue = open(() => gate.opened)
    const { id } = await start(queue)
    const gone = new AbortController()
    const heard = hearAll(queue.events(id, 0, gone.signal))
    gone.abort()
    expect(await heard).toEqual([])
    gate.open()
  })

  test('says what work failed with, and goes on', async () => {
    const queue = open(async () => {
      throw new LucidaError('bad_input', 'no folder')
    })
    const ended = vi.fn<(life: { state: string }) => void>()
    queue.onEnd(ended)
    const first = await start(queue)
    const second = await start(queue)
    await until(() => ended.mock.calls.length === 2)
    expect((await queue.get(first.id)).error).toEqual({ code: 'bad_input', message: 'no folder' })
    expect((await queue.get(second.id)).state).toBe('failed')
    expect(ended.mock.calls.map(([{ state }]) => state)).toEqual(['failed', 'failed'])
  })

  test('cancels what runs through its signal, and what waits at once', async () => {
    const begun = vi.fn<() => void>()
    const queue = open(async (_, { signal }) => {
      begun()
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    })
    const running = await start(queue)
    await until(() => begun.mock.calls.length > 0)
    const waiting = await start(queue)
    expect((await queue.cancel(waiting.id)).state).toBe('cancelled')
    await queue.cancel(running.id)
    await until(isIdle(queue))
    expect(await queue.get(running.id)).toMatchObject({ state: 'cancelled', error: null })
    expect(await hearAll(queue.events(waiting.id, 0, never))).toEqual([])
    expect(begun).toHaveBeenCalledOnce()
  })

  test('calls what fails after it was cancelled a failure', async () => {
    const gate = newGate()
    const queue = open(async () => {
      await gate.opened
      throw new LucidaError('bad_input', 'no folder')
    })
    const { id } = await start(queue)
    await until(async () => (await queue.get(id)).state === 'running')
    await queue.cancel(id)
    gate.open()
    await until(isIdle(queue))
    expect(await queue.get(id)).toMatchObject({ state: 'failed', error: { code: 'bad_input' } })
  })

  test('calls done what was done before it heard that it was cancelled', async () => {
    const gate = newGate()
    const queue = open(() => gate.opened)
    const { id } = await start(queue)
    await until(async () => (await queue.get(id)).state === 'running')
    await queue.cancel(id)
    gate.open()
    await until(isIdle(queue))
    expect(await queue.get(id)).toMatchObject({ state: 'done', error: null })
  })

  test('takes no more than it can hold, and forgets the oldest that have ended', async () => {
    const gate = newGate()
    const queue = open(() => gate.opened)
    const ids: string[] = []
    for (let i = 0; i < 50; i++) ids.push((await start(queue)).id)
    await expect(start(queue)).rejects.toThrow('Too many jobs wait')
    await expect(queue.assertRoom()).rejects.toMatchObject({ code: 'overloaded' })
    gate.open()
    await until(isIdle(queue))
    await start(queue)
    await until(isIdle(queue))
    await start(queue)
    expect(await queue.find(ids[0]!)).toBeUndefined()
    expect(await queue.find(ids[1]!)).toBeDefined()
    await expect(queue.get(ids[0]!)).rejects.toThrow(`There is no job ${ids[0]}`)
  })
}
