// The small statistics that audits share.

/** Arithmetic mean; NaN for nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}

/** Standard deviation of a sample (n - 1). */
export function deviation(values: ArrayLike<number>): number {
  const middle = mean(values)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i]! - middle) ** 2
  return Math.sqrt(sum / (values.length - 1))
}

/**
 * p-values adjusted for there being several (Holm 1979), in the same order: the chance that any of
 * them comes out so small where nothing is there.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!)
  const adjusted = pValues.map(() => 1)
  let largest = 0
  for (const [rank, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, pValues[i]! * (pValues.length - rank)))
    adjusted[i] = largest
  }
  return adjusted
}
