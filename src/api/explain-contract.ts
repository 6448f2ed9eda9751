// The contract of explanations: where a picture shows what a query says, and which term counts how much.
import { z } from '@hono/zod-openapi'
import { MAX_TERMS, PictureSource, QueryTerm } from './contract.ts'

const number = z.number()
const share = number.min(0).max(1)

/** Body of `POST /v1/explain`. */
export const ExplainRequest = z
  .strictObject({
    image: PictureSource.openapi({ description: 'The picture to explain' }),
    terms: z.array(QueryTerm).min(1).max(MAX_TERMS).openapi({ description: 'As of a search' }),
  })
  .openapi('ExplainRequest')

const values = z.array(number)

/** A grid of numbers over a picture. */
export const HeatMap = z
  .object({
    width: z.int(),
    height: z.int(),
    values: values.openapi({
      description: 'Row by row, in units of the score; negative where it speaks against the query',
    }),
    area: z
      .object({ left: share, top: share, width: share, height: share })
      .openapi({ description: 'The part of the picture under the grid, in shares of its sides' }),
  })
  .openapi('HeatMap')

/** What one term adds. */
export const ExplainedTerm = z
  .object({
    weight: number,
    cosine: number.openapi({ description: 'Of this term alone and the picture' }),
    contribution: number.openapi({
      description: 'What it adds to the score; all of them sum to it',
    }),
    values: values.openapi({ description: "Its part of the map's values, which sum to them" }),
  })
  .openapi('ExplainedTerm')

/** Why a picture scores what it scores. */
export const ExplainResponse = z
  .object({
    model: z.string(),
    method: z.enum(['cells', 'occlusion']).openapi({
      description:
        '`cells`: what each part adds to the score, whose mean it is; `occlusion`: what the score ' +
        'loses when that part is hidden',
    }),
    score: number.openapi({ description: 'Cosine of query and picture' }),
    relevance: number.nullable().openapi({ description: 'Null unless the query is all text' }),
    relevanceThreshold: number.nullable(),
    map: HeatMap,
    terms: z.array(ExplainedTerm).openapi({ description: 'In the order of the query' }),
  })
  .openapi('Explanation')

export type HeatMap = z.output<typeof HeatMap>
export type ExplainResponse = z.output<typeof ExplainResponse>
