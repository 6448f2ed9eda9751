// The contract of models: which answers, and how a change to another goes.
import { z } from '@hono/zod-openapi'

const progress = {
  model: z.string(),
  pictures: z.int().openapi({ description: 'That are there' }),
  filled: z.int().openapi({ description: 'Those of them that have a vector of this model' }),
  failed: z.int().openapi({ description: 'Those that cannot be read' }),
}

/** How a change of model stands. */
export const ModelChange = z
  .object({
    ...progress,
    state: z.enum(['filling', 'paused', 'waiting']).openapi({
      description: '`waiting`: what is missing lies in folders that are away',
    }),
    since: z.iso.datetime(),
  })
  .openapi('ModelChange')

export const ModelsResponse = z
  .object({
    pinned: z.boolean().openapi({
      description: 'The model was set for this server, which follows no change',
    }),
    serving: z.object(progress),
    previous: z.string().nullable().openapi({ description: 'What a rollback brings back' }),
    change: ModelChange.nullable(),
    trouble: z.string().nullable().openapi({ description: 'Why filling does not go on' }),
    stored: z.array(z.object({ model: z.string(), recipe: z.string(), vectors: z.int() })),
  })
  .openapi('Models')

/** The name of a model, in any of the usual styles; never the path of a folder on the server. */
const modelName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\w][\w./:@+-]*$/, 'Expected the name of a model')

export const UseModelRequest = z
  .strictObject({
    model: modelName,
    now: z.boolean().optional().openapi({
      description: 'Answers at once, with the pictures that it has so far',
    }),
  })
  .openapi('UseModelRequest')

export const ModelParams = z.object({ model: modelName })

export const DroppedResponse = z.object({ dropped: z.int() })

export const FillFailuresResponse = z.object({
  items: z.array(
    z.object({ id: z.string(), path: z.string(), code: z.string(), reason: z.string() }),
  ),
})

/** The JSON forms, for the client. */
export type ModelsState = z.infer<typeof ModelsResponse>
