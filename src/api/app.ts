// The HTTP API as one app: what every request goes through, and the routes.
import { VERSION } from '../core/version.ts'
import type { Lucida } from '../lucida.ts'
import { type ApiContext, type ApiEnv, newApp } from './context.ts'
import { mountEncoding } from './encode-routes.ts'
import { answerError } from './errors.ts'
import { mountHealth } from './health-routes.ts'
import { mountImages } from './image-routes.ts'
import { mountIndexing } from './index-routes.ts'
import { type Jobs, openJobs } from './jobs.ts'
import { mountPage } from './page.ts'
import { mountSearch } from './search-routes.ts'
import { RequestError } from './errors.ts'

/** What a server chooses. */
export interface ApiOptions {
  readonly allowedRoots?: readonly string[]
  /** Told of errors that no client caused. */
  readonly onError?: (error: unknown) => void
}

/** The API over an open Lucida, whose owner closes it afterwards. */
export interface OpenApi {
  readonly fetch: (request: Request, env?: ApiEnv['Bindings']) => Response | Promise<Response>
  readonly jobs: Jobs
  /** Ends jobs and streams. */
  close(): Promise<void>
}

/** Mounts everything. */
export function createApi(lucida: Lucida, options: ApiOptions = {}): OpenApi {
  const { allowedRoots = [], onError = () => {} } = options
  const closing = new AbortController()
  const jobs = openJobs(lucida)
  const context: ApiContext = {
    lucida,
    jobs,
    allowedRoots,
    isReady: () => !closing.signal.aborted,
    closing: closing.signal,
    fetchPicture: async () => {
      throw new RequestError('forbidden', 'Remote addresses are not fetched')
    },
  }
  const app = newApp()
  app.use(async (c, next) => {
    c.set('caller', { scope: 'admin', isOwner: false })
    await next()
  })
  mountSearch(app, context)
  mountImages(app, context)
  mountEncoding(app, context)
  mountIndexing(app, context)
  mountHealth(app, context)
  mountPage(app)
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Lucida', version: VERSION, description: 'Finds pictures by meaning.' },
  })
  app.notFound((c) => {
    const message = `There is nothing at ${c.req.method} ${c.req.path}`
    return c.json({ error: { code: 'not_found', message } }, 404)
  })
  app.onError((error, c) => {
    const { status, body, headers } = answerError(error)
    if (status === 500) onError(error)
    return c.json(body, status as 400, { ...headers })
  })
  return {
    fetch: (request, env) => app.fetch(request, env),
    jobs,
    async close() {
      closing.abort()
      await jobs.close()
    },
  }
}
