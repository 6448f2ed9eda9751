// Latent consistency models (Luo et al. 2023, algorithm 3): each step leaps to the picture, and noise
// is put back for the next.
import { mix, type Level, parts, type PredictionKind } from './prediction.ts'
import type { Sampler } from './sampler.ts'

/** The boundary condition's σ_data, and the scale of its times (as they were distilled). */
const SIGMA_DATA = 0.5
const TIME_SCALE = 10

export function lcm(levels: readonly Level[], kind: PredictionKind): Sampler {
  const last = levels.length - 2
  return async function* ({ x, predict, noise }) {
    for (let i = 0; i <= last; i++) {
      const here = levels[i]!
      const { z } = parts(kind, x, (await predict(x, here.time, i)).value, here)
      const t = here.time * TIME_SCALE
      const length = Math.hypot(t, SIGMA_DATA)
      const [skip, out] = [(SIGMA_DATA / length) ** 2, t / length]
      const state = x
      const leap = z.map((value, j) => out * value + skip * state[j]!)
      x = i === last ? leap.slice() : mix(levels[i + 1]!, leap, noise())
      yield { x, z: leap }
    }
  }
}
