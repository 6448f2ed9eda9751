import { expect, test } from 'vitest'
import { openRateLimit } from '../../src/api/rate-limit.ts'

test('lets so many through a minute, at once or evenly', async () => {
  let now = 0
  const limit = openRateLimit(60, () => now)
  for (let i = 0; i < 60; i++) await limit.take('a')
  await expect(limit.take('a')).rejects.toThrow(
    expect.objectContaining({ code: 'rate_limited', headers: { 'retry-after': '1' } }),
  )
  await limit.take('b')
  now += 1000
  await limit.take('a')
  await expect(limit.take('a')).rejects.toThrow()
  now += 3_600_000
  for (let i = 0; i < 60; i++) await limit.take('a')
  await expect(limit.take('a')).rejects.toThrow()
})

test('0 sets no limit', async () => {
  const limit = openRateLimit(0)
  for (let i = 0; i < 10_000; i++) await limit.take('a')
})
