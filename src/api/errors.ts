// What a client sees of an error: a status and `{ error: { code, message, details } }`. The one place
// where codes become statuses.
import { HTTPException } from 'hono/http-exception'
import type { z } from '@hono/zod-openapi'
import { type ErrorCode, explainAwayDatabase, LucidaError } from '../core/errors.ts'
import type { ErrorResponse } from './contract.ts'

/** An error with more to say than a code and a sentence. */
export class RequestError extends LucidaError {
  readonly details: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly status: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      details?: unknown
      headers?: Readonly<Record<string, string>>
      /** Where the code alone does not tell it. */
      status?: number
    } = {},
  ) {
    super(code, message)
    this.details = more.details
    this.headers = more.headers ?? {}
    this.status = more.status
  }
}

const STATUSES: Readonly<Record<ErrorCode, number>> = {
  bad_input: 400,
  dimension_mismatch: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  file_changed: 409,
  too_large: 413,
  unsupported_format: 415,
  corrupt_image: 422,
  unreadable: 422,
  refused: 422,
  fetch_failed: 422,
  rate_limited: 429,
  overloaded: 503,
  index_stale: 503,
  database_busy: 503,
  database_unavailable: 503,
  cancelled: 503,
  disk_full: 507,
  model_missing: 500,
  model_invalid: 500,
  checksum_mismatch: 500,
  internal: 500,
}

/** The codes of hono's own exceptions. */
const HONO_CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  413: 'too_large',
  415: 'unsupported_format',
}

/** After which there may be room for more work. */
const RETRY_SECONDS = '30'

/** An answer to a request that failed. */
export interface ErrorAnswer {
  readonly status: number
  readonly body: ErrorResponse
  readonly headers: Readonly<Record<string, string>>
}

/** The answer for anything thrown. What is unexpected is told to the log, not to the client. */
export function answerError(error: unknown): ErrorAnswer {
  if (error instanceof RequestError) {
    const { code, message, details, headers } = error
    const body = { error: { code, message, ...(details !== undefined && { details }) } }
    return { status: error.status ?? STATUSES[code], body, headers }
  }
  if (error instanceof LucidaError) {
    const { code, message } = error
    const headers = code === 'overloaded' ? { 'retry-after': RETRY_SECONDS } : {}
    return { status: STATUSES[code], body: { error: { code, message } }, headers }
  }
  if (error instanceof HTTPException && error.status < 500) {
    const code = HONO_CODES[error.status] ?? 'bad_input'
    const message = error.message || 'The request cannot be understood'
    return { status: error.status, body: { error: { code, message } }, headers: {} }
  }
  if (explainAwayDatabase(error) !== error) {
    const message = 'The database does not answer; what was acknowledged is kept'
    const body = { error: { code: 'database_unavailable' as const, message } }
    return {
      status: STATUSES.database_unavailable,
      body,
      headers: { 'retry-after': RETRY_SECONDS },
    }
  }
  const message = 'Something unexpected went wrong; the log of the server says what'
  return { status: 500, body: { error: { code: 'internal', message } }, headers: {} }
}

/** What is wrong with a request that does not fit its schema: the first field, and all in `details`. */
export function schemaError(error: z.core.$ZodError, where: string): RequestError {
  const issues = error.issues.flatMap((issue) => flatten(issue, []))
  const details = issues.map(({ path, message }) => ({ field: path.join('.') || where, message }))
  const { field, message } = details[0] ?? { field: where, message: 'Not valid' }
  return new RequestError('bad_input', `${field}: ${message}`, { details })
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** Of a union, the issues of the member that comes closest: its names are known. */
function flatten(issue: z.core.$ZodIssue, before: readonly PropertyKey[]): Issue[] {
  const path = [...before, ...issue.path]
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) {
    return [{ path, message: issue.message }]
  }
  const closest = issue.errors.toSorted((a, b) => distance(a) - distance(b))[0]!
  return closest.flatMap((inner) => flatten(inner, path))
}

function distance(issues: readonly z.core.$ZodIssue[]): number {
  const isForeign = issues.some(
    ({ code, path }) =>
      code === 'unrecognized_keys' || (code === 'invalid_type' && path.length < 1),
  )
  return issues.length + (isForeign ? 1000 : 0)
}
