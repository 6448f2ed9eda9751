// Guards against other people's web pages: any of them can make a browser call a local server, and
// DNS can be rebound so that their name points here. So the Host must be one of ours, and what
// changes anything must come from our own page or from no page at all.
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { Context, MiddlewareHandler } from 'hono'
import type { ApiEnv } from './context.ts'
import { RequestError } from './errors.ts'

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether an address to listen on is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || host.startsWith('127.')
}

/**
 * Refuses requests that call the server by a foreign name. An address cannot be rebound, so where
 * the server is open to the network any address is a name of ours.
 */
export function guardHost(
  boundTo: string,
  allowedHosts: readonly string[],
): MiddlewareHandler<ApiEnv> {
  const isOpen = !isLoopback(boundTo)
  const names = new Set([
    ...LOOPBACK_NAMES,
    boundTo.toLowerCase(),
    ...(isOpen ? [hostname().toLowerCase()] : []),
    ...allowedHosts.map((name) => name.toLowerCase()),
  ])
  return async (c, next) => {
    const name = hostOf(c.req.header('host') ?? new URL(c.req.url).host)
    const isAddress = isIP(name.replace(/^\[|\]$/g, '')) !== 0
    if (!names.has(name) && !(isOpen && isAddress)) {
      throw new RequestError(
        'forbidden',
        `The server is not called ${name}; LUCIDA_ALLOWED_HOSTS names others`,
        { status: 421 },
      )
    }
    await next()
  }
}

/** Whether a request may change something: also a search that draws what it does not find. */
export function isChange({ req }: Context<ApiEnv>): boolean {
  const isReading = req.method === 'GET' || req.method === 'HEAD'
  return !isReading || req.query('ifNotFound') === 'generate'
}

/** Refuses what would change something on behalf of another site's page. */
export function guardOrigin(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (isChange(c)) {
      const site = c.req.header('sec-fetch-site')
      const origin = c.req.header('origin')
      const host = c.req.header('host') ?? new URL(c.req.url).host
      const isOwn = origin === undefined || originHost(origin) === host.toLowerCase()
      if (!isOwn || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
        throw new RequestError('forbidden', "Requests from another site's page are refused")
      }
    }
    await next()
  }
}

/** The name without its port. */
function hostOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '')
}

function originHost(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
}
