// What the definitions of all routes share.
import { z } from '@hono/zod-openapi'
import { ROUTES, type RouteName } from '../client/routes.ts'
import { ErrorResponse, ImageId } from './contract.ts'

/** Name, method and path of a route. */
export function at<Name extends RouteName>(name: Name) {
  const [method, path] = ROUTES[name]
  return { operationId: name, method, path }
}

/** A JSON answer. */
export function answers<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

/** A JSON body. */
export function takes<T extends z.ZodType>(schema: T) {
  return { required: true, content: { 'application/json': { schema } } } as const
}

const MEANINGS = {
  400: 'The request is not valid; the message names the field',
  401: 'A key is needed',
  403: 'The key does not allow it, or the server does not',
  404: 'There is no such thing',
  409: 'The file has changed since it was indexed',
  413: 'Too large',
  415: 'Neither the type of the body nor of a picture is supported',
  416: 'No such range',
  422: 'A picture cannot be read, or the safety policy refuses what is to be drawn',
  429: 'Too many requests; Retry-After says when to come back',
  503: 'Busy; Retry-After says when to come back',
  507: 'The disk, or the bucket, is full',
} as const

type ErrorStatus = keyof typeof MEANINGS

/** Answers that every route may give, and those of `more`. */
export function errors(...more: readonly ErrorStatus[]) {
  return errorsIn(ErrorResponse, more)
}

/** The same in another shape. */
export function errorsIn<T extends z.ZodType>(schema: T, more: readonly ErrorStatus[]) {
  const all = new Set<ErrorStatus>([400, 401, 403, 429, 503, ...more])
  return Object.fromEntries(
    [...all].map((status) => [status, answers(schema, MEANINGS[status])]),
  ) as Record<ErrorStatus, ReturnType<typeof answers<T>>>
}

/** The id in a path. */
export const IdParams = z.object({ id: ImageId })
