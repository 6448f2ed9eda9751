// Names of places where pictures lie: a folder or file of this machine as its path, and a bucket's as
// `s3://bucket/key`, which is never normalised: a key may have anything in it, `//` and `..` too.
import { join, resolve, sep } from 'node:path'
import { LucidaError } from './errors.ts'

const SCHEME = 's3://'

/** Letters, digits, dots, dashes, underscores; so a key and its secret are never taken for a name. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/

/** Whether a path names something in a bucket. */
export function isBucketPath(path: string): boolean {
  return path.startsWith(SCHEME)
}

/** What stands between the names of a path. */
export function separatorOf(path: string): string {
  return isBucketPath(path) ? '/' : sep
}

/** A bucket and a key in it, which is empty for the bucket itself. Throws `bad_input`. */
export function parseBucketPath(path: string): { readonly bucket: string; readonly key: string } {
  const slash = path.indexOf('/', SCHEME.length)
  const end = slash < 0 ? path.length : slash
  const bucket = path.slice(SCHEME.length, end)
  if (!isBucketPath(path) || !BUCKET.test(bucket)) {
    // What stands there may be a secret, and is not repeated.
    throw new LucidaError(
      'bad_input',
      'Expected s3://bucket/prefix: a name of letters, digits, dots and dashes, and no credentials; those belong in the environment or a profile (docs/buckets.md)',
    )
  }
  return { bucket, key: path.slice(end + 1) }
}

/**
 * The one name of a place that somebody calls `name`: absolute, and without slashes at the end.
 * Throws `bad_input` for what begins like a bucket and is none.
 */
export function placeOf(name: string, cwd = '.'): string {
  if (!isBucketPath(name)) return resolve(cwd, name)
  const { bucket, key } = parseBucketPath(name)
  const prefix = key.replace(/\/+$/, '')
  return prefix === '' ? `${SCHEME}${bucket}` : `${SCHEME}${bucket}/${prefix}`
}

/** A file or folder by its name in another one. */
export function placeIn(folder: string, name: string): string {
  return isBucketPath(folder) ? `${folder}/${name}` : join(folder, name)
}
