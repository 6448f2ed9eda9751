// The HTTP API as one app: what every request goes through, and the routes.
import type { MiddlewareHandler } from 'hono'
import { LucidaError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import type { FetchImageOptions, Lucida } from '../lucida.ts'
import { mountAudits } from './audit-routes.ts'
import { mountBackups } from './backup-routes.ts'
import { openCallers } from './callers.ts'
import { mountClipRetrieval } from './clip-retrieval-routes.ts'
import { mountConcepts } from './concept-routes.ts'
import { type Api, type ApiContext, type ApiEnv, newApp } from './context.ts'
import { mountDocs } from './docs-page.ts'
import { mountDuplicates } from './duplicate-routes.ts'
import { mountEncoding } from './encode-routes.ts'
import { answerError } from './errors.ts'
import { mountExplaining } from './explain-routes.ts'
import { mountGenerations } from './generation-routes.ts'
import { type Generations, openGenerations } from './generations.ts'
import { guardHost, guardOrigin, isLoopback } from './guard.ts'
import { securityHeaders } from './headers.ts'
import { mountHealth } from './health-routes.ts'
import { mountImages } from './image-routes.ts'
import { mountIndexing } from './index-routes.ts'
import { type Jobs, openJobs } from './jobs.ts'
import { mountKeys } from './key-routes.ts'
import { limitBody, type LoadLimits, openLoad } from './limits.ts'
import { openMetrics } from './metrics.ts'
import { mountModels } from './model-routes.ts'
import { isOpenAiPath, toOpenAiError } from './openai-errors.ts'
import { mountOpenAi } from './openai-routes.ts'
import { mountPage } from './page.ts'
import { openRemotePictures } from './remote-picture.ts'
import { mountSafety } from './safety-routes.ts'
import { mountSearch } from './search-routes.ts'
import { mountSessions } from './session-routes.ts'
import { openSessions } from './sessions.ts'
import { mountUploads } from './upload-routes.ts'

/** What a server chooses beside the settings of its Lucida. */
export interface ApiOptions {
  /** Needs no key wherever it listens. */
  readonly insecure?: boolean
  readonly load?: LoadLimits
  /** Stands in for DNS in tests. */
  readonly resolve?: FetchImageOptions['resolve']
  /** Told of errors that no client caused. */
  readonly onError?: (error: unknown) => void
}

/** Answers a request. */
export type Fetch = (request: Request, env?: ApiEnv['Bindings']) => Response | Promise<Response>

/** The API over an open Lucida, whose owner closes it afterwards. */
export interface OpenApi {
  /** For the network. */
  readonly fetch: Fetch
  /** For the owner of the data directory, who may do what the shell may. */
  readonly fetchAsOwner: Fetch
  readonly jobs: Jobs
  readonly generations: Generations
  /**
   * Does work in the background: orders that several processes share, and changes of model, those
   * that an earlier server began included.
   */
  work(): Promise<void>
  /** Loads model and index, so that the first search need not; `/readyz` says when. */
  warmUp(): Promise<void>
  /** Makes `/readyz` say that it is not ready, and changes nothing else. */
  drain(): void
  /** Ends jobs and streams. */
  close(): Promise<void>
}

/** Mounts everything. */
export function createApi(lucida: Lucida, options: ApiOptions = {}): OpenApi {
  const { config } = lucida
  const closing = new AbortController()
  const load = openLoad(options.load)
  const sessions = openSessions(lucida.sessions)
  const callers = openCallers({
    keys: lucida.keys,
    sessions,
    keyRequired: !isLoopback(config.host),
    insecure: options.insecure ?? false,
    rateLimit: config.rateLimit,
    buckets: lucida.buckets,
  })
  const jobs = openJobs(lucida)
  const generations = openGenerations(lucida)
  const metrics = openMetrics(lucida, { jobs, generations, load })
  let warm = false
  let draining = false
  let filling: Promise<void> | undefined
  const context = {
    lucida,
    jobs,
    generations,
    callers,
    sessions,
    metrics,
    allowedRoots: config.allowedRoots,
    isReady: () => warm && !draining && !closing.signal.aborted,
    closing: closing.signal,
  }
  const before: Guard[] = [metrics.measure, securityHeaders, load.limit]
  const network = buildApp(
    { ...context, fetchPicture: openRemotePictures(config.remoteUrls, options.resolve) },
    [
      ...before,
      guardHost(config.host, config.allowedHosts),
      guardOrigin(),
      callers.recognise,
      limitBody(),
    ],
    options,
  )
  const owner = buildApp(
    { ...context, fetchPicture: openRemotePictures(true, options.resolve) },
    [...before, recogniseOwner, limitBody()],
    options,
  )
  return {
    fetch: (request, env) => network.fetch(request, env),
    fetchAsOwner: (request, env) => owner.fetch(request, env),
    jobs,
    generations,
    async work() {
      await lucida.queues.takePart()
      filling ??= lucida.models.keepFilled(closing.signal)
    },
    async warmUp() {
      await lucida.search([{ text: 'warm' }], { limit: 1 })
      warm = true
    },
    drain() {
      draining = true
    },
    async close() {
      closing.abort()
      await Promise.all([jobs.close(), generations.close(), filling])
      await load.idle()
    },
  }
}

const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'Lucida',
    version: VERSION,
    description: 'Finds pictures by meaning, and draws what is missing.',
  },
}

type Guard = MiddlewareHandler<ApiEnv>

/** Over the socket of the data directory, which nobody else may open. */
const recogniseOwner: Guard = async (c, next) => {
  c.set('caller', { scope: 'admin', isOwner: true, client: 'owner' })
  await next()
}

function buildApp(context: ApiContext, guards: readonly Guard[], { onError }: ApiOptions): Api {
  const app = newApp()
  app.onError((error, c) => {
    const answer = answerError(error)
    const { status, headers } = answer
    const { complete, destroyed } = c.env?.incoming ?? {}
    const isCutOff = destroyed === true && complete === false
    // What no client has caused, and what an answer does not say in full.
    const isOurs = status === 500 || (status === 503 && !(error instanceof LucidaError))
    if (isOurs && !isCutOff) onError?.(error)
    const body = isOpenAiPath(c.req.path) ? toOpenAiError(answer) : answer.body
    return c.json(body, status as 400, { ...headers })
  })
  app.notFound((c) => {
    const message = `There is nothing at ${c.req.method} ${c.req.path}`
    return c.json({ error: { code: 'not_found', message } }, 404)
  })
  for (const guard of guards) app.use(guard)
  mountSessions(app, context)
  mountSearch(app, context)
  mountImages(app, context)
  mountUploads(app, context)
  mountEncoding(app, context)
  mountExplaining(app, context)
  mountSafety(app, context)
  mountDuplicates(app, context)
  mountAudits(app, context)
  mountConcepts(app, context)
  mountIndexing(app, context)
  mountGenerations(app, context)
  mountKeys(app, context)
  mountBackups(app, context)
  mountModels(app, context)
  mountClipRetrieval(app, context)
  mountOpenAi(app, context)
  mountHealth(app, context)
  mountPage(app)
  app.doc31('/openapi.json', DOCUMENT)
  mountDocs(app, () => app.getOpenAPI31Document(DOCUMENT))
  return app
}
