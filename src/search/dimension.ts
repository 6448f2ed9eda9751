// The length check that every index makes before it trusts a vector.
import { LucidaError } from '../core/errors.ts'

/** Throws `dimension_mismatch` unless the vector has the index's length. */
export function requireDimension(vector: Float32Array, dimension: number): void {
  if (vector.length === dimension) return
  throw new LucidaError(
    'dimension_mismatch',
    `Expected a vector of ${dimension} dimensions but received one of ${vector.length}`,
  )
}
