// How much an answer hangs on the wording: how alike the rankings for paraphrases of one query are.

/** Share of the first `k` that two rankings have in common. */
export function overlapAt<T>(a: readonly T[], b: readonly T[], k: number): number {
  const first = new Set(a.slice(0, k))
  const depth = Math.min(k, Math.max(a.length, b.length))
  return depth === 0 ? 1 : b.slice(0, k).filter((one) => first.has(one)).length / depth
}

/** How much each place counts beside the one before it: about ten places make up the most of it. */
const PERSISTENCE = 0.9

/**
 * Rank-biased overlap (Webber, Moffat and Zobel 2010, equation 32), extrapolated from rankings of
 * equal length: 1 for the same order, 0 for nothing in common, the first places counting most.
 */
export function rankBiasedOverlap<T>(a: readonly T[], b: readonly T[], p = PERSISTENCE): number {
  const depth = Math.min(a.length, b.length)
  if (depth === 0) return 1
  const [inA, inB] = [new Set<T>(), new Set<T>()]
  let [common, sum, weight] = [0, 0, 1]
  for (let d = 1; d <= depth; d++) {
    const [x, y] = [a[d - 1]!, b[d - 1]!]
    inA.add(x)
    inB.add(y)
    common += x === y ? 1 : Number(inB.has(x)) + Number(inA.has(y))
    weight *= p
    sum += (common / d) * weight
  }
  return (common / depth) * weight + ((1 - p) / p) * sum
}

/** How alike the rankings for paraphrases are, each with each. */
export interface Sensitivity {
  /** Mean share of the first k in common. */
  readonly overlap: number
  /** Mean rank-biased overlap. */
  readonly rbo: number
}

/** Compares each ranking with each. */
export function measureSensitivity(
  rankings: readonly (readonly unknown[])[],
  k: number,
): Sensitivity {
  let [overlap, rbo, pairs] = [0, 0, 0]
  for (const [i, a] of rankings.entries()) {
    for (const b of rankings.slice(i + 1)) {
      overlap += overlapAt(a, b, k)
      rbo += rankBiasedOverlap(a.slice(0, k), b.slice(0, k))
      pairs++
    }
  }
  return { overlap: overlap / pairs, rbo: rbo / pairs }
}
