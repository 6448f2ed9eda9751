// DPM-Solver++(2M) (Lu et al. 2022, algorithm 2), on any path x = data · z + noise · ε.
// Symbols: λ = log(data / noise), h = λ' - λ.
import { type Level, parts, type PredictionKind } from './prediction.ts'
import type { Sampler } from './sampler.ts'

/** The first step is of first order, and so is one that ends without noise, where λ is infinite. */
export function dpmpp2m(levels: readonly Level[], kind: PredictionKind): Sampler {
  const lambda = ({ data, noise }: Level) => Math.log(data) - Math.log(noise)
  return async function* ({ x, predict }) {
    let before: Float32Array | undefined
    for (let i = 0; i + 1 < levels.length; i++) {
      const [here, next] = [levels[i]!, levels[i + 1]!]
      const { z } = parts(kind, x, (await predict(x, here.time, i)).value, here)
      if (next.noise === 0) {
        x = z.slice()
      } else {
        const h = lambda(next) - lambda(here)
        const r = before ? (lambda(here) - lambda(levels[i - 1]!)) / h : Infinity
        const [keep, add] = [next.noise / here.noise, -next.data * Math.expm1(-h)]
        // Extrapolated to the middle of the step.
        x = x.map((value, j) => {
          const slope = before ? (z[j]! - before[j]!) / (2 * r) : 0
          return keep * value + add * (z[j]! + slope)
        })
      }
      before = z
      yield { x, z }
    }
  }
}
