// Samplers against what is known in closed form.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Schedule } from '../../src/generate/pipeline-parts.ts'
import { planSampler } from '../../src/generate/plan.ts'
import { mix, parts } from '../../src/generate/prediction.ts'
import { Noise } from '../../src/generate/noise.ts'
import { type Formula, walk } from '../helpers/samplers.ts'

type Flow = Extract<Schedule, { type: 'flow' }>

const flow = (solver: Flow['solver'], start = 1): Flow => ({
  type: 'flow',
  solver,
  steps: 10,
  start,
})

/** Velocity where the picture is normal with deviation s: x(0) = s · x(1) exactly. */
const normalFormula =
  (s: number): Formula =>
  (x, t) =>
    (x * (t - s * s * (1 - t))) / ((1 - t) ** 2 * s * s + t * t)

/** A mixture of three normals, [weight, mean, deviation]. */
const MIXTURE = [
  [0.3, -1.5, 0.25],
  [0.5, 0.4, 0.35],
  [0.2, 1.8, 0.2],
] as const

/** E[ε - z | x] of the mixture. */
const mixtureFormula: Formula = (x, t) => {
  let total = 0
  let z = 0
  for (const [weight, mean, deviation] of MIXTURE) {
    const variance = (1 - t) ** 2 * deviation ** 2 + t * t
    const off = x - (1 - t) * mean
    const density = (weight / Math.sqrt(variance)) * Math.exp((-off * off) / (2 * variance))
    total += density
    z += density * (mean + ((1 - t) * deviation ** 2 * off) / variance)
  }
  z /= total
  return t > 0 ? (x - z) / t : 0
}

const NOISE = new Noise(3).normals(512)

async function end(schedule: Schedule, steps: number, formula: Formula, x = NOISE) {
  return (await walk(planSampler(schedule, 'velocity', steps), x, formula)).x
}

const rms = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length)

describe('on the flow path of a normal distribution', () => {
  const S = 0.5
  const exact = NOISE.map((value) => S * value)
  const errorOf = async (solver: Flow['solver'], steps: number) =>
    rms(await end(flow(solver), steps, normalFormula(S)), exact)

  test('the error of Euler halves when the steps double', async () => {
    const errors = [
      await errorOf('euler', 10),
      await errorOf('euler', 20),
      await errorOf('euler', 40),
    ]
    for (let i = 1; i < 3; i++) {
      expect(errors[i - 1]! / errors[i]!).toBeGreaterThan(1.8)
      expect(errors[i - 1]! / errors[i]!).toBeLessThan(2.2)
    }
  })

  test('the error of Heun falls to a quarter', async () => {
    const errors = [await errorOf('heun', 10), await errorOf('heun', 20), await errorOf('heun', 40)]
    for (let i = 1; i < 3; i++) {
      expect(errors[i - 1]! / errors[i]!).toBeGreaterThan(3.5)
      expect(errors[i - 1]! / errors[i]!).toBeLessThan(5)
    }
  })
})

describe('on the flow path of a mixture', () => {
  let exact: Float32Array
  beforeAll(async () => {
    exact = await end(flow('heun'), 2000, mixtureFormula)
  })
  const errorOf = async (solver: Flow['solver'], steps: number) =>
    rms(await end(flow(solver, 0.999), steps, mixtureFormula), exact)

  test.each([
    ['euler', 8, 0.22],
    ['euler', 30, 0.075],
    ['heun', 8, 0.035],
    ['heun', 15, 0.008],
    ['dpmpp2m', 8, 0.08],
    ['dpmpp2m', 16, 0.022],
    ['dpmpp2m', 30, 0.004],
  ] as const)('%s in %d steps misses by less than %d', async (solver, steps, ceiling) => {
    expect(await errorOf(solver, steps)).toBeLessThan(ceiling)
  })

  test('DPM++ 2M misses by less than half of what Euler does', async () => {
    for (const steps of [8, 16, 30]) {
      expect(await errorOf('dpmpp2m', steps)).toBeLessThan((await errorOf('euler', steps)) / 2)
    }
  })

  test('backwards and forwards again ends where it began', async () => {
    const picture = await end(flow('heun'), 200, mixtureFormula)
    let x = picture
    // Euler from t = 0 up to 1, in small steps.
    for (let i = 0; i < 2000; i++)
      x = x.map((value) => value + mixtureFormula(value, i / 2000) / 2000)
    expect(rms(await end(flow('euler'), 2000, mixtureFormula, x), picture)).toBeLessThan(0.02)
  })
})

describe('diffusion models of a normal distribution', () => {
  const betas = { type: 'scaled_linear', start: 0.00085, end: 0.012 } as const
  const S = 0.5
  const base = {
    type: 'diffusion',
    steps: 50,
    betas,
    trainSteps: 1000,
    spacing: 'linspace',
    offset: 0,
    clip: null,
    variance: 'fixed_small',
    eta: 0,
    finalAlphaBar: 'one',
    sigmas: 'table',
    originalSteps: 50,
  } as const

  test.each(['ddpm', 'unclip', 'ddim', 'dpmpp2m', 'euler'] as const)(
    '%s ends with its deviation',
    async (solver) => {
      const spacing = solver === 'ddim' || solver === 'ddpm' ? 'leading' : 'linspace'
      const plan = planSampler({ ...base, solver, spacing }, 'sample', 100)
      const x = new Noise(1).normals(4096).map((value) => value * plan.initial)
      // E[z | x], where a network that predicts the picture itself sees data² + noise² = 1.
      const levelAt = new Map(
        plan.levels.map(({ time, data, noise }) => {
          const length = Math.hypot(data, noise)
          return [time, { data: data / length, noise: noise / length }]
        }),
      )
      const { x: picture } = await walk(plan, x, (value, time) => {
        const { data, noise } = levelAt.get(time)!
        return (data * S * S * value) / (data * data * S * S + noise * noise)
      })
      const deviation = Math.sqrt(picture.reduce((sum, value) => sum + value * value, 0) / 4096)
      expect(Math.abs(deviation - S)).toBeLessThan(0.03)
    },
  )

  test('a strength below 1 begins so much later', () => {
    const whole = planSampler({ ...base, solver: 'ddim' }, 'epsilon', 50)
    const part = planSampler({ ...base, solver: 'ddim' }, 'epsilon', 50, 0.4)
    expect(part.levels).toEqual(whole.levels.slice(30))
    expect(planSampler({ ...base, solver: 'ddim' }, 'epsilon', 50, 0.001).levels).toHaveLength(2)
  })

  test('more steps than the schedule has are refused', () => {
    expect(() => planSampler({ ...base, solver: 'lcm' }, 'epsilon', 51)).toThrow(
      'at most 50 for steps',
    )
  })
})

describe('a flow with a strength', () => {
  test('begins exactly there', () => {
    const { levels } = planSampler(flow('euler', 0.999), 'velocity', 16, 0.3)
    expect(levels).toHaveLength(6)
    expect(levels[0]!.time).toBeCloseTo(0.2997, 6)
    expect(levels.at(-1)).toEqual({ time: 0, data: 1, noise: 0 })
  })
})

test.each([
  ['sample', { time: 0, data: 0.6, noise: 0.8 }, (z: number) => z],
  ['epsilon', { time: 0, data: 0.6, noise: 0.8 }, (_: number, e: number) => e],
  ['velocity', { time: 0, data: 0.3, noise: 0.7 }, (z: number, e: number) => e - z],
  ['v_prediction', { time: 0, data: 0.6, noise: 0.8 }, (z: number, e: number) => 0.6 * e - 0.8 * z],
] as const)('what is predicted as %s gives picture and noise back', (kind, level, predict) => {
  const [z, epsilon] = [new Noise(1).normals(32), new Noise(2).normals(32)]
  const predicted = z.map((value, i) => predict(value, epsilon[i]!))
  const found = parts(kind, mix(level, z, epsilon), predicted, level)
  expect(rms(found.z, z)).toBeLessThan(1e-6)
  expect(rms(found.epsilon, epsilon)).toBeLessThan(1e-6)
})
