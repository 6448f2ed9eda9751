// Lists what lies below a prefix of a bucket, page by page, in byte order of the keys.
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { LucidaError } from '../core/errors.ts'
import { folderRange } from '../core/folder-range.ts'
import { parseBucketPath } from '../core/place.ts'
import { bucketError, isPassing } from './bucket-errors.ts'
import { s3Client } from './s3-client.ts'
import type { ScannedFile } from './source.ts'
import { versionTime } from './version-time.ts'

/** As many as S3 gives at once. */
export const PAGE_KEYS = 1000

/** An object as it is listed. */
export interface ListedObject extends ScannedFile {
  /** The name is text that a database can store; else the path has replacement characters. */
  readonly isText: boolean
}

/**
 * Yields all objects below `folder`. Throws `not_found` when there is no such bucket, and when it
 * cannot be reached now or stops answering: none of what was not listed has been deleted. Throws
 * `unreadable` where it may not be listed.
 */
export async function* listBucket(
  folder: string,
  pageKeys = PAGE_KEYS,
  signal?: AbortSignal,
): AsyncGenerator<ListedObject> {
  const { bucket } = parseBucketPath(folder)
  let last = Buffer.alloc(0)
  let token: string | undefined
  do {
    const page = await listPage(folder, pageKeys, { token, signal })
    for (const { Key = '', Size = 0, LastModified, ETag } of page.Contents ?? []) {
      const { key, isText } = readKey(Key, page.EncodingType === 'url')
      const bytes = Buffer.from(key)
      if (isText && Buffer.compare(last, bytes) >= 0) throw unordered(bucket)
      if (isText) last = bytes
      const mtimeMs = versionTime(LastModified, ETag)
      yield { path: `s3://${bucket}/${key}`, sizeBytes: Size, mtimeMs, isText }
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

/** Whether anything lies below a folder. Throws as `listBucket`. */
export async function holdsObjects(folder: string): Promise<boolean> {
  const { Contents = [] } = await listPage(folder, 1)
  return Contents.length > 0
}

async function listPage(
  folder: string,
  keys: number,
  { token, signal }: { token?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<ListObjectsV2CommandOutput> {
  const { bucket, key: prefix } = parseBucketPath(folderRange(folder).after)
  const client = await s3Client()
  try {
    return await client.listObjectsV2(
      {
        Bucket: bucket,
        Prefix: prefix,
        MaxKeys: keys,
        ContinuationToken: token,
        // XML cannot hold what keys can.
        EncodingType: 'url',
      },
      signal && { abortSignal: signal },
    )
  } catch (cause) {
    if (signal?.aborted) throw new LucidaError('cancelled', 'The scan was cancelled')
    const error = bucketError(cause, folder)
    throw isPassing(cause) ? new LucidaError('not_found', error.message) : error
  }
}

/** A key as it is; not every server encodes what it lists. */
function readKey(listed: string, isEncoded: boolean): { key: string; isText: boolean } {
  try {
    const key = isEncoded ? decodeURIComponent(listed.replaceAll('+', '%20')) : listed
    // PostgreSQL refuses NUL.
    return { key: key.replaceAll('\0', '\uFFFD'), isText: !key.includes('\0') }
  } catch {
    // Shown in a readable form, with replacement characters.
    const bytes = listed.replace(/%([0-9A-F]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    const key = Buffer.from(bytes, 'latin1').toString()
    return { key: key.replaceAll('\0', '\uFFFD'), isText: false }
  }
}

/** What is compared with the database page by page must come in its order. */
function unordered(bucket: string): LucidaError {
  const message = `The bucket ${bucket} does not list its objects in byte order, as directory buckets do not; it cannot be indexed`
  return new LucidaError('unreadable', message)
}
