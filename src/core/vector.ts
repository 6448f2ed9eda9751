// Unit vectors and the few operations that the whole program agrees on.
// An encoder normalises once at its exit; every vector after that is a `UnitVector`.
import { invalidInput, LucidaError } from './errors.ts'

declare const unit: unique symbol

/** A float32 vector of length 1 (within 1e-3), so that the inner product is the cosine. */
export type UnitVector = Float32Array & { readonly [unit]: true }

/**
 * Inner product; the cosine when both are unit vectors. Shapes: [d] · [d] → number.
 * Four sums, which do not wait for each other, are twice as fast as one.
 */
export function dot(a: Float32Array, b: Float32Array): number {
  const unrolled = a.length - (a.length % 4)
  let p = 0
  let q = 0
  let r = 0
  let s = 0
  let i = 0
  for (; i < unrolled; i += 4) {
    p += a[i]! * b[i]!
    q += a[i + 1]! * b[i + 1]!
    r += a[i + 2]! * b[i + 2]!
    s += a[i + 3]! * b[i + 3]!
  }
  for (; i < a.length; i++) p += a[i]! * b[i]!
  return p + q + r + s
}

/** A copy scaled to length 1. Throws `bad_input` for a vector that is zero or not finite. */
export function normalize(vector: Float32Array | readonly number[]): UnitVector {
  const out = Float32Array.from(vector)
  const length = Math.sqrt(dot(out, out))
  if (!(length > 1e-12) || !Number.isFinite(length)) {
    throw new LucidaError(
      'bad_input',
      'Expected a vector with a direction but its length is zero or not finite',
    )
  }
  for (let i = 0; i < out.length; i++) out[i]! /= length
  return out as UnitVector
}

/** Brands a vector that is already of unit length. Throws `bad_input` when it is not. */
export function asUnitVector(vector: Float32Array): UnitVector {
  const length = Math.sqrt(dot(vector, vector))
  if (!(Math.abs(length - 1) < 1e-3)) throw invalidInput('vector length', '1', length)
  return vector as UnitVector
}

/** Below this the arc is too short to divide by, and a straight line is the same. */
const SHORT_ARC = 1e-4

/**
 * Spherical interpolation (Shoemake 1985): `at` 0 is `a`, 1 is `b`, and equal steps turn by equal
 * angles. Throws `bad_input` for opposite vectors, between which no way is the shortest.
 */
export function slerp(a: UnitVector, b: UnitVector, at: number): UnitVector {
  const cosine = Math.min(1, Math.max(-1, dot(a, b)))
  const angle = Math.acos(cosine)
  const sine = Math.sin(angle)
  if (sine < SHORT_ARC && cosine < 0) {
    throw new LucidaError('bad_input', 'There is no shortest way between opposite vectors')
  }
  const [ofA, ofB] =
    sine < SHORT_ARC
      ? [1 - at, at]
      : [Math.sin((1 - at) * angle) / sine, Math.sin(at * angle) / sine]
  return normalize(a.map((value, i) => ofA * value + ofB * b[i]!))
}

/** One weighted direction of a query; a negative weight subtracts. */
export interface WeightedVector {
  readonly vector: UnitVector
  readonly weight: number
}

/**
 * Σ weight · vector, normalised once at the end, so that scores stay cosines.
 * Throws `bad_input` when the terms cancel out, `dimension_mismatch` when they differ in length.
 */
export function weightedSum(terms: readonly WeightedVector[]): UnitVector {
  const first = terms[0]
  if (!first) throw new LucidaError('bad_input', 'Expected at least one query term')
  const sum = new Float32Array(first.vector.length)
  let weights = 0
  for (const { vector, weight } of terms) {
    if (vector.length !== sum.length) {
      throw new LucidaError(
        'dimension_mismatch',
        `Query terms of ${sum.length} and ${vector.length} dimensions cannot be combined`,
      )
    }
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * vector[i]!
    weights += Math.abs(weight)
  }
  // A sum far shorter than its terms is rounding noise, not a direction.
  if (!(dot(sum, sum) > (1e-5 * weights) ** 2)) {
    throw new LucidaError('bad_input', 'The query terms cancel each other out; change a weight')
  }
  return normalize(sum)
}
