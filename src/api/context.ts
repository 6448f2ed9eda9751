// What the routes work with.
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Lucida } from '../lucida.ts'
import type { Callers } from './callers.ts'
import type { Scope } from './contract.ts'
import { schemaError } from './errors.ts'
import type { Generations } from './generations.ts'
import type { Jobs } from './jobs.ts'
import type { Metrics } from './metrics.ts'
import type { Sessions } from './sessions.ts'

/** Everything that a route may use. */
export interface ApiContext {
  readonly lucida: Lucida
  readonly jobs: Jobs
  readonly generations: Generations
  readonly callers: Callers
  readonly sessions: Sessions
  readonly metrics: Metrics
  /** A picture at an address. Throws `forbidden` where that is not allowed. */
  readonly fetchPicture: (url: string, signal: AbortSignal) => Promise<Uint8Array>
  /** Folders in which roots may be added over HTTP. */
  readonly allowedRoots: readonly string[]
  readonly isReady: () => boolean
  /** Aborted when the server begins to close. */
  readonly closing: AbortSignal
}

/** Who is asking. */
export interface Caller {
  /** What it may do; `null` for nobody in particular where a key is needed. */
  readonly scope: Scope | null
  /** The owner of the data directory, through its socket: may do what the shell may. */
  readonly isOwner: boolean
  /** Whose share of the rate limit it takes: a key's id, or an address. */
  readonly client: string
  /** Of a signed-in page. */
  readonly csrfToken?: string
}

/** What travels with a request. */
export interface ApiEnv {
  Bindings: {
    incoming?: {
      /** Whether the request was received whole. */
      complete?: boolean
      /** Whether no more of it will be. */
      destroyed?: boolean
      socket: { remoteAddress?: string; encrypted?: boolean }
    }
  }
  Variables: { caller: Caller }
}

export type Api = OpenAPIHono<ApiEnv>

/** An empty app whose validation speaks our language. */
export function newApp(): Api {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw schemaError(result.error, result.target)
    },
  })
}
