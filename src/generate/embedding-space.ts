// Embeddings as the search knows them, unit vectors, and as the networks see them: per dimension
// shifted and scaled to mean 0 and deviation 1, so that noise is measured alike in all.
import { normalize, type UnitVector } from '../core/vector.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'

type Space = Pick<PipelineSpec['embedding'], 'mean' | 'std'>

export function standardise(embedding: UnitVector, { mean, std }: Space): Float32Array {
  return embedding.map((value, i) => (value - mean[i]!) / std[i]!)
}

/** Back again. Throws `bad_input` for a vector without a direction. */
export function unstandardise(standardised: Float32Array, { mean, std }: Space): UnitVector {
  return normalize(standardised.map((value, i) => value * std[i]! + mean[i]!))
}

/** With the share `amount` of noise: still of deviation 1. */
export function stray(
  standardised: Float32Array,
  amount: number,
  noise: Float32Array,
): Float32Array {
  const keep = Math.sqrt(1 - amount * amount)
  return standardised.map((value, i) => keep * value + amount * noise[i]!)
}
