// Concepts that people teach: told by examples, listed, forgotten. Searching by one is a term, a
// filter or a label of the other routes.
import { createRoute, z } from '@hono/zod-openapi'
import type { Concept as Known } from '../lucida.ts'
import { needs } from './callers.ts'
import { Concept, ConceptsResponse, TeachRequest } from './concept-contract.ts'
import type { Api, ApiContext } from './context.ts'
import { ConceptName } from './contract.ts'
import { answers, at, errors, takes } from './route.ts'
import { askingOf, readTerms } from './terms.ts'

const params = z.object({ name: ConceptName })

const teachConcept = createRoute({
  ...at('teachConcept'),
  summary: 'Teach a concept by examples, or add some to it',
  middleware: [needs('write')],
  request: { body: takes(TeachRequest) },
  responses: {
    200: answers(Concept, 'The concept, fitted to all its examples'),
    ...errors(404, 413, 415, 422),
  },
})

const concepts = createRoute({
  ...at('concepts'),
  summary: 'The concepts that were taught',
  middleware: [needs('read')],
  responses: { 200: answers(ConceptsResponse, 'Concepts, by name'), ...errors() },
})

const concept = createRoute({
  ...at('concept'),
  summary: 'One concept',
  middleware: [needs('read')],
  request: { params },
  responses: { 200: answers(Concept, 'The concept'), ...errors(404) },
})

const forgetConcept = createRoute({
  ...at('forgetConcept'),
  summary: 'Forget a concept and its examples; the pictures stay',
  middleware: [needs('write')],
  request: { params },
  responses: { 204: { description: 'Forgotten' }, ...errors(404) },
})

/** For the types of the client. */
export const conceptRoutes = { teachConcept, concepts, concept, forgetConcept }

/** Adds the routes of concepts. */
export function mountConcepts(app: Api, context: ApiContext): void {
  const { concepts: known } = context.lucida

  app.openapi(teachConcept, async (c) => {
    const { name, like, unlike, ...how } = c.req.valid('json')
    const asking = askingOf(c)
    const teaching = {
      ...how,
      like: await readTerms(context, like, 'like', asking),
      unlike: await readTerms(context, unlike, 'unlike', asking),
    }
    return c.json(toConcept(await known.teach(name, teaching)), 200)
  })

  app.openapi(concepts, async (c) => {
    return c.json({ items: (await known.list()).map(toConcept) }, 200)
  })

  app.openapi(concept, async (c) => {
    return c.json(toConcept(await known.find(c.req.valid('param').name)), 200)
  })

  app.openapi(forgetConcept, async (c) => {
    await known.forget(c.req.valid('param').name)
    return c.body(null, 204)
  })
}

function toConcept({ createdAt, taughtAt, like, unlike, ...concept }: Known): Concept {
  return {
    ...concept,
    like: [...like],
    unlike: [...unlike],
    createdAt: createdAt.toISOString(),
    taughtAt: taughtAt.toISOString(),
  }
}
