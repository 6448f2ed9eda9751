// Who is asking: the owner of the data directory, a key, a signed-in page, or nobody in particular,
// who may do everything where no key is needed.
import { isIPv6 } from 'node:net'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie } from 'hono/cookie'
import ipaddr from 'ipaddr.js'
import type { ApiKey, ApiKeys, KeyRing, SharedBuckets } from '../lucida.ts'
import type { ApiEnv, Caller } from './context.ts'
import type { Scope } from './contract.ts'
import { RequestError } from './errors.ts'
import { isChange, isLoopback } from './guard.ts'
import { openRateLimit } from './rate-limit.ts'
import { openSharedRateLimit } from './shared-rate-limit.ts'
import { isSame, type Sessions } from './sessions.ts'

/** Name of the page's cookie. */
export const COOKIE = 'lucida_session'

/** Whether the process lives must not depend on the database; nothing else is said there. */
const OPEN: ReadonlySet<string> = new Set(['/livez', '/readyz'])

/** Of keys that were made here. */
const KEY_PREFIX = 'lk_'

const SCOPES: readonly Scope[] = ['read', 'write', 'admin']
/** Of one address; right keys are not held up by wrong ones. */
const WRONG_KEYS_PER_MINUTE = 20
/** A key that another process makes or revokes is noticed after so long. */
const KEYS_FRESH_MS = 2000

/** How callers are told apart. */
export interface CallerOptions {
  readonly keys: ApiKeys
  readonly sessions: Sessions
  /** Needed by everybody; otherwise as soon as there is one. */
  readonly keyRequired: boolean
  /** Needed by nobody. */
  readonly insecure: boolean
  readonly rateLimit: number
  /** Where other servers count too. */
  readonly buckets: SharedBuckets | null
}

/** Recognises callers. */
export interface Callers {
  /** Sets `caller` and takes its share of the rate limit. Throws `unauthorized`, `rate_limited`. */
  readonly recognise: MiddlewareHandler<ApiEnv>
  /** The key that `text` is. Throws like `recognise`. */
  verify(text: string, address: string): Promise<ApiKey>
  isKeyRequired(): Promise<boolean>
  /** After a change of the keys by this process. */
  forget(): void
}

/** Opens the door with these settings. */
export function openCallers(options: CallerOptions): Callers {
  const { keys, sessions, keyRequired, insecure, rateLimit, buckets } = options
  const openLimit = (name: string, perMinute: number) =>
    buckets ? openSharedRateLimit(buckets, name, perMinute) : openRateLimit(perMinute)
  const wrongKeys = openLimit('wrong keys', WRONG_KEYS_PER_MINUTE)
  const requests = openLimit('requests', rateLimit)
  /** Revoking the last key must not open the door. */
  let everAny = false
  let loaded: { ring: Promise<KeyRing>; at: number } | undefined

  function ring(): Promise<KeyRing> {
    if (!loaded || performance.now() - loaded.at > KEYS_FRESH_MS) {
      const fresh = { ring: keys.load(), at: performance.now() }
      // A failure is not remembered.
      fresh.ring.catch(() => (loaded = undefined))
      loaded = fresh
    }
    return loaded.ring
  }

  async function isKeyRequired(): Promise<boolean> {
    if (insecure) return false
    everAny ||= (await ring()).size > 0
    return keyRequired || everAny
  }

  async function verify(text: string, address: string): Promise<ApiKey> {
    const found = (await ring()).verify(text)
    if (found) return found
    await wrongKeys.take(address)
    throw new RequestError('unauthorized', 'The key is not valid', {
      headers: { 'www-authenticate': 'Bearer' },
    })
  }

  async function byCookie(c: Context<ApiEnv>): Promise<Caller | null> {
    const token = getCookie(c, COOKIE)
    const session = token === undefined ? null : await sessions.find(token)
    if (!session) return null
    const { key, csrfToken } = session
    if (isChange(c) && !isSame(c.req.header('x-csrf-token') ?? '', csrfToken)) {
      throw new RequestError('forbidden', 'X-CSRF-Token: Expected the token of GET /v1/session')
    }
    return { scope: key.scope, isOwner: false, client: key.id, csrfToken }
  }

  async function identify(c: Context<ApiEnv>): Promise<Caller> {
    const address = addressOf(c)
    const text = keyOf(c)
    // Other programs' clients always send some key, also where none is needed.
    if (text !== undefined && (text.startsWith(KEY_PREFIX) || (await isKeyRequired()))) {
      const key = await verify(text, address)
      return { scope: key.scope, isOwner: false, client: key.id }
    }
    const page = await byCookie(c)
    if (page) return page
    const scope = (await isKeyRequired()) ? null : 'admin'
    return { scope, isOwner: false, client: address }
  }

  return {
    async recognise(c, next) {
      if (OPEN.has(c.req.path)) return next()
      const caller = await identify(c)
      c.set('caller', caller)
      // Whoever sits at this machine and needs no key shares it with nobody.
      const isLocal = caller.scope === 'admin' && isLoopback(caller.client)
      if (!isLocal) await requests.take(caller.client)
      await next()
    },
    verify,
    isKeyRequired,
    forget() {
      loaded = undefined
      sessions.forget()
    },
  }
}

/** The client's address, for limits; what a proxy says of others is not believed. */
export function addressOf(c: Context<ApiEnv>): string {
  const given = c.env?.incoming?.socket.remoteAddress ?? '127.0.0.1'
  const address = given.replace(/^::ffff:/, '')
  if (!isIPv6(address) || isLoopback(address)) return address
  // A machine has all the addresses of its network to choose from.
  const { parts } = ipaddr.IPv6.parse(address.replace(/%.*$/, ''))
  return parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')
}

/** Whether a caller with `scope` may do what needs `needed`. */
export function allows(scope: Scope | null, needed: Scope): boolean {
  return scope !== null && SCOPES.indexOf(scope) >= SCOPES.indexOf(needed)
}

/** Lets a request through whose caller may do it. Throws `unauthorized`, `forbidden`. */
export function needs(needed: Scope): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    assertAllowed(c.get('caller').scope, needed)
    await next()
  }
}

/** Throws `unauthorized`, `forbidden`. */
export function assertAllowed(scope: Scope | null, needed: Scope): void {
  if (scope === null) {
    const message = 'A key is needed: Authorization: Bearer lk_… (lucida keys create makes one)'
    throw new RequestError('unauthorized', message, { headers: { 'www-authenticate': 'Bearer' } })
  }
  if (!allows(scope, needed)) {
    throw new RequestError('forbidden', `This needs a key with the scope ${needed}`)
  }
}

/** For the owner of the data directory, over its socket. Throws `forbidden`. */
export const needsOwner: MiddlewareHandler<ApiEnv> = async (c, next) => {
  if (!c.get('caller').isOwner) {
    throw new RequestError('forbidden', 'This is for the shell of the machine only')
  }
  await next()
}

function keyOf(c: Context<ApiEnv>): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  return bearer ?? c.req.header('x-api-key')
}
