// Why a picture matches.
import { createRoute } from '@hono/zod-openapi'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { ExplainRequest, ExplainResponse } from './explain-contract.ts'
import { answers, at, errors, takes } from './route.ts'
import { askingOf, readTerms } from './terms.ts'

const explain = createRoute({
  ...at('explain'),
  summary: 'Where a picture shows what the terms say, and what each of them adds to its score',
  middleware: [needs('read')],
  request: { body: takes(ExplainRequest) },
  responses: { 200: answers(ExplainResponse, 'Why'), ...errors(404, 409, 413, 415, 422) },
})

/** For the types of the client. */
export const explainRoutes = { explain }

/** Adds the route that explains. */
export function mountExplaining(app: Api, context: ApiContext): void {
  app.openapi(explain, async (c) => {
    const { image, terms } = c.req.valid('json')
    const asking = askingOf(c)
    const [[picture], read] = await Promise.all([
      readTerms(context, [image], 'image', asking),
      readTerms(context, terms, 'terms', asking),
    ])
    const explanation = await context.lucida.explain(picture!, read)
    return c.json(structuredClone(explanation) as ExplainResponse, 200)
  })
}
