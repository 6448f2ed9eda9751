// Walks a sampler with a network that is a formula.
import { Noise } from '../../src/generate/noise.ts'
import type { Plan, Place } from '../../src/generate/sampler.ts'

/** x and time → what the network predicts. */
export type Formula = (x: number, time: number) => number

/** The last place of the walk from `x`. */
export async function walk(
  plan: Plan,
  x: Float32Array,
  formula: Formula,
  seed = 0,
): Promise<Place> {
  const noise = new Noise(seed)
  let drawn = 0
  let last: Place = { x, z: x }
  let steps = 0
  for await (const place of plan.sample({
    x,
    predict: async (x, time) => ({ value: x.map((value) => formula(value, time)) }),
    noise: () => {
      drawn++
      return noise.normals(x.length)
    },
  })) {
    steps++
    last = place
  }
  if (steps !== plan.levels.length - 1) throw new Error(`${steps} steps were taken`)
  if (drawn !== plan.draws) throw new Error(`noise was drawn ${drawn} times, not ${plan.draws}`)
  return last
}
