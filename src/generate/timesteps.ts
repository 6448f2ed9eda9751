// Which of a model's training steps a sampler asks at, from the noisiest down.

/**
 * `leading`: every so many from 0 (plus an offset). `linspace`: evenly from the first to the last.
 * `trailing`: every so many from the last. The names are those of Lin et al. 2023, table 2.
 */
export type Spacing = 'leading' | 'linspace' | 'trailing'

/** `count` of `trainSteps`. */
export function timesteps(
  spacing: Spacing,
  trainSteps: number,
  count: number,
  offset = 0,
): number[] {
  if (spacing === 'linspace') return linspace(trainSteps, count).map(roundHalfEven)
  const stride = trainSteps / count
  return descending(count, (i) => {
    if (spacing === 'leading') return i * Math.floor(stride) + offset
    return roundHalfEven(trainSteps - (count - 1 - i) * stride) - 1
  })
}

/** Evenly from 0 to the last step, not rounded; one alone is the last. */
export function linspace(trainSteps: number, count: number): number[] {
  if (count === 1) return [trainSteps - 1]
  return descending(count, (i) => ((trainSteps - 1) * i) / (count - 1))
}

/** `count` of the `original` steps at which a consistency model was distilled. */
export function consistencyTimesteps(
  trainSteps: number,
  original: number,
  count: number,
): number[] {
  const stride = Math.floor(trainSteps / original)
  const all = descending(original, (i) => (i + 1) * stride - 1)
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * original) / count)]!)
}

function descending(count: number, value: (i: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => value(count - 1 - i))
}

/** As numpy rounds. */
export function roundHalfEven(x: number): number {
  const rounded = Math.round(x)
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}
