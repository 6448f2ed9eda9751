import { describe, expect, test } from 'vitest'
import { drawInRounds, type RoundEvent } from '../../src/generate/feedback.ts'
import type { DrawEvent, Drawing } from '../../src/generate/types.ts'

const picture = { data: new Uint8Array(3), widthPx: 1, heightPx: 1, channels: 3 } as const

/** Draws nothing, in one step. */
async function* draw(seeds: readonly number[]): AsyncGenerator<DrawEvent, Drawing[]> {
  yield { type: 'step', step: 1, steps: 1 }
  return seeds.map((seed) => ({ seed, picture, embedding: null }))
}

/** Runs to the end; a drawing scores what `score` says of its seed, and passes above 0.5. */
async function run(
  score: (seed: number) => number,
  options: { rounds: number; guidance?: number },
) {
  const events: RoundEvent[] = []
  const guidances: number[] = []
  const rounds = drawInRounds({
    seed: 10,
    candidates: 2,
    guidance: 2,
    ...options,
    draw: (seeds, guidance) => {
      guidances.push(guidance)
      return draw(seeds)
    },
    judge: async ({ seed }) => ({ score: score(seed), passes: score(seed) > 0.5 }),
  })
  let next = await rounds.next()
  for (; !next.done; next = await rounds.next()) events.push(next.value)
  return { ...next.value, events, guidances }
}

describe('drawing in rounds', () => {
  test('stops at the first round in which something passes', async () => {
    const { tries, candidates, guidances } = await run((seed) => (seed === 13 ? 0.9 : 0.1), {
      rounds: 5,
    })
    expect(tries.map(({ seeds }) => seeds)).toEqual([
      [10, 11],
      [12, 13],
    ])
    expect(guidances).toEqual([2, 3])
    expect(candidates.map(({ seed }) => seed)).toEqual([13, 10, 11, 12])
    expect(candidates[0]).toMatchObject({ passes: true, round: 2, guidance: 3 })
  })

  test('tries no more often than it may, and tells what each try scored', async () => {
    const { tries, candidates, events } = await run((seed) => seed / 100, { rounds: 3 })
    expect(tries.map(({ scores }) => scores)).toEqual([
      [0.1, 0.11],
      [0.12, 0.13],
      [0.14, 0.15],
    ])
    expect(candidates.map(({ seed }) => seed)).toEqual([15, 14, 13, 12, 11, 10])
    expect(events.filter(({ type }) => type === 'judged')).toHaveLength(3)
    expect(events[0]).toMatchObject({ type: 'step', round: 1, seeds: [10, 11] })
  })

  test('what passes comes before what scores more', async () => {
    const judged = { 10: { score: 0.9, passes: false }, 11: { score: 0.2, passes: true } }
    const rounds = drawInRounds({
      seed: 10,
      candidates: 2,
      guidance: 1,
      rounds: 1,
      draw,
      judge: async ({ seed }) => judged[seed as 10 | 11],
    })
    let next = await rounds.next()
    while (!next.done) next = await rounds.next()
    expect(next.value.candidates.map(({ seed }) => seed)).toEqual([11, 10])
  })

  test('guidance grows to a limit, and one beyond it stays', async () => {
    expect((await run(() => 0, { rounds: 5, guidance: 6 })).guidances).toEqual([6, 9, 10, 10, 10])
    expect((await run(() => 0, { rounds: 2, guidance: 15 })).guidances).toEqual([15, 15])
  })

  test('the last seed is followed by the first', async () => {
    const rounds = drawInRounds({
      seed: 2 ** 32 - 1,
      candidates: 2,
      guidance: 1,
      rounds: 1,
      draw,
      judge: async () => ({ score: 0, passes: true }),
    })
    const first = await rounds.next()
    expect(first.value).toMatchObject({ seeds: [2 ** 32 - 1, 0] })
  })
})
