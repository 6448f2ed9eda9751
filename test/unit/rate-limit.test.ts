import { expect, test } from 'vitest'
import { openRateLimit } from '../../src/api/rate-limit.ts'

test('lets so many through a minute, at once or evenly', () => {
  let now = 0
  const limit = openRateLimit(60, () => now)
  for (let i = 0; i < 60; i++) limit.take('a')
  expect(() => limit.take('a')).toThrow(
    expect.objectContaining({ code: 'rate_limited', headers: { 'retry-after': '1' } }),
  )
  limit.take('b')
  now += 1000
  limit.take('a')
  expect(() => limit.take('a')).toThrow()
  now += 3_600_000
  for (let i = 0; i < 60; i++) limit.take('a')
  expect(() => limit.take('a')).toThrow()
})

test('0 sets no limit', () => {
  const limit = openRateLimit(0)
  for (let i = 0; i < 10_000; i++) limit.take('a')
})
