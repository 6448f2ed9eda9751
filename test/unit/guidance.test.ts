import { describe, expect, test } from 'vitest'
import { type Ask, guidanceOf, type Side, withGuidance } from '../../src/generate/guidance.ts'
import type { Guidance, Schedule } from '../../src/generate/pipeline-parts.ts'

const FLOW: Schedule = { type: 'flow', solver: 'euler', steps: 4, start: 1 }
const KEEP: Guidance = { mode: 'keep', scale: 2.5 }
const ANSWERS = { wanted: [1, 2, -3], unwanted: [0.5, 4, 1] } as const

/** What guidance makes of the answers, and what it asked for. */
async function guide(guidance: Guidance, scale?: number, time = 0.5) {
  const asked: Side[][] = []
  const ask: Ask = async (_, __, sides) => {
    asked.push([...sides])
    return sides.map((side) => ({
      value: Float32Array.from(ANSWERS[side]),
      variance: Float32Array.of(side === 'wanted' ? 1 : -1),
    }))
  }
  const predict = withGuidance(ask, guidanceOf(guidance, FLOW, scale))
  const prediction = await predict(new Float32Array(3), time, 0)
  return { value: [...prediction.value], variance: [...prediction.variance!], asked }
}

describe('guidance', () => {
  test('is linear in its scale, from what is not wanted (0) through what is (1) and beyond', async () => {
    expect((await guide(KEEP, 0)).value).toEqual(ANSWERS.unwanted)
    expect((await guide(KEEP, 1)).value).toEqual(ANSWERS.wanted)
    const [two, four, six] = [await guide(KEEP, 2), await guide(KEEP, 4), await guide(KEEP, 6)]
    expect(two.value).toEqual([1.5, 0, -7])
    four.value.forEach((value, i) => expect(value).toBe((two.value[i]! + six.value[i]!) / 2))
  })

  test('asks once, about both sides; with scale 1 about one', async () => {
    expect((await guide(KEEP)).asked).toEqual([['wanted', 'unwanted']])
    expect((await guide(KEEP, 1)).asked).toEqual([['wanted']])
  })

  test('takes the variance of what is wanted', async () => {
    expect((await guide(KEEP)).variance).toEqual([1])
  })

  test('applies within its interval only', async () => {
    const limited: Guidance = { ...KEEP, interval: [0.15, 0.85] }
    for (const [time, sides] of [
      [0.9, 1],
      [0.85, 2],
      [0.15, 2],
      [0.1, 1],
    ] as const) {
      expect((await guide(limited, undefined, time)).asked[0]).toHaveLength(sides)
    }
  })

  test.each(['none', 'w-embed'] as const)('of mode %s asks about one side', async (mode) => {
    expect((await guide({ mode, scale: 8 })).asked).toEqual([['wanted']])
  })
})
