// The contract of drawing: what may be ordered, and how an order stands.
import { z } from '@hono/zod-openapi'
import {
  drawnText,
  ImageId,
  JobState,
  MAX_TERMS,
  pictureBase64,
  PictureSource,
  Term,
} from './contract.ts'

const number = z.number()
const share = number.min(0).max(1)

/** What may be said of any order beside its idea. */
const how = {
  avoid: drawnText.optional().openapi({ description: 'What to stay away from' }),
  candidates: z.int().min(1).max(16).optional().openapi({
    description: 'Pictures a round; 4 when not given',
  }),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional()
    .openapi({ description: 'Of the first candidate, the others count on; any when not given' }),
  steps: z.int().min(1).max(200).optional(),
  guidance: number.min(0).max(20).optional().openapi({
    description: '1 follows the idea, more exaggerates it',
  }),
  variation: share.optional().openapi({ description: 'How far to stray; 0 when not given' }),
  start: z
    .strictObject({
      image: PictureSource,
      strength: number.gt(0).max(1).optional().openapi({
        description: 'How much of it goes; 0.6 when not given',
      }),
      mask: pictureBase64.optional().openapi({
        description:
          "A picture in the start's shape: what is white or transparent may change, the rest stays",
      }),
    })
    .optional()
    .openapi({ description: 'A picture to begin with' }),
  size: z
    .strictObject({ width: z.int().min(16).max(2048), height: z.int().min(16).max(2048) })
    .optional()
    .openapi({ description: 'Pixels of the files, resampled; as drawn when not given' }),
  rounds: z.int().min(1).max(5).optional().openapi({
    description: 'While nothing passes, tries again, so many times in all; once when not given',
  }),
  keep: z
    .enum(['none', 'best', 'accepted'])
    .optional()
    .openapi({
      description:
        'What goes into the collection: nothing, the best candidate, or only one that is relevant ' +
        'and scores more than anything there. Never a near copy of what is there',
    }),
}

const terms = z.array(Term).min(1).max(MAX_TERMS)

/** Body of `POST /v1/generations`: exactly one idea, and how it is to be drawn. */
export const GenerationRequest = z
  .union([
    z.strictObject({ text: drawnText.openapi({ description: 'What to draw' }), ...how }),
    z.strictObject({
      terms: terms.openapi({ description: 'A sum to draw; of one picture alone, variations' }),
      ...how,
    }),
    z.strictObject({
      between: z.array(Term).length(2).openapi({ description: 'What lies on the way' }),
      at: share.openapi({ description: '0 is the first, 1 the second' }),
      ...how,
    }),
    z.strictObject({
      change: PictureSource.openapi({ description: 'A picture that is to be another' }),
      to: drawnText.openapi({ description: 'What there is to be more of' }),
      from: drawnText.optional().openapi({ description: 'What less of; "a photo" if not given' }),
      by: share.optional().openapi({ description: 'How far; 0.35 when not given' }),
      ...how,
    }),
    z.strictObject({
      hitsOf: terms.openapi({ description: 'More like the best hits of this search' }),
      count: z.int().min(1).max(20).optional().openapi({ description: '5 when not given' }),
      ...how,
    }),
  ])
  .openapi('GenerationRequest')

/** A picture that was drawn, and what is thought of it. */
export const Candidate = z
  .object({
    seed: z.int(),
    round: z.int(),
    guidance: number,
    score: number.openapi({ description: 'Cosine of its vector and what was asked for' }),
    relevance: number.nullable().openapi({ description: 'Null unless the idea is all text' }),
    passes: z.boolean().openapi({
      description: 'Relevant, no near copy, and better than what the collection offers',
    }),
    nearest: z
      .object({ id: ImageId, score: number })
      .nullable()
      .openapi({ description: 'The indexed picture that is nearest to it' }),
    nearCopyOf: ImageId.nullable().openapi({
      description: 'An indexed picture that it is a near copy of; then it is never kept',
    }),
    memorised: z.boolean().openapi({
      description: 'A near copy of a picture that the pipeline was trained on; never kept either',
    }),
    url: z.string().nullable().openapi({ description: 'A PNG; null once it is forgotten' }),
  })
  .openapi('Candidate')

const recorded = z.record(z.string(), z.unknown())

/** An order to draw, as it stands. */
export const Generation = z
  .object({
    id: z.string(),
    status: JobState,
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
    request: z.object({
      idea: recorded.openapi({ description: 'Texts as they are, pictures by their SHA-256' }),
      avoid: z.string().optional(),
      start: recorded.optional(),
      candidates: z.int(),
      seed: z.int(),
      steps: z.int(),
      guidance: number,
      variation: number,
      rounds: z.int(),
      keep: z.enum(['none', 'best', 'accepted']),
      size: z.object({ width: z.int(), height: z.int() }).optional(),
    }),
    progress: z
      .object({ round: z.int(), step: z.int(), steps: z.int() })
      .nullable()
      .openapi({ description: 'The last step that was made, while it runs' }),
    tries: z
      .array(
        z.object({
          round: z.int(),
          guidance: number,
          seeds: z.array(z.int()),
          scores: z.array(number),
        }),
      )
      .openapi({ description: 'The rounds so far' }),
    candidates: z.array(Candidate).openapi({ description: 'Best first, once it is done' }),
    picture: ImageId.nullable().openapi({ description: 'The picture that was kept' }),
    offered: number.nullable().openapi({
      description: 'What the best picture of the collection scored, where that was asked',
    }),
    withheld: z.int().openapi({ description: 'Candidates that the safety policy kept back' }),
    eventsUrl: z.string(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .openapi('Generation')

export const GenerationResponse = z.object({ generation: Generation })

/** What the event `step` says. */
export const GenerationStep = z.object({
  type: z.literal('step'),
  round: z.int(),
  step: z.int(),
  steps: z.int(),
  seeds: z.array(z.int()),
  previews: z
    .array(z.string())
    .optional()
    .openapi({ description: 'A data: URL for each seed, every few steps' }),
})

/** What the event `judged` says. */
export const GenerationJudged = z.object({
  type: z.literal('judged'),
  try: Generation.shape.tries.element,
})

export type GenerationRequest = z.input<typeof GenerationRequest>
export type Candidate = z.output<typeof Candidate>
export type Generation = z.output<typeof Generation>
export type GenerationResponse = z.output<typeof GenerationResponse>
export type GenerationStep = z.output<typeof GenerationStep>
export type GenerationJudged = z.output<typeof GenerationJudged>
