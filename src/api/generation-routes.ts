// Drawing pictures: orders, how they go, what was drawn, and keeping it.
import { createRoute, z } from '@hono/zod-openapi'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { ImageId } from './contract.ts'
import { GenerationRequest, GenerationResponse } from './generation-contract.ts'
import { readOrder } from './orders.ts'
import { answers, at, errors, takes } from './route.ts'
import { streamEvents } from './stream-events.ts'
import { askingOf } from './terms.ts'

const startGeneration = createRoute({
  ...at('startGeneration'),
  summary: 'Draw something: a text, a sum, what lies between, a change, more like the best hits',
  middleware: [needs('write')],
  request: { body: takes(GenerationRequest) },
  responses: {
    200: answers(GenerationResponse, 'The same is being drawn, or was drawn and kept'),
    202: answers(GenerationResponse, 'It is drawn in its turn'),
    ...errors(404, 409, 413, 415, 422),
  },
})

const GenerationParams = z.object({ id: z.string().regex(/^[\w-]{1,64}$/, 'Expected an id') })

const generation = createRoute({
  ...at('generation'),
  summary: 'How an order to draw stands',
  middleware: [needs('read')],
  request: { params: GenerationParams },
  responses: { 200: answers(GenerationResponse, 'The order'), ...errors(404) },
})

const cancelGeneration = createRoute({
  ...at('cancelGeneration'),
  summary: 'Cancel an order; it ends between two steps',
  middleware: [needs('write')],
  request: { params: GenerationParams },
  responses: { 202: answers(GenerationResponse, 'The order'), ...errors(404) },
})

const generationEvents = createRoute({
  ...at('generationEvents'),
  summary:
    'Follow an order: server-sent events `step` (with previews now and then), `judged` (a round ' +
    'is over) and `generation` (how it stands)',
  middleware: [needs('read')],
  request: { params: GenerationParams },
  responses: {
    200: {
      description: 'Ends with the order; Last-Event-ID goes on where a connection broke',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    ...errors(404),
  },
})

const CandidateParams = GenerationParams.extend({
  n: z
    .string()
    .regex(/^\d{1,3}$/, 'Expected a number from 0')
    .transform(Number)
    .openapi({ type: 'integer', description: 'From 0, the best' }),
})

const candidate = createRoute({
  ...at('candidate'),
  summary: 'A picture that was drawn, with its marks, while it is remembered',
  middleware: [needs('read')],
  request: { params: CandidateParams },
  responses: {
    200: { description: 'The picture', content: { 'image/png': { schema: z.string() } } },
    ...errors(404),
  },
})

const keepCandidate = createRoute({
  ...at('keepCandidate'),
  summary: 'Put a picture that was drawn into the collection; copies are not kept',
  middleware: [needs('write')],
  request: { params: CandidateParams, body: takes(z.strictObject({})) },
  responses: {
    200: answers(z.object({ picture: ImageId }), 'Its id in the collection'),
    ...errors(404, 415),
  },
})

/** For the types of the client. */
export const generationRoutes = {
  startGeneration,
  generation,
  cancelGeneration,
  generationEvents,
  candidate,
  keepCandidate,
}

/** Adds the routes that draw. */
export function mountGenerations(app: Api, context: ApiContext): void {
  const { generations } = context

  app.openapi(startGeneration, async (c) => {
    const order = await readOrder(context, c.req.valid('json'), askingOf(c))
    const { generation, isNew } = await generations.order(order)
    return c.json({ generation }, isNew ? 202 : 200)
  })

  app.openapi(generation, async (c) => {
    return c.json({ generation: await generations.find(c.req.valid('param').id) }, 200)
  })

  app.openapi(cancelGeneration, async (c) => {
    return c.json({ generation: await generations.cancel(c.req.valid('param').id) }, 202)
  })

  app.openapi(generationEvents, async (c) => {
    const { id } = c.req.valid('param')
    await generations.find(id)
    return streamEvents(c, {
      standing: ['generation', () => generations.find(id)],
      events: (after, signal) => generations.events(id, after, signal),
      nameOf: ({ type }) => type,
      isMilestone: ({ type }) => type !== 'step',
      closing: context.closing,
    })
  })

  app.openapi(candidate, async (c) => {
    const { id, n } = c.req.valid('param')
    const { png } = await generations.candidate(id, n)
    // An id is never used twice, so what it names never changes.
    const headers = { 'cache-control': 'private, max-age=31536000, immutable' }
    return c.body(png, 200, { ...headers, 'content-type': 'image/png' })
  })

  app.openapi(keepCandidate, async (c) => {
    const { id, n } = c.req.valid('param')
    return c.json({ picture: await generations.keep(id, n) }, 200)
  })
}
