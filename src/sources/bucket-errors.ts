// What a bucket answers, in our words. Nothing of the SDK's own messages or objects is passed on:
// they may hold addresses, signed headers and what stands in profiles.
import { LucidaError, systemCode } from '../core/errors.ts'
import { parseBucketPath } from '../core/place.ts'

/** What is wrong with a request for `path`. Our own errors are returned as they are. */
export function bucketError(error: unknown, path: string): LucidaError {
  if (error instanceof LucidaError) return error
  const { bucket } = parseBucketPath(path)
  const name = nameOf(error)
  const status = statusOf(error)
  if (name === 'NoSuchBucket') {
    return new LucidaError('not_found', `There is no bucket ${bucket} (${SETTINGS})`)
  }
  if (status === 404) return new LucidaError('not_found', `${path} does not exist`)
  if (status === 412) {
    return new LucidaError('file_changed', `The object ${path} has changed; index it again`)
  }
  if (status === 507 || FULL.has(name)) {
    return new LucidaError('disk_full', `The bucket ${bucket} is full (${name}); free some space`)
  }
  return new LucidaError('unreadable', reasonOf(name, status, bucket))
}

/** Whether the same request may succeed later, without anybody doing anything. */
export function isPassing(error: unknown): boolean {
  if (error instanceof LucidaError || nameOf(error) === NO_CREDENTIALS) return false
  const status = statusOf(error)
  return status === undefined || status >= 500 || status === 429 || THROTTLED.has(nameOf(error))
}

const NO_CREDENTIALS = 'CredentialsProviderError'
const FULL = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientCapacity'])
const THROTTLED = new Set(['SlowDown', 'Throttling', 'ThrottlingException', 'RequestTimeout'])
const ELSEWHERE = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
])
const SETTINGS = 'for this AWS_ENDPOINT_URL_S3 and these credentials'

function reasonOf(name: string, status: number | undefined, bucket: string): string {
  if (name === 'InvalidObjectState') {
    return 'The object is archived (GLACIER or the like); restore it, and index again'
  }
  if (name === NO_CREDENTIALS) {
    return `There are no credentials for the bucket ${bucket}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile (AWS_PROFILE), or give the machine a role`
  }
  if (ELSEWHERE.has(name)) {
    return `The bucket ${bucket} lies in another region (${name}): set AWS_REGION`
  }
  if (status === 401 || status === 403) {
    return `The bucket ${bucket} refuses access (${name}): the credentials need s3:ListBucket and s3:GetObject, for Lucida's own files s3:PutObject and s3:DeleteObject too (docs/buckets.md)`
  }
  return `The bucket ${bucket} cannot be reached (${name}); try again`
}

/** The code of a system's error, or what S3 calls it. */
function nameOf(error: unknown): string {
  const code = systemCode(error)
  if (code !== undefined && /^E[A-Z_]{2,40}$/.test(code)) return code
  const name = (error as { name?: unknown } | null)?.name
  return typeof name === 'string' && /^\w{1,60}$/.test(name) ? name : 'no reason given'
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode
}
