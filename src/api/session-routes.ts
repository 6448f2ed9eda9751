// Signing a page in and out.
import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { addressOf, COOKIE } from './callers.ts'
import type { Api, ApiContext, ApiEnv } from './context.ts'
import { SessionResponse, SignInRequest } from './contract.ts'
import { answers, at, errors, takes } from './route.ts'

const session = createRoute({
  ...at('session'),
  summary: 'Whether a key is needed, and what the caller may do',
  responses: { 200: answers(SessionResponse, 'The caller'), ...errors() },
})

const signIn = createRoute({
  ...at('signIn'),
  summary: 'Sign a page in with a key',
  request: { body: takes(SignInRequest) },
  responses: { 200: answers(SessionResponse, 'Signed in; a cookie is set'), ...errors(415) },
})

const signOut = createRoute({
  ...at('signOut'),
  summary: 'Sign a page out',
  responses: { 204: { description: 'Signed out' }, ...errors() },
})

/** For the types of the client. */
export const sessionRoutes = { session, signIn, signOut }

/** Adds the routes of signed-in pages. */
export function mountSessions(app: Api, { callers, sessions }: ApiContext): void {
  app.openapi(session, async (c) => {
    const { scope, csrfToken = null } = c.get('caller')
    return c.json({ keyRequired: await callers.isKeyRequired(), scope, csrfToken }, 200)
  })

  app.openapi(signIn, async (c) => {
    const { key } = c.req.valid('json')
    const { id, scope } = await callers.verify(key, addressOf(c))
    const { token, csrfToken } = await sessions.open(id)
    setCookie(c, COOKIE, token, {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      secure: isSecure(c),
    })
    return c.json({ keyRequired: await callers.isKeyRequired(), scope, csrfToken }, 200)
  })

  app.openapi(signOut, async (c) => {
    const token = getCookie(c, COOKIE)
    if (token !== undefined) await sessions.close(token)
    deleteCookie(c, COOKIE, { path: '/' })
    return c.body(null, 204)
  })
}

/** What a proxy says may only make the cookie stricter. */
function isSecure(c: Context<ApiEnv>): boolean {
  return c.env?.incoming?.socket.encrypted === true || c.req.header('x-forwarded-proto') === 'https'
}
