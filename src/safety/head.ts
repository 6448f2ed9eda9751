// A linear head: a concept learned elsewhere from labelled vectors, as a file of weights. It says
// something about vectors of one model and recipe only.
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { LucidaError } from '../core/errors.ts'
import { dot, type UnitVector } from '../core/vector.ts'
import type { ModelSpec } from '../models/manifest.ts'

const schema = z.object({
  model: z.string(),
  recipe: z.string(),
  weights: z.array(z.number()).min(1),
  bias: z.number(),
})

/** Probability in [0, 1] that a picture shows the concept. */
export type Head = (picture: UnitVector) => number

/** Reads a head for the vectors of `model`. Throws `not_found`, `bad_input`, `dimension_mismatch`. */
export async function readHead(path: string, model: ModelSpec): Promise<Head> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LucidaError('not_found', `Cannot read the safety head ${path}`, { cause })
  })
  const parsed = schema.safeParse(parseJson(text))
  if (!parsed.success) {
    const message = `The safety head ${path} must have model, recipe, weights and bias`
    throw new LucidaError('bad_input', message)
  }
  const { weights, bias, ...of } = parsed.data
  // Silence here would let everything pass.
  if (of.model !== model.name || of.recipe !== model.recipe || weights.length !== model.dimension) {
    throw new LucidaError(
      'dimension_mismatch',
      `The safety head ${path} is for vectors of ${of.model} (recipe ${of.recipe}), and searches use ${model.name} (${model.recipe}); train it anew or take it out of the policy`,
    )
  }
  const direction = Float32Array.from(weights)
  return (picture) => 1 / (1 + Math.exp(-(dot(direction, picture) + bias)))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
