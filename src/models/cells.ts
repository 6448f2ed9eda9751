// A picture in parts: the last features of an image tower before they are averaged. What follows is
// linear, so that each part's own share of any score is known exactly (class activation mapping, Zhou
// et al. 2016, "Learning Deep Features for Discriminative Localization").
import { LucidaError } from '../core/errors.ts'
import { dot } from '../core/vector.ts'
import type { ModelSpec } from './manifest.ts'
import type { FloatTensor } from './session.ts'

/** A grid over what the tower sees of a picture, row by row. */
export interface Cells {
  readonly width: number
  readonly height: number
  /** Of any length: their mean is the picture's unit vector. */
  readonly vectors: readonly Float32Array[]
}

/** [n, cells, d], of which the first picture counts. Throws `model_invalid` for another shape. */
export function toCells({ data, dims }: FloatTensor, model: ModelSpec): Cells {
  const [, count = 0, dimension] = dims
  const width = Math.round(Math.sqrt((count * model.pixels.widthPx) / model.pixels.heightPx))
  const height = count / width
  if (dims.length !== 3 || dimension !== model.dimension || !Number.isInteger(height)) {
    throw new LucidaError(
      'model_invalid',
      `${model.name} gave cells of shape [${dims.join(', ')}] where [n, a grid, ${model.dimension}] was expected`,
    )
  }
  const mean = new Float32Array(dimension)
  for (let i = 0; i < count * dimension; i++) mean[i % dimension]! += data[i]! / count
  const length = Math.sqrt(dot(mean, mean))
  const vectors = Array.from({ length: count }, (_, cell) =>
    data.slice(cell * dimension, (cell + 1) * dimension).map((value) => value / length),
  )
  return { width, height, vectors }
}
