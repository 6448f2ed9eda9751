// Euler's method for diffusion models (Karras et al. 2022, algorithm 2 without churn). The state is
// z + σ ε; networks that were trained with data² + noise² = 1 see it scaled.
import { type Level, parts, type PredictionKind } from './prediction.ts'
import type { Place, Sampler } from './sampler.ts'

/** Levels of that state; the last is without noise. */
export function eulerLevels(sigmas: readonly number[], times: readonly number[]): Level[] {
  const levels = sigmas.map((sigma, i) => ({ time: times[i]!, data: 1, noise: sigma }))
  return [...levels, { time: 0, data: 1, noise: 0 }]
}

export function euler(levels: readonly Level[], kind: PredictionKind): Sampler {
  return async function* ({ x, predict }) {
    for (let i = 0; i + 1 < levels.length; i++) {
      const { time, noise: sigma } = levels[i]!
      const { value } = await predict(networkInput(x, sigma), time, i)
      const place = eulerStep(kind, x, value, sigma, levels[i + 1]!.noise)
      x = place.x
      yield place
    }
  }
}

/** The state as the network knows it. */
export function networkInput(x: Float32Array, sigma: number): Float32Array {
  return x.map((value) => value / Math.sqrt(1 + sigma * sigma))
}

export function eulerStep(
  kind: PredictionKind,
  x: Float32Array,
  predicted: Float32Array,
  sigma: number,
  next: number,
): Place {
  const length = Math.sqrt(1 + sigma * sigma)
  const level = { time: 0, data: 1 / length, noise: sigma / length }
  const { z } = parts(kind, networkInput(x, sigma), predicted, level)
  return { x: x.map((value, i) => value + ((next - sigma) * (value - z[i]!)) / sigma), z }
}
