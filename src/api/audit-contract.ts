// The contract of audits, of the attributes that searches can be balanced by, and of model cards.
import { z } from '@hono/zod-openapi'
import { Filter, FilterQuery, numeral } from './contract.ts'

/** Labels of one request. */
const MAX_LABELS = 50_000

const text = z.string().min(1).max(500)
const number = z.number()
const k = z.int().min(5).max(1000)
const seed = z
  .int()
  .min(0)
  .max(2 ** 31)
const target = z.enum(['collection', 'equal']).openapi({
  description: 'What results are compared with: the whole collection, or equal shares',
})

/** Body of `POST /v1/audit`. */
export const AuditRequest = z
  .strictObject({
    attributes: z.array(text).max(50).optional().openapi({
      description: 'Names of `GET /v1/attributes`; all of them when not given',
    }),
    k: k.default(25).openapi({ description: 'First so many pictures for each query' }),
    target: target.default('collection'),
    seed: seed.default(1),
    permutations: z.int().min(99).max(9999).default(999),
    resamples: z.int().min(100).max(9999).default(1000),
    labels: z
      .record(z.string().min(1).max(4096), text)
      .refine((all) => Object.keys(all).length <= MAX_LABELS, `Expected at most ${MAX_LABELS}`)
      .optional()
      .openapi({
        description: 'From a path, a file name or an id to what a person has called the picture',
      }),
    filter: Filter.optional(),
  })
  .openapi('AuditRequest')

/** Query of `GET /v1/audit/report`. */
export const AuditReportQuery = z
  .object({
    attribute: text.optional(),
    k: numeral(k).default(25),
    target: target.default('collection'),
    seed: numeral(seed).default(1),
  })
  .extend(FilterQuery.shape)

const interval = z.array(number.nullable()).min(2).max(2).openapi({
  description: 'Bounds of a 95 % interval, by resampling; null where there is nothing to resample',
})
const overQueries = z.object({ mean: number, interval, p: number }).nullable()
const rate = z.object({ group: z.string(), pictures: z.int(), rate: number, interval })

/** What an audit says. */
export const AuditReport = z
  .object({
    schema: z.literal('lucida.audit/1'),
    model: z.string(),
    pictures: z.int(),
    k: z.int(),
    target,
    seed: z.int(),
    permutations: z.int(),
    resamples: z.int(),
    associations: z.array(
      z.object({
        name: z.string(),
        title: z.string(),
        source: z.string(),
        control: z.boolean().openapi({
          description: 'Found in any sound model: where it is not, the others say little',
        }),
        targets: z.array(z.string()),
        attributes: z.array(z.string()),
        of: z.enum(['words', 'pictures']),
        effect: number.openapi({
          description: "Cohen's d; positive: the first targets lie nearer to the first attributes",
        }),
        interval,
        p: number.openapi({ description: 'Two-sided, by permutation' }),
        adjustedP: number,
        isExact: z.boolean(),
        permutations: z.int(),
      }),
    ),
    compositions: z.array(
      z.object({
        attribute: z.string(),
        title: z.string(),
        source: z.string(),
        limits: z.string(),
        kind: z.enum(['prompts', 'labels']),
        skipped: z.string().nullable().openapi({ description: 'Why nothing was measured' }),
        pictures: z.int().openapi({ description: 'Pictures that have a value' }),
        values: z.array(z.object({ name: z.string(), share: number, target: number })),
        queries: z.array(
          z.object({
            query: z.string(),
            shares: z.array(number),
            maxSkew: number,
            interval,
            favoured: z.string(),
            ndkl: number,
            p: number,
            adjustedP: number,
          }),
        ),
        maxSkew: overQueries,
        ndkl: overQueries,
      }),
    ),
    sensitivity: z
      .object({
        queries: z.array(
          z.object({ query: z.string(), phrases: z.int(), overlap: number, rbo: number }),
        ),
        overlap: number,
        overlapInterval: interval,
        rbo: number,
        rboInterval: interval,
      })
      .nullable(),
    misclassification: z.array(
      z.object({ name: z.string(), source: z.string(), groups: z.array(rate) }),
    ),
    caveats: z.array(z.string()),
  })
  .openapi('AuditReport')

/** What searches can be balanced by. */
export const AttributesResponse = z
  .object({
    items: z.array(
      z.object({
        name: z.string(),
        title: z.string(),
        source: z.string(),
        limits: z.string(),
        kind: z.enum(['prompts', 'labels']),
      }),
    ),
  })
  .openapi('Attributes')

/** Name of a model in a path. */
export const ModelParams = z.object({
  name: z.string().min(1).max(200).openapi({ example: 'lucida-clip-1' }),
})

export type AuditRequest = z.input<typeof AuditRequest>
export type AuditReport = z.output<typeof AuditReport>
export type AttributesResponse = z.output<typeof AttributesResponse>
