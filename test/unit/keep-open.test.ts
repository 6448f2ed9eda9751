import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keepOpen } from '../../src/core/keep-open.ts'
import { newGate } from '../helpers/gate.ts'

/** Things that note when they are opened and closed. */
function newThings() {
  const log: string[] = []
  const open = (name: string) => async () => {
    log.push(`${name} opens`)
    return { name, close: async () => void log.push(`${name} closes`) }
  }
  return { log, open }
}

describe('what is kept open', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('is opened once for those who come in time, and closed when nobody comes', async () => {
    const { log, open } = newThings()
    const kept = keepOpen<{ name: string; close(): Promise<void> }>(1000)
    expect(await kept.use('a', open('a'), async ({ name }) => name)).toBe('a')
    await vi.advanceTimersByTimeAsync(900)
    await kept.use('a', open('a'), async () => {})
    await vi.advanceTimersByTimeAsync(900)
    expect(log).toEqual(['a opens'])
    await vi.advanceTimersByTimeAsync(200)
    expect(log).toEqual(['a opens', 'a closes'])
  })

  test('gives way to another, once nobody works with it', async () => {
    const { log, open } = newThings()
    const kept = keepOpen<{ name: string; close(): Promise<void> }>(1000)
    const gate = newGate()
    const working = kept.use('a', open('a'), () => gate.opened)
    await kept.use('b', open('b'), async () => {})
    expect(log).toEqual(['a opens', 'b opens'])
    gate.open()
    await working
    expect(log).toEqual(['a opens', 'b opens', 'a closes'])
    await kept.close()
    expect(log).toEqual(['a opens', 'b opens', 'a closes', 'b closes'])
  })

  test('is never given to those who came for another meanwhile', async () => {
    const { open } = newThings()
    const kept = keepOpen<{ name: string; close(): Promise<void> }>(1000)
    await kept.use('a', open('a'), async () => {})
    const used = ['b', 'c', 'b', 'a'].map(async (key) =>
      kept.use(key, open(key), async ({ name }) => name),
    )
    expect(await Promise.all(used)).toEqual(['b', 'c', 'b', 'a'])
  })

  test('that could not be opened is tried again', async () => {
    const { open } = newThings()
    const kept = keepOpen<{ name: string; close(): Promise<void> }>(1000)
    const failing = kept.use(
      'a',
      async () => Promise.reject(new Error('no')),
      async () => {},
    )
    await expect(failing).rejects.toThrow('no')
    expect(await kept.use('a', open('a'), async ({ name }) => name)).toBe('a')
  })
})
