import { afterEach, describe, expect, test } from 'vitest'
import { LucidaError } from '../../src/core/errors.ts'
import { openLocalQueue } from '../../src/queues/local-queue.ts'
import { newGate } from '../helpers/gate.ts'
import { until } from '../helpers/until.ts'
import {
  describeWorkQueue,
  optionsFor,
  type TestQueue,
  type TestWork,
} from '../helpers/work-queue-suite.ts'

describe('a queue of this process', () => {
  const opened: TestQueue[] = []
  const open = (work: TestWork) => {
    const queue = openLocalQueue(optionsFor(work))
    opened.push(queue)
    return queue
  }
  afterEach(async () => {
    for (const queue of opened.splice(0)) await queue.close()
  })

  describeWorkQueue(open)

  test('fails at once, whatever work failed with', async () => {
    const errors = [new LucidaError('disk_full', 'no room'), new TypeError('x is undefined')]
    const queue = open(async ({ name }) => {
      throw errors[Number(name)]!
    })
    const known = await queue.start({ name: '0' }, { done: 0 })
    const unknown = await queue.start({ name: '1' }, { done: 0 })
    await until(async () => (await queue.countPending()) === 0)
    expect((await queue.get(known.id)).error).toEqual({ code: 'disk_full', message: 'no room' })
    expect((await queue.get(unknown.id)).error).toMatchObject({ code: 'internal' })
  })

  test('takes nothing more once it is closed, and ends what it has', async () => {
    const gate = newGate()
    const queue = open(async (_, { signal }) => {
      signal.addEventListener('abort', () => gate.open())
      await gate.opened
      throw signal.reason as Error
    })
    const { id } = await queue.start({ name: 'a' }, { done: 0 })
    await queue.close()
    expect((await queue.get(id)).state).toBe('cancelled')
    await expect(queue.assertRoom()).rejects.toThrow('Too many jobs wait')
  })
})
