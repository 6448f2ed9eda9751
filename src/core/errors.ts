// The one error type that leaves Lucida. Edges map `code` to an exit code or an HTTP status.

/** Stable codes; callers may branch on them, so they change only with a major version. */
export type ErrorCode =
  | 'bad_input'
  | 'not_found'
  | 'dimension_mismatch'
  | 'model_missing'
  | 'model_invalid'
  | 'checksum_mismatch'
  | 'index_stale'
  | 'database_busy'
  | 'database_unavailable'
  | 'disk_full'
  | 'fetch_failed'
  | 'unsupported_format'
  | 'corrupt_image'
  | 'too_large'
  | 'unreadable'
  | 'file_changed'
  | 'cancelled'
  | 'unauthorized'
  | 'forbidden'
  | 'refused'
  | 'rate_limited'
  | 'overloaded'
  | 'internal'

/** An error that names the thing that is wrong and what to do about it. */
export class LucidaError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'LucidaError'
    this.code = code
  }
}

/** `Expected integer between 1 and 200 for limit but received 0`, the form used by sharp. */
export function invalidInput(name: string, expected: string, actual: unknown): LucidaError {
  return new LucidaError(
    'bad_input',
    `Expected ${expected} for ${name} but received ${describe(actual)}`,
  )
}

/** The text of any thrown value, for messages that quote a library's own words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Codes of a disk or quota that is full: the system's, and Postgres' own. */
const FULL_DISK = new Set(['ENOSPC', 'EDQUOT', '53100'])

/**
 * `error` in clear words when a full disk is what caused it, else `error` itself. `kept` tells whether
 * the same run goes on where this one has ended.
 */
export function explainFullDisk(error: unknown, where: string, kept = true): unknown {
  const own = ownError(error)
  if (own) return own
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!FULL_DISK.has(systemCode(cause) ?? '')) continue
    const message = `The disk of ${where} is full (${cause.message}). ${afterFullDisk(kept)}`
    return new LucidaError('disk_full', message, { cause: error })
  }
  return error
}

/** What to do about a full disk; `kept` tells whether the same run goes on where it has ended. */
export function afterFullDisk(kept: boolean): string {
  return `${kept ? 'What was done is kept; free' : 'Free'} some space and run the same again`
}

/** What is in clear words already: the store's own errors come wrapped by the library that asks it. */
function ownError(error: unknown): LucidaError | null {
  if (error instanceof LucidaError) return error
  return isFailedQuery(error) && error.cause instanceof LucidaError ? error.cause : null
}

function isFailedQuery(error: unknown): error is Error {
  return error instanceof Error && error.message.startsWith('Failed query')
}

/** SQLSTATEs of a server that is not there, or goes; of any node, where it is a cluster. */
const AWAY = new Set(['08000', '08001', '08003', '08004', '08006', '57P01', '57P02', '57P03'])

/** Codes of a connection over the network that is refused or cut. */
const CUT = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

/** What the driver says without a code. */
const CUT_TEXT =
  /^Connection terminated|^timeout exceeded when trying to connect|^Client has encountered a connection error/

/** `error` in clear words when a database that does not answer is what caused it, else `error` itself. */
export function explainAwayDatabase(error: unknown): unknown {
  const own = ownError(error)
  if (own) return own
  const isQuery = isFailedQuery(error)
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = systemCode(cause) ?? ''
    const isCut = CUT.has(code) && (isQuery || 'port' in cause)
    if (!AWAY.has(code) && !isCut && !CUT_TEXT.test(cause.message)) continue
    const message =
      `The database, or a node of it, does not answer (${cause.message.split('\n', 1)[0]}). ` +
      'What was acknowledged is kept; try again when it is back'
    return new LucidaError('database_unavailable', message, { cause: error })
  }
  return error
}

/** The `code` of a Node.js system error (`ENOENT`, `EACCES`, …), if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/** ENOSPC and its like, as opposed to the codes of Node's own errors. */
export function isSystemError(error: unknown): boolean {
  return /^E[A-Z0-9]+$/.test(systemCode(error) ?? '')
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'object'
  return String(value)
}
