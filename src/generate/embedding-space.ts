// Embeddings in their several forms: as the search knows them, unit vectors; plain, of whatever length
// their space gives them; and as networks see them, per dimension shifted and scaled to mean 0 and
// deviation 1, so that noise is measured alike in all.
import { normalize, type UnitVector } from '../core/vector.ts'
import type { EmbeddingSpace } from './pipeline-parts.ts'

export function standardise(plain: Float32Array, { mean, std }: EmbeddingSpace): Float32Array {
  return plain.map((value, i) => (value - mean[i]!) / std[i]!)
}

/** Plain again. Throws `bad_input` for a vector without a direction where all have length 1. */
export function unstandardise(standardised: Float32Array, space: EmbeddingSpace): Float32Array {
  const plain = standardised.map((value, i) => value * space.std[i]! + space.mean[i]!)
  return space.unit ? normalize(plain) : plain
}

export function toUnit(plain: Float32Array, space: EmbeddingSpace): UnitVector {
  return space.unit ? (plain as UnitVector) : normalize(plain)
}

/** Where length means something, a vector without one is given the usual. */
export function fromUnit(vector: UnitVector, { unit, mean, std }: EmbeddingSpace): Float32Array {
  if (unit) return vector
  const square = mean.reduce((sum, value, i) => sum + value ** 2 + std[i]! ** 2, 0)
  return vector.map((value) => value * Math.sqrt(square))
}

/** As the decoder takes it, with the share `amount` of noise; the deviations stay what they are. */
export function forDecoder(
  plain: Float32Array,
  space: EmbeddingSpace,
  amount: number,
  noise: () => Float32Array,
): Float32Array {
  const isPlain = space.decoder === 'plain'
  if (amount === 0) return isPlain ? plain : standardise(plain, space)
  const fresh = noise()
  const keep = Math.sqrt(1 - amount * amount)
  const strayed = standardise(plain, space).map((value, i) => keep * value + amount * fresh[i]!)
  if (!isPlain) return strayed
  return strayed.map((value, i) => value * space.std[i]! + space.mean[i]!)
}
