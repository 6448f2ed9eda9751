// The sums that the tests of Hugging Face's diffusers (Apache-2.0, tests/schedulers) assert for whole
// walks with a formula for a network, here of Lucida's own samplers.
import { describe, expect, test } from 'vitest'
import { dpmpp2m } from '../../src/generate/dpmpp-2m.ts'
import { eulerStep, networkInput } from '../../src/generate/euler.ts'
import type { Schedule } from '../../src/generate/pipeline-parts.ts'
import { planSampler, preserving } from '../../src/generate/plan.ts'
import { posterior, varianceOf } from '../../src/generate/ancestral.ts'
import type { PredictionKind } from '../../src/generate/prediction.ts'
import {
  alphaBars,
  at,
  betas,
  karrasSigmas,
  sigmas,
  timeOfSigma,
} from '../../src/generate/tables.ts'
import { linspace, roundHalfEven, timesteps } from '../../src/generate/timesteps.ts'
import { type Formula, walk } from '../helpers/samplers.ts'

type Diffusion = Extract<Schedule, { type: 'diffusion' }>

const LINEAR = { type: 'linear', start: 1e-4, end: 0.02 } as const

/** A schedule as the manifest's defaults make it. */
function schedule(changes: Partial<Diffusion> & Pick<Diffusion, 'solver'>): Diffusion {
  return {
    type: 'diffusion',
    steps: 10,
    betas: LINEAR,
    trainSteps: 1000,
    spacing: 'leading',
    offset: 0,
    clip: null,
    variance: 'fixed_small',
    eta: 0,
    finalAlphaBar: 'one',
    sigmas: 'table',
    originalSteps: 50,
    ...changes,
  }
}

/** Their network. */
const formula: Formula = (x, t) => (x * t) / (t + 1)

/** Their state, [4, 3, 8, 8]: 0 to 767 over 768, the batch counted first. */
function state(): Float32Array {
  return Float32Array.from({ length: 768 }, (_, i) => ((i % 192) * 4 + Math.floor(i / 192)) / 768)
}

const sum = (x: Float32Array) => x.reduce((total, value) => total + Math.abs(value), 0)

async function sumOf(spec: Diffusion, kind: PredictionKind, steps: number): Promise<number> {
  return sum((await walk(planSampler(spec, kind, steps), state(), formula)).x)
}

/** As `toBeCloseTo`, with a tolerance in plain sight. */
const expectNear = (actual: number, expected: number, tolerance: number) =>
  expect(Math.abs(actual - expected), `${actual} for ${expected}`).toBeLessThan(tolerance)

describe('whole walks', () => {
  test.each<[string, Diffusion, PredictionKind, number, number]>([
    ['DDIM', schedule({ solver: 'ddim', clip: 1 }), 'epsilon', 10, 172.0067],
    ['DDIM of v', schedule({ solver: 'ddim', clip: 1 }), 'v_prediction', 10, 52.5302],
    [
      'DDIM to the picture',
      schedule({ solver: 'ddim', clip: 1, betas: { ...LINEAR, start: 0.01 } }),
      'epsilon',
      10,
      149.8295,
    ],
    [
      'DDIM to the first ᾱ',
      schedule({
        solver: 'ddim',
        clip: 1,
        betas: { ...LINEAR, start: 0.01 },
        finalAlphaBar: 'first',
      }),
      'epsilon',
      10,
      149.0784,
    ],
    ['UnCLIP, 25 steps', unclip(25), 'epsilon', 25, 258.2044983],
    ['LCM, 1 step', consistency(), 'epsilon', 1, 18.7097],
    ['LCM, 10 steps', consistency(), 'epsilon', 10, 197.7616],
  ])('%s', async (_, spec, kind, steps, expected) => {
    expectNear(await sumOf(spec, kind, steps), expected, 1e-2)
  })

  test.each<[string, Diffusion, PredictionKind, number]>([
    ['DDPM', schedule({ solver: 'ddpm', clip: 1 }), 'epsilon', 258.9606],
    ['DDPM of v', schedule({ solver: 'ddpm', clip: 1 }), 'v_prediction', 202.0296],
    ['UnCLIP', unclip(1000), 'epsilon', 252.2682495],
  ])('%s, every step', async (_, spec, kind, expected) => {
    expectNear(await sumOf(spec, kind, 1000), expected, 1e-2)
  })

  function unclip(steps: number): Diffusion {
    return schedule({
      solver: 'unclip',
      betas: { type: 'cosine' },
      clip: 1,
      spacing: 'linspace',
      steps,
    })
  }

  function consistency(): Diffusion {
    return schedule({ solver: 'lcm', betas: { type: 'scaled_linear', start: 0.00085, end: 0.012 } })
  }
})

describe('DPM++ 2M, to the smallest sigma instead of to 0', () => {
  const bars = alphaBars(betas(LINEAR, 1000))
  const table = sigmas(bars)

  async function meanOf(values: readonly number[], times: readonly number[], kind: PredictionKind) {
    const levels = values.map((sigma, i) => preserving(sigma, times[i] ?? 0))
    const sample = dpmpp2m(levels, kind)
    const plan = { levels, initial: 1, draws: 0, sample }
    return sum((await walk(plan, state(), formula)).x) / 768
  }

  test.each<[string, PredictionKind, number]>([
    ['of ε', 'epsilon', 0.3301],
    ['of v', 'v_prediction', 0.2251],
  ])('%s', async (_, kind, expected) => {
    const times = timesteps('linspace', 1000, 11).slice(0, -1)
    const values = [...times.map((time) => at(table, time)), table[0]!]
    expectNear(await meanOf(values, times, kind), expected, 1e-3)
  })

  test('of v, at the levels of Karras et al.', async () => {
    const values = karrasSigmas(table, 10)
    const times = values.map((sigma) => roundHalfEven(timeOfSigma(table, sigma)))
    expectNear(await meanOf([...values, table[0]!], times, 'v_prediction'), 0.2096, 1e-3)
  })
})

describe('Euler', () => {
  const table = sigmas(alphaBars(betas(LINEAR, 1100)))
  const even = linspace(1100, 10)
  const spec = schedule({ solver: 'euler', trainSteps: 1100, spacing: 'linspace' })

  // Their test gives the step the scaled state for the whole one, which a pipeline does not.
  function quirkySum(values: readonly number[], times: readonly number[], kind: PredictionKind) {
    let x: Float32Array = state().map((value) => value * values[0]!)
    times.forEach((time, i) => {
      const scaled = networkInput(x, values[i]!)
      const predicted = scaled.map((value) => formula(value, time))
      x = eulerStep(kind, scaled, predicted, values[i]!, values[i + 1]!).x
    })
    return sum(x)
  }

  test.each<[string, PredictionKind, number]>([
    ['of ε', 'epsilon', 10.0807],
    ['of v', 'v_prediction', 0.0002],
  ])('%s', (_, kind, expected) => {
    const values = [...even.map((time) => at(table, time)), 0]
    expectNear(quirkySum(values, even, kind), expected, 1e-2)
  })

  test('of ε, at the levels of Karras et al.', () => {
    const values = karrasSigmas(table, 10)
    const times = values.map((sigma) => timeOfSigma(table, sigma))
    expectNear(quirkySum([...values, 0], times, 'epsilon'), 124.52299, 1e-2)
  })

  test('as pipelines use it, it is DDIM without clipping between the same times', async () => {
    const plan = planSampler(spec, 'epsilon', 100)
    const noise = state()
    const { x } = await walk(
      plan,
      noise.map((value) => value * plan.initial),
      formula,
    )
    let expected = Float64Array.from(noise, (value) => {
      return (value * plan.initial) / Math.hypot(1, plan.initial)
    })
    plan.levels.slice(0, -1).forEach(({ time, noise: sigma }, i) => {
      const here = 1 / (1 + sigma * sigma)
      const there = 1 / (1 + plan.levels[i + 1]!.noise ** 2)
      expected = expected.map((value) => {
        const epsilon = formula(value, time)
        const z = (value - Math.sqrt(1 - here) * epsilon) / Math.sqrt(here)
        return Math.sqrt(there) * z + Math.sqrt(1 - there) * epsilon
      })
    })
    x.forEach((value, i) => expectNear(value, expected[i]!, 1e-3))
  })
})

describe('variances of UnCLIP', () => {
  const table = betas({ type: 'cosine' }, 1000)
  const tables = { betas: table, alphaBars: alphaBars(table) }
  const fixed = (time: number) => Math.sqrt(posterior(time, time - 1, tables, 'unclip').variance)
  const learned = (time: number) =>
    Math.log(varianceOf(posterior(time, time - 1, tables, 'unclip'), 'learned_range', 0.5))

  test.each([
    [0, 1e-10],
    [487, 0.0549625],
    [999, 0.9994987],
  ])('fixed at %d', (time, expected) => expectNear(fixed(time), expected, 1e-5))

  test.each([
    [1, -10.171279],
    [487, -5.7998052],
    [999, -0.0010011],
  ])('learned at %d', (time, expected) => expectNear(learned(time), expected, 1e-4))
})
