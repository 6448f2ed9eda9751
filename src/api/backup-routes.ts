// A copy of the embedded database, for `lucida backup` on a directory that a server has open: for the
// directory's owner only.
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createRoute, z } from '@hono/zod-openapi'
import { streamSSE } from 'hono/streaming'
import { needs, needsOwner } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { at, errors, takes } from './route.ts'

const copyDatabase = createRoute({
  ...at('copyDatabase'),
  summary: 'Copy the embedded database, for a backup; for the shell only',
  middleware: [needs('admin'), needsOwner],
  request: { body: takes(z.strictObject({})) },
  responses: {
    200: {
      description:
        'A server-sent event `copied` with its folder, which is removed when the connection closes',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    ...errors(415),
  },
})

/** For the types of the client. */
export const backupRoutes = { copyDatabase }

/** Adds the route. */
export function mountBackups(app: Api, { lucida, closing }: ApiContext): void {
  app.openapi(copyDatabase, async (c) => {
    const folder = await lucida.copyDatabase()
    return streamSSE(c, async (stream) => {
      const gone = new AbortController()
      stream.onAbort(() => gone.abort())
      closing.addEventListener('abort', () => gone.abort(), { signal: gone.signal })
      if (closing.aborted) gone.abort()
      await stream.writeSSE({ event: 'copied', data: JSON.stringify({ folder }) })
      if (!gone.signal.aborted) await once(gone.signal, 'abort')
      // A client that is killed could not.
      await rm(folder, { recursive: true, force: true })
    })
  })
}
