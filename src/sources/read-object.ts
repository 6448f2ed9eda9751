// Reads objects of buckets. An object is always one whole version: nobody ever sees half a write.
import type { GetObjectCommandInput, GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Readable } from 'node:stream'
import { LucidaError } from '../core/errors.ts'
import { sha256 } from '../core/hash.ts'
import { parseBucketPath } from '../core/place.ts'
import { bucketError } from './bucket-errors.ts'
import { s3Client } from './s3-client.ts'
import { type FileContent, MAX_FILE_BYTES } from './source.ts'
import { versionTime } from './version-time.ts'

/** A connection that breaks while an object comes is not tried again by the SDK. */
const BODY_ATTEMPTS = 4
const BETWEEN_MS = 200

/** Which part of which version. */
type Part = Pick<GetObjectCommandInput, 'Range' | 'IfMatch'>

/** A whole object; see `Source.read`. */
export async function readObject(
  path: string,
  maxBytes = MAX_FILE_BYTES,
  part: Part = {},
): Promise<FileContent> {
  const { bytes, answer } = await readBody(path, part, (sizeBytes) => {
    if (sizeBytes === 0) throw new LucidaError('corrupt_image', 'The object is empty')
    if (sizeBytes > maxBytes) {
      throw new LucidaError(
        'too_large',
        `The object has ${sizeBytes} bytes, more than the ${maxBytes} that are read`,
      )
    }
  })
  const mtimeMs = versionTime(answer.LastModified, answer.ETag)
  return { bytes, sizeBytes: bytes.length, mtimeMs, hash: sha256(bytes) }
}

/** At most `maxBytes` from its start. */
export async function readStart(path: string, maxBytes: number): Promise<Uint8Array> {
  const { bytes } = await readBody(path, { Range: `bytes=0-${maxBytes - 1}` })
  return bytes
}

/** A stream of an object or a part of it. Throws `file_changed` where it is not the version wanted. */
export async function streamObject(path: string, part: Part): Promise<Readable> {
  return (await get(path, part)).Body as Readable
}

async function readBody(path: string, part: Part, check: (sizeBytes: number) => void = () => {}) {
  for (let attempt = 1; ; attempt++) {
    const answer = await get(path, part)
    const body = answer.Body as Readable
    try {
      check(answer.ContentLength ?? Number.NaN)
      const bytes = await drain(body, answer.ContentLength)
      if (bytes) return { bytes, answer }
    } finally {
      body.destroy()
    }
    if (attempt === BODY_ATTEMPTS) {
      throw new LucidaError('unreadable', 'The connection broke while the object came; try again')
    }
    await sleep(BETWEEN_MS * attempt)
  }
}

async function get(path: string, part: Part): Promise<GetObjectCommandOutput> {
  const { bucket, key } = parseBucketPath(path)
  const client = await s3Client()
  try {
    return await client.getObject({ Bucket: bucket, Key: key, ...part })
  } catch (error) {
    throw bucketError(error, path)
  }
}

/** All bytes, or undefined where the connection broke before the last one. */
async function drain(body: Readable, expected: number | undefined): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of body) chunks.push(chunk as Buffer)
  } catch {
    return undefined
  }
  const bytes = Buffer.concat(chunks)
  return expected === undefined || bytes.length === expected ? bytes : undefined
}
