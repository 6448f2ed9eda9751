// How much each concept of a policy is to be seen in a picture, from the picture's vector alone.
import { resolve } from 'node:path'
import { dot, type UnitVector, weightedSum } from '../core/vector.ts'
import type { EmbedTexts } from '../models/clip.ts'
import type { ModelSpec } from '../models/manifest.ts'
import { isRelevant, type NeutralBank, percentile } from '../search/relevance.ts'
import { readHead } from './head.ts'
import type { Policy } from './policy.ts'

/** A concept and how surely it is there, in [0, 1]. */
export interface ConceptScore {
  readonly concept: string
  readonly score: number
}

/** The same beside what it takes to be flagged. */
export interface RatedConcept extends ConceptScore {
  readonly threshold: number
}

/** Scores pictures for all concepts of a policy. */
export interface Concepts {
  readonly scores: (picture: UnitVector) => RatedConcept[]
  /** Those that reach their thresholds. */
  readonly flags: (picture: UnitVector) => ConceptScore[]
}

/** What scoring takes. */
export interface ConceptContext {
  readonly model: ModelSpec
  readonly embedTexts: EmbedTexts
  readonly bank: () => Promise<NeutralBank>
}

interface OpenConcept {
  readonly threshold: number
  readonly name: string
  readonly score: (picture: UnitVector) => number
  readonly reaches: (picture: UnitVector) => boolean
}

/** Embeds the prompts and reads the heads, which lie in `folder`. Throws what `readHead` throws. */
export async function openConcepts(
  { model, embedTexts, bank }: ConceptContext,
  { concepts }: Policy,
  folder: string,
): Promise<Concepts> {
  const neutral = await bank()
  const open = await Promise.all(
    concepts.map(async (concept): Promise<OpenConcept> => {
      const { name, threshold } = concept
      if ('head' in concept) {
        const score = await readHead(resolve(folder, concept.head), model)
        return { name, threshold, score, reaches: (picture) => score(picture) >= threshold }
      }
      const prompts = await embedTexts(concept.prompts)
      const direction = weightedSum(prompts.map((vector) => ({ vector, weight: 1 })))
      return {
        name,
        threshold,
        score: (picture) => percentile(neutral, picture, dot(direction, picture)),
        // Most pictures are ruled out by the first captions.
        reaches: (picture) => isRelevant(neutral, picture, dot(direction, picture), threshold),
      }
    }),
  )
  return {
    scores: (picture) =>
      open.map(({ name, threshold, score }) => ({
        concept: name,
        score: score(picture),
        threshold,
      })),
    flags: (picture) =>
      open
        .filter(({ reaches }) => reaches(picture))
        .map(({ name, score }) => ({ concept: name, score: score(picture) })),
  }
}
