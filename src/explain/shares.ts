// What each term of a weighted query adds to a picture's score.
import { dot, type WeightedVector } from '../core/vector.ts'

/** One term's part of a score. */
export interface TermShare {
  readonly weight: number
  /** Of the term alone and the picture, in [-1, 1]. */
  readonly cosine: number
  /** What it adds to the score; all of them sum to it. */
  readonly contribution: number
}

/**
 * A query is q = Σ wᵢ·vᵢ / |Σ wⱼ·vⱼ|, so its score with a picture p is q·p = Σ (wᵢ / |Σ wⱼ·vⱼ|)·(vᵢ·p):
 * a term's part is its own cosine, times its weight, over the length of the sum.
 */
export function shareScore(terms: readonly WeightedVector[], picture: Float32Array): TermShare[] {
  const length = sumLength(terms)
  return terms.map(({ vector, weight }) => {
    const cosine = dot(vector, picture)
    return { weight, cosine, contribution: (weight / length) * cosine }
  })
}

/** |Σ wᵢ·vᵢ|, what a query is divided by to be of unit length. */
export function sumLength(terms: readonly WeightedVector[]): number {
  const sum = new Float32Array(terms[0]!.vector.length)
  for (const { vector, weight } of terms) {
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * vector[i]!
  }
  return Math.sqrt(dot(sum, sum))
}
