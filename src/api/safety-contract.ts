// The contract of the safety policy's scores.
import { z } from '@hono/zod-openapi'
import { ConceptScore, MAX_TERMS, PictureSource } from './contract.ts'

/** Body of `POST /v1/safety`. */
export const SafetyRequest = z
  .strictObject({ images: z.array(PictureSource).min(1).max(MAX_TERMS) })
  .openapi('SafetyRequest')

/** One list a picture, in the order of the policy. */
export const SafetyResponse = z
  .object({
    results: z.enum(['off', 'label', 'hide']).openapi({
      description: 'What becomes of results that reach a threshold',
    }),
    drawing: z.enum(['off', 'prompts', 'pictures']),
    scores: z.array(
      z.array(ConceptScore.extend({ threshold: z.number() }).openapi('RatedConcept')),
    ),
  })
  .openapi('SafetyScores')
