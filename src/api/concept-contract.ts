// The contract of concepts that people teach: what is told, and what is known of one.
import { z } from '@hono/zod-openapi'
import { ConceptName, drawnText, ImageId, MAX_TERMS, PictureSource } from './contract.ts'

const share = z.number().min(0).max(1)

/** Body of `POST /v1/concepts`. */
export const TeachRequest = z
  .strictObject({
    name: ConceptName,
    like: z.array(PictureSource).max(MAX_TERMS).default([]).openapi({
      description: 'Pictures that are one; with those known already, one at least',
    }),
    unlike: z.array(PictureSource).max(MAX_TERMS).default([]).openapi({
      description: 'Pictures that are not; a sample of the collection counts as such too',
    }),
    text: drawnText.optional().openapi({
      description: 'Words for it, which help while there are few examples',
    }),
    anew: z.boolean().default(false).openapi({
      description: 'Forget the examples that it was taught before',
    }),
  })
  .openapi('TeachRequest')

/** A concept. */
export const Concept = z
  .object({
    name: ConceptName,
    text: z.string().nullable(),
    like: z.array(ImageId),
    unlike: z.array(ImageId),
    model: z.string().openapi({ description: 'What it was last fitted to' }),
    quality: z
      .object({
        averagePrecision: share.openapi({
          description: 'Of the examples, each left out in turn, among a sample of the collection',
        }),
        auc: share.openapi({ description: 'Chance that one left out is above one of those' }),
      })
      .nullable()
      .openapi({ description: 'Null where there is only one example' }),
    createdAt: z.string(),
    taughtAt: z.string(),
  })
  .openapi('Concept')

export const ConceptsResponse = z.object({ items: z.array(Concept) })

export type Concept = z.output<typeof Concept>
