// Samplers of flow matching (Lipman et al. 2023; Liu et al. 2023), where x_t = (1 - t) z + t ε.
import { type Level, parts, type PredictionKind } from './prediction.ts'
import type { Sampler } from './sampler.ts'

/** Evenly from `start` to 0. */
export function flowLevels(start: number, steps: number): Level[] {
  return Array.from({ length: steps + 1 }, (_, i) => {
    const t = start * (1 - i / steps)
    return { time: t, data: 1 - t, noise: t }
  })
}

/** Euler's method, which on this path is DDIM. */
export function flowEuler(levels: readonly Level[], kind: PredictionKind): Sampler {
  return async function* ({ x, predict }) {
    for (let i = 0; i + 1 < levels.length; i++) {
      const [here, next] = [levels[i]!, levels[i + 1]!]
      const { z, epsilon } = parts(kind, x, (await predict(x, here.time, i)).value, here)
      x = follow(x, z, epsilon, next.time - here.time)
      yield { x, z }
    }
  }
}

/** Heun's method: the mean of the velocities here and there; the last step, to t = 0, is Euler's. */
export function flowHeun(levels: readonly Level[], kind: PredictionKind): Sampler {
  return async function* ({ x, predict }) {
    for (let i = 0; i + 1 < levels.length; i++) {
      const [here, next] = [levels[i]!, levels[i + 1]!]
      const h = next.time - here.time
      const first = parts(kind, x, (await predict(x, here.time, i)).value, here)
      let there = follow(x, first.z, first.epsilon, h)
      let z = first.z
      if (next.time > 0) {
        const second = parts(kind, there, (await predict(there, next.time, i)).value, next)
        const half = follow(x, first.z, first.epsilon, h / 2)
        there = follow(half, second.z, second.epsilon, h / 2)
        z = second.z
      }
      x = there
      yield { x, z }
    }
  }
}

/** x + h (ε - z) */
function follow(x: Float32Array, z: Float32Array, epsilon: Float32Array, h: number): Float32Array {
  return x.map((value, i) => value + h * (epsilon[i]! - z[i]!))
}
