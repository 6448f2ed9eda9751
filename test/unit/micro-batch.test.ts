import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { microBatch } from '../../src/core/micro-batch.ts'
import { newGate } from '../helpers/gate.ts'

test('one item runs at once, what comes meanwhile runs together', async () => {
  const gate = newGate()
  const runs: number[][] = []
  const double = microBatch(async (items: readonly number[]) => {
    runs.push([...items])
    if (runs.length === 1) await gate.opened
    return items.map((item) => item * 2)
  }, 3)
  const first = double(1)
  await setImmediate()
  const rest = [2, 3, 4, 5].map(double)
  gate.open()
  expect(await Promise.all([first, ...rest])).toEqual([2, 4, 6, 8, 10])
  expect(runs).toEqual([[1], [2, 3, 4], [5]])
})

test('items that are handed in together run together', async () => {
  const runs: number[] = []
  const same = microBatch(async (items: readonly string[]) => {
    runs.push(items.length)
    return items
  }, 8)
  expect(await Promise.all(['a', 'b', 'c'].map(same))).toEqual(['a', 'b', 'c'])
  expect(runs).toEqual([3])
})

test('a run that fails fails its own items only', async () => {
  const run = microBatch(async (items: readonly number[]) => {
    if (items.includes(2)) throw new Error('two')
    return items
  }, 1)
  const results = await Promise.allSettled([1, 2, 3].map(run))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
