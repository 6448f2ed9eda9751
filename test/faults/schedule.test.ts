// Schedules of faults.
import { expect, test } from 'vitest'
import { KINDS, makeSchedule } from './schedule.ts'

test('a seed gives the same events each time, and another seed gives others', () => {
  expect(makeSchedule(1, 300)).toEqual(makeSchedule(1, 300))
  expect(makeSchedule(2, 300)).not.toEqual(makeSchedule(1, 300))
})

test.each([25, 200, 1000])('%i events have every kind among them', (count) => {
  for (let seed = 1; seed <= 20; seed++) {
    const schedule = makeSchedule(seed, count)
    expect(schedule).toHaveLength(count)
    expect(new Set(schedule.map(({ kind }) => kind))).toEqual(new Set(KINDS))
  }
})

test('events come in no order, between 0 and 1 decide what they meet', () => {
  const schedule = makeSchedule(3, 200)
  const firsts = schedule.slice(0, 100).map(({ kind }) => kind)
  expect(new Set(firsts).size).toBeGreaterThan(10)
  for (const { which, how } of schedule) {
    for (const at of [which, how]) {
      expect(at).toBeGreaterThanOrEqual(0)
      expect(at).toBeLessThan(1)
    }
  }
})
