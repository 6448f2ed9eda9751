// DDIM (Song et al. 2021, equation 12). Symbols: a = ᾱ of this time, b = ᾱ of the next one.
import { clip, type Level, parts, type PredictionKind } from './prediction.ts'
import type { Sampler } from './sampler.ts'

export interface DdimOptions {
  readonly kind: PredictionKind
  readonly clip: number | null
  /** 0 adds no noise, 1 as much as DDPM. */
  readonly eta: number
  /** ᾱ of a time below 0. */
  readonly finalAlphaBar: number
}

/** `next[i]` is the time that step i leads to. */
export function ddim(
  levels: readonly Level[],
  next: readonly number[],
  alphaBars: Float32Array,
  { kind, clip: limit, eta, finalAlphaBar }: DdimOptions,
): Sampler {
  return async function* ({ x, predict, noise }) {
    for (let i = 0; i + 1 < levels.length; i++) {
      const { time } = levels[i]!
      const { z, epsilon } = parts(kind, x, (await predict(x, time, i)).value, levels[i]!)
      clip(z, limit)
      const a = alphaBars[time]!
      const b = next[i]! >= 0 ? alphaBars[next[i]!]! : finalAlphaBar
      const sigma = eta * Math.sqrt(((1 - b) / (1 - a)) * (1 - a / b))
      const fresh = eta > 0 ? noise() : undefined
      const [data, along] = [Math.sqrt(b), Math.sqrt(1 - b - sigma * sigma)]
      x = z.map((value, j) => {
        const mean = data * value + along * epsilon[j]!
        return fresh ? mean + sigma * fresh[j]! : mean
      })
      yield { x, z }
    }
  }
}
