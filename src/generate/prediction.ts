// What networks predict, and what it says about the picture and about the noise in x.

/** How noisy x is: x = data · z + noise · ε, where z is the picture and ε normal noise. */
export interface Level {
  /** What the network is told. */
  readonly time: number
  readonly data: number
  readonly noise: number
}

/**
 * `sample`: z. `epsilon`: ε. `velocity`: ε - z, where data + noise = 1 (flow matching).
 * `v_prediction`: data · ε - noise · z, where data² + noise² = 1 (Salimans and Ho 2022).
 */
export type PredictionKind = 'sample' | 'epsilon' | 'velocity' | 'v_prediction'

/** What a network says about x. */
export interface Prediction {
  readonly value: Float32Array
  /** Between the smallest and the largest sensible variance, -1 to 1, where the network says. */
  readonly variance?: Float32Array
}

/** One call of a network, whatever guides it. `step` counts from 0. */
export type Predict = (x: Float32Array, time: number, step: number) => Promise<Prediction>

/** A prediction as picture and noise. */
export function parts(
  kind: PredictionKind,
  x: Float32Array,
  predicted: Float32Array,
  { data, noise }: Level,
): { z: Float32Array; epsilon: Float32Array } {
  const z = new Float32Array(x.length)
  const epsilon = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) {
    const p = predicted[i]!
    switch (kind) {
      case 'sample':
        z[i] = p
        epsilon[i] = (x[i]! - data * p) / noise
        break
      case 'epsilon':
        z[i] = (x[i]! - noise * p) / data
        epsilon[i] = p
        break
      case 'velocity':
        z[i] = x[i]! - noise * p
        epsilon[i] = x[i]! + data * p
        break
      case 'v_prediction':
        z[i] = data * x[i]! - noise * p
        epsilon[i] = data * p + noise * x[i]!
    }
  }
  return { z, epsilon }
}

/** data · z + noise · ε */
export function mix(level: Level, z: Float32Array, epsilon: Float32Array): Float32Array {
  return z.map((value, i) => level.data * value + level.noise * epsilon[i]!)
}

/** Kept within ±limit, in place; `null` keeps it as it is. */
export function clip(z: Float32Array, limit: number | null): Float32Array {
  if (limit === null) return z
  for (let i = 0; i < z.length; i++) z[i] = Math.max(-limit, Math.min(limit, z[i]!))
  return z
}
