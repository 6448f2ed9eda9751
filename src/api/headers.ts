// Headers that keep browsers from doing more with an answer than it is meant for.
import type { MiddlewareHandler } from 'hono'
import type { ApiEnv } from './context.ts'

const HEADERS: Readonly<Record<string, string>> = {
  // A picture may be an SVG with scripts in it: opened by itself, it may do nothing at all.
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** Sets the headers that the route has not set itself; what is not a picture is not kept. */
export const securityHeaders: MiddlewareHandler<ApiEnv> = async (c, next) => {
  await next()
  const { headers } = c.res
  for (const [name, value] of Object.entries(HEADERS)) {
    if (!headers.has(name)) headers.set(name, value)
  }
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
}
