// Confidence intervals by resampling (Efron 1979), from a seed.
import { seededRandom } from './random.ts'

/** Bounds of a 95 % interval. */
export type Interval = readonly [low: number, high: number]

/** How often, and from which seed. */
export interface Resampling {
  readonly resamples: number
  readonly seed: number
}

/**
 * Percentile interval of a statistic. `statistic` is given a source of chance and resamples by
 * itself, since what is exchangeable differs: words, queries or pictures. Values that are not
 * finite, as of a resample without any spread, are left out.
 */
export function bootstrapInterval(
  { resamples, seed }: Resampling,
  statistic: (random: () => number) => number,
): Interval {
  const random = seededRandom(seed)
  const values = []
  for (let i = 0; i < resamples; i++) {
    const value = statistic(random)
    if (Number.isFinite(value)) values.push(value)
  }
  values.sort((a, b) => a - b)
  return [quantile(values, 0.025), quantile(values, 0.975)]
}

/** As many items, drawn with replacement. */
export function resample<T>(items: readonly T[], random: () => number): T[] {
  return items.map(() => items[Math.floor(random() * items.length)]!)
}

function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  if (low === undefined || high === undefined) return Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}
