// How far the composition of a ranking is from the one that is asked for (Geyik, Ambler and
// Kenthapadi 2019, KDD): Skew@k, MaxSkew@k and NDKL.

/** How many of each value are among the first `k`; values below 0 are of no group. */
export function countValues(ranked: ArrayLike<number>, k: number, values: number): number[] {
  const counts = Array.from({ length: values }, () => 0)
  for (let i = 0; i < Math.min(k, ranked.length); i++) {
    if (ranked[i]! >= 0) counts[ranked[i]!]!++
  }
  return counts
}

/** Counts as shares. */
export function sharesOf(counts: readonly number[]): number[] {
  const total = counts.reduce((a, b) => a + b, 0)
  return counts.map((count) => count / total)
}

/** ln(share among the first k / share asked for): 0 as asked for, ln 2 twice as often, -∞ never. */
export function skew(share: number, target: number): number {
  return Math.log(share / target)
}

/** The largest skew of any value: of the one that is favoured most. Values nobody asks for are passed over. */
export function maxSkew(shares: readonly number[], targets: readonly number[]): number {
  return Math.max(
    ...shares.flatMap((share, i) => (targets[i]! > 0 ? [skew(share, targets[i]!)] : [])),
  )
}

/**
 * Normalised discounted cumulative Kullback-Leibler divergence, of every prefix, the first counting
 * most; 0 where each has the composition that is asked for.
 */
export function ndkl(ranked: ArrayLike<number>, k: number, targets: readonly number[]): number {
  const counts = targets.map(() => 0)
  let [sum, weights, seen] = [0, 0, 0]
  for (let i = 0; i < Math.min(k, ranked.length); i++) {
    const value = ranked[i]!
    if (value < 0) continue
    counts[value]!++
    seen++
    const weight = 1 / Math.log2(seen + 1)
    sum += weight * divergence(counts, seen, targets)
    weights += weight
  }
  return sum / weights
}

function divergence(counts: readonly number[], seen: number, targets: readonly number[]): number {
  let sum = 0
  for (const [i, count] of counts.entries()) {
    if (count > 0 && targets[i]! > 0) sum += (count / seen) * Math.log(count / seen / targets[i]!)
  }
  return sum
}
