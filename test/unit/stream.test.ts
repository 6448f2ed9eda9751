import { setImmediate, setTimeout } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { batch, gather, mapItems, readAhead, readAll } from '../../src/core/stream.ts'

/** Yields 0 … count - 1, counts what was taken and notes how it was left. */
function source(count: number, failAt = Number.POSITIVE_INFINITY) {
  const state = { taken: 0, closed: false }
  async function* generate() {
    try {
      for (let i = 0; i < count; i++) {
        if (i % 3 === 0) await setImmediate()
        if (i === failAt) throw new Error(`broken at ${i}`)
        state.taken++
        yield i
      }
    } finally {
      state.closed = true
    }
  }
  return { state, items: generate() }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all = []
  for await (const item of items) all.push(item)
  return all
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('gather', () => {
  test('hands on the first at once, then as many as may go together', async () => {
    const groups = await collect(gather(source(8).items, { atMost: 3, forMs: 60_000 }))
    expect(groups).toEqual([[0], [1, 2, 3], [4, 5, 6], [7]])
  })

  test('waits for nobody once the time is over', async () => {
    const groups = await collect(gather(source(4).items, { atMost: 3, forMs: 0 }))
    expect(groups).toEqual([[0], [1], [2], [3]])
  })

  test('hands on what came before an error', async () => {
    const groups: number[][] = []
    const gathering = gather(source(9, 6).items, { atMost: 4, forMs: 60_000 })
    await expect(
      (async () => {
        for await (const group of gathering) groups.push(group)
      })(),
    ).rejects.toThrow('broken at 6')
    expect(groups).toEqual([[0], [1, 2, 3, 4], [5]])
  })

  test('lets go of its source when it is left', async () => {
    const { state, items } = source(9)
    for await (const _ of gather(items, { atMost: 2, forMs: 60_000 })) break
    expect(state.closed).toBe(true)
  })
})

describe('batch', () => {
  test('groups in order, and the last group may be shorter', async () => {
    expect(await collect(batch(source(7).items, 3))).toEqual([[0, 1, 2], [3, 4, 5], [6]])
    expect(await collect(batch(source(6).items, 3))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
    expect(await collect(batch(source(0).items, 3))).toEqual([])
  })

  test('stops its source when its consumer stops', async () => {
    const { state, items } = source(100)
    for await (const _ of batch(items, 3)) break
    expect(state).toEqual({ taken: 3, closed: true })
  })
})

describe('mapItems', () => {
  test('changes what is on its way, and returns what its source returns', async () => {
    async function* three() {
      yield* [1, 2, 3]
      return 'end'
    }
    const seen: number[] = []
    const doubled = mapItems(three(), (item) => 2 * item)
    expect(await readAll(doubled, async (item) => void seen.push(item))).toBe('end')
    expect(seen).toEqual([2, 4, 6])
  })

  test('stops its source when its consumer stops, or fails', async () => {
    const left = source(9)
    for await (const _ of mapItems(left.items, (item) => item)) break
    expect(left.state).toEqual({ taken: 1, closed: true })
    const failed = source(9)
    const failing = readAll(failed.items, async () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(failed.state).toEqual({ taken: 1, closed: true })
  })

  test('an error of the source is passed on', async () => {
    const { items } = source(9, 2)
    await expect(collect(mapItems(items, (item) => item))).rejects.toThrow('broken at 2')
  })
})

describe('readAhead', () => {
  test('passes on every item in order, whatever the bound', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(200), fc.integer({ min: 1, max: 50 }), async (count, limit) => {
        expect(await collect(readAhead(source(count).items, limit))).toEqual(upTo(count))
      }),
      { numRuns: 30 },
    )
  })

  test('keeps order and items over thousands of them', async () => {
    expect(await collect(readAhead(source(5000).items, 3000))).toEqual(upTo(5000))
  })

  test('is never more than its bound ahead of the consumer', async () => {
    const { state, items } = source(60)
    let received = 0
    for await (const _ of readAhead(items, 5)) {
      received++
      await setTimeout(1)
      expect(state.taken - received).toBeLessThanOrEqual(5)
    }
    expect(received).toBe(60)
  })

  test('reads on while the consumer is busy', async () => {
    const { state, items } = source(60)
    for await (const _ of readAhead(items, 5)) {
      await vi.waitFor(() => expect(state.taken).toBeGreaterThanOrEqual(5))
      break
    }
  })

  test('says that the source has ended before the consumer has read everything', async () => {
    const onEnd = vi.fn()
    const items = readAhead(source(10).items, 100, onEnd)
    await items.next()
    await vi.waitFor(() => expect(onEnd).toHaveBeenCalledTimes(1))
    expect(await collect(items)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(onEnd).toHaveBeenCalledTimes(1)
  })

  test('an error of the source comes after the items before it, and is no end', async () => {
    const onEnd = vi.fn()
    const received: number[] = []
    const reading = async () => {
      for await (const item of readAhead(source(10, 4).items, 2, onEnd)) received.push(item)
    }
    await expect(reading()).rejects.toThrow('broken at 4')
    expect(received).toEqual([0, 1, 2, 3])
    expect(onEnd).not.toHaveBeenCalled()
  })

  test('an early return stops the source', async () => {
    const { state, items } = source(1000)
    const onEnd = vi.fn()
    for await (const item of readAhead(items, 5, onEnd)) if (item === 10) break
    expect(state.closed).toBe(true)
    expect(onEnd).not.toHaveBeenCalled()
  })

  test('an early return takes nothing more from a source that is at its bound', async () => {
    const { state, items } = source(1000)
    for await (const _ of readAhead(items, 5)) {
      await setTimeout(20)
      break
    }
    expect(state.taken).toBeLessThanOrEqual(6)
  })
})
