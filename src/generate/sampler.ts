// What a sampler is: a walk from noise to a picture, one step a level of noise.
import type { Level, Predict } from './prediction.ts'

export interface Walk {
  /** Where it begins, at the first level. */
  readonly x: Float32Array
  readonly predict: Predict
  /** Fresh normal noise, as long as x. */
  readonly noise: () => Float32Array
}

/** Where the walk is after a step. */
export interface Place {
  /** At the next level. Whoever alters it, alters what the next step begins with. */
  readonly x: Float32Array
  /** The picture as predicted in this step. */
  readonly z: Float32Array
}

/** Yields after each step; the last place is the picture. */
export type Sampler = (walk: Walk) => AsyncGenerator<Place, void>

/** A sampler with its levels. */
export interface Plan {
  /** One more than there are steps: the last is where the walk ends. */
  readonly levels: readonly Level[]
  /** Pure noise times this is where a walk begins that begins with nothing else. */
  readonly initial: number
  /** How often `noise` will be called. */
  readonly draws: number
  readonly sample: Sampler
}
