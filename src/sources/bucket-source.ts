// Buckets of S3 and of what speaks like it (docs/buckets.md).
import { LucidaError } from '../core/errors.ts'
import { parseBucketPath } from '../core/place.ts'
import { bucketError } from './bucket-errors.ts'
import { holdsObjects } from './list-bucket.ts'
import { readObject, streamObject } from './read-object.ts'
import { s3Client } from './s3-client.ts'
import { scanBucket } from './scan-bucket.ts'
import type { OpenedFile, ScannedFile, Source } from './source.ts'
import { versionTime } from './version-time.ts'

/** All buckets. */
export const BUCKETS: Source = {
  scan: scanBucket,
  read: (path, maxBytes) => readObject(path, maxBytes),
  open: openVersion,
  stat,
  exists: holdsObjects,
  hasEntries: holdsObjects,
  async put(path, bytes) {
    await request(path, (client, at) =>
      client.putObject({ ...at, Body: bytes, ContentLength: bytes.length }),
    )
    const { mtimeMs } = (await look(path)).file
    return { path, sizeBytes: bytes.length, mtimeMs }
  },
  async remove(path) {
    await request(path, (client, at) => client.deleteObject(at))
  },
}

async function openVersion(wanted: ScannedFile): Promise<OpenedFile> {
  const { path } = wanted
  const { file, etag } = await look(path)
  if (file.sizeBytes !== wanted.sizeBytes || file.mtimeMs !== wanted.mtimeMs) {
    throw new LucidaError('file_changed', `The object ${path} has changed; index it again`)
  }
  const version = { IfMatch: etag }
  return {
    sizeBytes: file.sizeBytes,
    bytes: async () => (await readObject(path, undefined, version)).bytes,
    stream: (start, end) => streamObject(path, { ...version, Range: `bytes=${start}-${end}` }),
    close: async () => {},
  }
}

async function stat(path: string): Promise<ScannedFile | undefined> {
  try {
    return (await look(path)).file
  } catch (error) {
    if (error instanceof LucidaError && error.code === 'not_found') return undefined
    throw error
  }
}

/** An object as it is now. Throws `not_found`. */
async function look(path: string): Promise<{ file: ScannedFile; etag: string | undefined }> {
  const found = await request(path, (client, at) => client.headObject(at))
  const mtimeMs = versionTime(found.LastModified, found.ETag)
  return { file: { path, sizeBytes: found.ContentLength ?? 0, mtimeMs }, etag: found.ETag }
}

type Client = Awaited<ReturnType<typeof s3Client>>

async function request<T>(
  path: string,
  send: (client: Client, at: { Bucket: string; Key: string }) => Promise<T>,
): Promise<T> {
  const { bucket, key } = parseBucketPath(path)
  const client = await s3Client()
  try {
    return await send(client, { Bucket: bucket, Key: key })
  } catch (error) {
    throw bucketError(error, path)
  }
}
