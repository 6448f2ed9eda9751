// What the safety policy thinks of pictures.
import { createRoute } from '@hono/zod-openapi'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { answers, at, errors, takes } from './route.ts'
import { SafetyRequest, SafetyResponse } from './safety-contract.ts'
import { askingOf, readTerms } from './terms.ts'

const safetyScores = createRoute({
  ...at('safetyScores'),
  summary: 'How much of each concept of the safety policy pictures may show, whatever it does',
  middleware: [needs('read')],
  request: { body: takes(SafetyRequest) },
  responses: { 200: answers(SafetyResponse, 'One list a picture'), ...errors(404, 413, 415, 422) },
})

/** For the types of the client. */
export const safetyRoutes = { safetyScores }

/** Adds the route that scores. */
export function mountSafety(app: Api, context: ApiContext): void {
  const { lucida } = context
  app.openapi(safetyScores, async (c) => {
    const pictures = await readTerms(context, c.req.valid('json').images, 'images', askingOf(c))
    const scores = await lucida.safetyScores(pictures)
    const { safety: results, drawingSafety: drawing } = lucida.config
    return c.json({ results, drawing, scores }, 200)
  })
}
