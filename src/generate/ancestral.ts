// Ancestral sampling: the posterior of one training step or of several at once (Ho et al. 2020,
// equations 6 and 7). UnCLIP's variant takes a single step's variances from the table, DDPM's always
// from ᾱ; in float32 the two differ.
// Symbols: a = ᾱ of this time, b = ᾱ of the next one.
import { clip, type Level, parts, type PredictionKind } from './prediction.ts'
import type { Sampler } from './sampler.ts'

/** The variance of the noise that is put back. */
export type Variance =
  /** The posterior's own. */
  | 'fixed_small'
  /** Between the posterior's own and β, as the network says (Nichol and Dhariwal 2021). */
  | 'learned_range'

export interface AncestralTables {
  readonly betas: Float32Array
  readonly alphaBars: Float32Array
}

export interface AncestralOptions {
  readonly kind: PredictionKind
  readonly variant: 'ddpm' | 'unclip'
  readonly variance: Variance
  /** z is kept within ± this. */
  readonly clip: number | null
}

const LEAST_VARIANCE = 1e-20
const f32 = Math.fround

/** `next[i]` is the time that step i leads to; below 0 is the picture itself. */
export function ancestral(
  levels: readonly Level[],
  next: readonly number[],
  tables: AncestralTables,
  options: AncestralOptions,
): Sampler {
  return async function* ({ x, predict, noise }) {
    for (let i = 0; i + 1 < levels.length; i++) {
      const { time } = levels[i]!
      const step = posterior(time, next[i]!, tables, options.variant)
      const { value, variance } = await predict(x, time, i)
      const z = clip(parts(options.kind, x, value, levels[i]!).z, options.clip)
      const fresh = time > 0 ? noise() : undefined
      x = x.map((before, j) => {
        const mean = step.ofData * z[j]! + step.ofState * before
        if (!fresh) return mean
        return mean + Math.sqrt(varianceOf(step, options.variance, variance?.[j])) * fresh[j]!
      })
      yield { x, z }
    }
  }
}

export interface Posterior {
  /** Factors of z and of x in its mean. */
  readonly ofData: number
  readonly ofState: number
  readonly variance: number
  readonly beta: number
}

export function posterior(
  time: number,
  next: number,
  { betas, alphaBars }: AncestralTables,
  variant: 'ddpm' | 'unclip',
): Posterior {
  const a = alphaBars[time]!
  const b = next >= 0 ? alphaBars[next]! : 1
  const single = variant === 'unclip' && next === time - 1
  const beta = single ? betas[time]! : f32(1 - f32(a / b))
  const alpha = variant === 'unclip' ? f32(1 - beta) : f32(a / b)
  const [noiseHere, noiseThere] = [f32(1 - a), f32(1 - b)]
  return {
    ofData: (Math.sqrt(b) * beta) / noiseHere,
    ofState: (Math.sqrt(alpha) * noiseThere) / noiseHere,
    variance: Math.max((noiseThere / noiseHere) * beta, LEAST_VARIANCE),
    beta,
  }
}

/** `predicted` is the network's word, -1 to 1. */
export function varianceOf(step: Posterior, variance: Variance, predicted = 0): number {
  if (variance === 'fixed_small') return step.variance
  const share = (predicted + 1) / 2
  return Math.exp(share * Math.log(step.beta) + (1 - share) * Math.log(step.variance))
}
