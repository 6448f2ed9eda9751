// What a request may weigh, and how many are taken in at once. Whoever comes on top of that is told
// so early, before anything of theirs is read.
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { ROUTES } from '../client/routes.ts'
import type { ApiEnv } from './context.ts'
import { RequestError } from './errors.ts'

/** An uploaded picture. Parsing and hashing it must not hold up others. */
export const MAX_UPLOAD_BYTES = 20_000_000
/** A picture that is uploaded to stay: also those of large cameras. */
export const MAX_PICTURE_BYTES = 64_000_000
/** A JSON body, pictures in base64 included. */
export const MAX_JSON_BYTES = 8_000_000
/** Bodies of which only a few are taken in at once. */
const LARGE_BYTES = 1_000_000

const HEALTH: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics'])

/** Routes that take a form with pictures. */
const UPLOADS: ReadonlySet<string> = new Set([
  ROUTES.searchImage[1],
  ROUTES.openaiEdit[1],
  ROUTES.openaiVary[1],
])

/** How many requests are worked on at once. */
export interface LoadLimits {
  readonly requests?: number
  /** A body above `MAX_UPLOAD_BYTES` counts as four. */
  readonly largeBodies?: number
}

/** Counts what is under way, for a gauge. */
export interface Load {
  readonly limit: MiddlewareHandler<ApiEnv>
  /** Requests under way. */
  readonly requests: number
  /** Waits until none is: also those whose clients have gone, which nothing else waits for. */
  idle(): Promise<void>
}

/** Refuses with 503 what comes on top of the limits. */
export function openLoad({
  requests: max = 256,
  largeBodies: maxLarge = 8,
}: LoadLimits = {}): Load {
  let requests = 0
  let large = 0
  const waiting: (() => void)[] = []
  return {
    get requests() {
      return requests
    },
    async limit(c, next) {
      // Whoever is told that a busy server is dead would restart it.
      if (HEALTH.has(c.req.path)) return next()
      const share = shareOf(c)
      if (requests >= max || (share > 0 && large + share > maxLarge)) throw busy()
      requests++
      large += share
      try {
        await next()
      } finally {
        requests--
        large -= share
        if (requests === 0) for (const resolve of waiting.splice(0)) resolve()
      }
    },
    idle: () =>
      requests === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
  }
}

/** Refuses bodies that are too large, or of a type that the route does not take. */
export function limitBody(): MiddlewareHandler<ApiEnv> {
  const tooLarge = (maxBytes: number) =>
    bodyLimit({
      maxSize: maxBytes,
      onError: () => {
        throw new RequestError('too_large', `The body is larger than ${maxBytes / 1e6} MB`)
      },
    })
  const json = tooLarge(MAX_JSON_BYTES)
  const upload = tooLarge(MAX_UPLOAD_BYTES)
  const picture = tooLarge(MAX_PICTURE_BYTES)
  return (c, next) => {
    if (c.req.method !== 'POST') return next()
    const type = (c.req.header('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
    const isPicture = c.req.path === ROUTES.uploadImage[1]
    const isUpload = isPicture || UPLOADS.has(c.req.path)
    const expected = isUpload ? 'multipart/form-data' : 'application/json'
    if (type !== expected) {
      throw new RequestError('unsupported_format', `Content-Type: Expected ${expected}`)
    }
    return (isPicture ? picture : isUpload ? upload : json)(c, next)
  }
}

/** How much of what is taken in at once a body takes up. */
function shareOf(c: Context<ApiEnv>): number {
  const bytes = bodyBytes(c)
  if (bytes <= LARGE_BYTES) return 0
  return c.req.path === ROUTES.uploadImage[1] && bytes > MAX_UPLOAD_BYTES ? 4 : 1
}

/** A body of unknown length counts as large. */
function bodyBytes(c: Context<ApiEnv>): number {
  if (c.req.header('transfer-encoding') !== undefined) return Infinity
  return Number(c.req.header('content-length') ?? 0)
}

function busy(): RequestError {
  return new RequestError('overloaded', 'Too many requests are under way; try again', {
    headers: { 'retry-after': '1' },
  })
}
