// Duplicates, each group labelled by how it was found.
import { createRoute } from '@hono/zod-openapi'
import { invalidInput } from '../core/errors.ts'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { DuplicatesQuery, DuplicatesResponse } from './contract.ts'
import { toImage } from './present.ts'
import { answers, at, errors } from './route.ts'

const duplicates = createRoute({
  ...at('duplicates'),
  summary: 'Pictures that are there more than once: exact, near, or look-alike',
  middleware: [needs('read')],
  request: { query: DuplicatesQuery },
  responses: { 200: answers(DuplicatesResponse, 'Groups'), ...errors() },
})

/** For the types of the client. */
export const duplicateRoutes = { duplicates }

/** Adds the route of duplicates. */
export function mountDuplicates(app: Api, { lucida }: ApiContext): void {
  app.openapi(duplicates, async (c) => {
    const { kind, limit, cursor, minScore } = c.req.valid('query')
    if (cursor !== undefined && !/^[0-9a-f]{64}$/.test(cursor)) {
      throw invalidInput('cursor', 'the nextCursor of the page before', cursor)
    }
    const page = await lucida.duplicates(kind, { after: cursor, limit, minScore })
    const items = page.groups.map((group) => ({
      kind: group.kind,
      images: group.pictures.map(({ picture }) => toImage(picture)),
      similarity: group.pictures.map(({ similarity }) => similarity),
    }))
    return c.json({ items, nextCursor: page.next }, 200)
  })
}
