// Whether the server lives, whether it is ready for searches, and how it does.
import { createRoute, z } from '@hono/zod-openapi'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { HealthResponse } from './contract.ts'
import { RequestError } from './errors.ts'
import { answers, at, errors } from './route.ts'

const livez = createRoute({
  ...at('livez'),
  summary: 'Whether the process answers',
  responses: { 200: answers(HealthResponse, 'It does') },
})

const readyz = createRoute({
  ...at('readyz'),
  summary: 'Whether model and index are loaded',
  responses: { 200: answers(HealthResponse, 'They are'), ...errors(503) },
})

const metrics = createRoute({
  ...at('metrics'),
  summary: 'Counters and histograms for Prometheus',
  middleware: [needs('read')],
  responses: {
    200: { description: 'Metrics', content: { 'text/plain': { schema: z.string() } } },
    ...errors(),
  },
})

/** For the types of the client. */
export const healthRoutes = { livez, readyz }

/** Adds the health checks. */
export function mountHealth(app: Api, context: ApiContext): void {
  app.openapi(livez, (c) => c.json({ status: 'ok' }, 200))
  app.openapi(readyz, (c) => {
    if (!context.isReady()) {
      throw new RequestError('overloaded', 'Starting or stopping', {
        headers: { 'retry-after': '1' },
      })
    }
    return c.json({ status: 'ready' }, 200)
  })
  app.openapi(metrics, async (c) => {
    const { type, text } = await context.metrics.render()
    return c.text(text, 200, { 'content-type': type })
  })
}
