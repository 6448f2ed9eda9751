// Keys, for `lucida keys` on a directory that a server has open: for the directory's owner only.
import { createRoute, z } from '@hono/zod-openapi'
import { needs, needsOwner } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { CreateKeyRequest, CreateKeyResponse, KeysResponse } from './contract.ts'
import { answers, at, errors, takes } from './route.ts'

const forOwner = [needs('admin'), needsOwner]

const keys = createRoute({
  ...at('keys'),
  summary: 'The API keys; for the shell only, like the two below',
  middleware: forOwner,
  responses: { 200: answers(KeysResponse, 'Keys, oldest first'), ...errors() },
})

const createKey = createRoute({
  ...at('createKey'),
  summary: 'Make an API key',
  middleware: forOwner,
  request: { body: takes(CreateKeyRequest) },
  responses: { 201: answers(CreateKeyResponse, 'The key, shown this once'), ...errors(415) },
})

const revokeKey = createRoute({
  ...at('revokeKey'),
  summary: 'Revoke an API key',
  middleware: forOwner,
  request: { params: z.object({ id: z.string().min(1).max(64).regex(/^\w+$/) }) },
  responses: { 204: { description: 'Revoked' }, ...errors(404) },
})

/** For the types of the client. */
export const keyRoutes = { keys, createKey, revokeKey }

/** Adds the routes of keys. */
export function mountKeys(app: Api, { lucida, callers }: ApiContext): void {
  app.openapi(keys, async (c) => {
    const items = (await lucida.keys.list()).map(({ createdAt, ...key }) => {
      return { ...key, createdAt: createdAt.toISOString() }
    })
    return c.json({ items }, 200)
  })

  app.openapi(createKey, async (c) => {
    const { createdAt, ...made } = await lucida.keys.create(c.req.valid('json'))
    callers.forget()
    return c.json({ ...made, createdAt: createdAt.toISOString() }, 201)
  })

  app.openapi(revokeKey, async (c) => {
    await lucida.keys.revoke(c.req.valid('param').id)
    callers.forget()
    return c.body(null, 204)
  })
}
