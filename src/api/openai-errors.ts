// Errors as OpenAI's clients expect them, on the routes that are OpenAI's.
import { ROUTES } from '../client/routes.ts'
import type { ErrorAnswer } from './errors.ts'
import type { OpenAiError } from './openai-contract.ts'

const PATHS: ReadonlySet<string> = new Set([
  ROUTES.openaiGenerate[1],
  ROUTES.openaiEdit[1],
  ROUTES.openaiVary[1],
])

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
}

/** Whether a path is one of OpenAI's. */
export function isOpenAiPath(path: string): boolean {
  return PATHS.has(path)
}

/** The same error in OpenAI's shape. */
export function toOpenAiError({ status, body }: ErrorAnswer): OpenAiError {
  const { code, message } = body.error
  const type = TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error')
  // Our messages begin with the field that they are about.
  const param = /^([a-z_]+(?:\[\])?(?:\.\w+)*): /.exec(message)?.[1] ?? null
  // What OpenAI's clients know it by.
  const known = code === 'refused' ? 'content_policy_violation' : code
  return { error: { message, type, param, code: known } }
}
