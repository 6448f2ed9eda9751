// Who may do what: each scope includes those before it.
import type { MiddlewareHandler } from 'hono'
import type { ApiEnv } from './context.ts'
import type { Scope } from './contract.ts'
import { RequestError } from './errors.ts'

const SCOPES: readonly Scope[] = ['read', 'write', 'admin']

/** Whether a caller with `scope` may do what needs `needed`. */
export function allows(scope: Scope | null, needed: Scope): boolean {
  return scope !== null && SCOPES.indexOf(scope) >= SCOPES.indexOf(needed)
}

/** Lets a request through whose caller may do it. Throws `unauthorized`, `forbidden`. */
export function needs(needed: Scope): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { scope } = c.get('caller')
    if (scope === null) {
      throw new RequestError('unauthorized', 'An API key is needed: Authorization: Bearer lk_…', {
        headers: { 'www-authenticate': 'Bearer' },
      })
    }
    if (!allows(scope, needed)) {
      throw new RequestError('forbidden', `This needs a key with the scope ${needed}`)
    }
    await next()
  }
}
