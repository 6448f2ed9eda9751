// One file of the hub into a folder: begun again where an earlier attempt ended, and under its own name
// only once size and checksum are right.
import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { copyFile, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { moveDurably, syncFile } from '../core/durable-file.ts'
import { explainFullDisk, LucidaError } from '../core/errors.ts'
import { type Hub, openFile, type RemoteFile } from './hub.ts'

/** What is recorded of a file. */
export interface FileDigest {
  readonly sizeBytes: number
  readonly sha256: string
}

export interface DownloadOptions {
  readonly signal: AbortSignal
  /** Waits before it asks again after a failure, one by one; each success begins them anew. */
  readonly retryAfterMs: readonly number[]
  /** Called with the bytes that are there, as they come. */
  readonly onBytes: (bytes: number) => void
  readonly onRetry: (error: LucidaError) => void
}

/**
 * Brings `file` to `target`. Throws `checksum_mismatch` (what came is removed), `disk_full`,
 * `cancelled`, and what the hub throws; what has come until then is kept for the next attempt.
 */
export async function downloadFile(
  hub: Hub,
  file: RemoteFile,
  target: string,
  options: DownloadOptions,
): Promise<FileDigest> {
  const found = await digestOf(file, target)
  if (isRight(file, found)) {
    options.onBytes(file.sizeBytes)
    return found
  }
  await mkdir(dirname(target), { recursive: true })
  const part = `${target}.${idOf(file).slice(0, 12)}.part`
  try {
    if (!(await copyFromCache(hub, file, part))) await fetchPart(hub, file, part, options)
    const digest = await digestOf(file, part)
    if (!isRight(file, digest)) {
      await rm(part, { force: true })
      throw new LucidaError(
        'checksum_mismatch',
        `${file.path} of ${file.repository} did not arrive as the hub has it and was removed; pull again`,
      )
    }
    await moveDurably(part, target)
    options.onBytes(file.sizeBytes)
    return digest
  } catch (error) {
    throw explainFullDisk(error, dirname(target))
  }
}

/** Bytes of `file` that need not be fetched any more. */
export async function bytesAtHand(file: RemoteFile, target: string): Promise<number> {
  const sizes = [target, `${target}.${idOf(file).slice(0, 12)}.part`].map(sizeOf)
  return Math.min(Math.max(...(await Promise.all(sizes))), file.sizeBytes)
}

/** Asks until the whole file is there, each time for what is missing. */
async function fetchPart(
  hub: Hub,
  file: RemoteFile,
  part: string,
  { signal, retryAfterMs, onBytes, onRetry }: DownloadOptions,
): Promise<void> {
  let failures = 0
  for (;;) {
    const before = await sizeOf(part)
    if (before >= file.sizeBytes && file.sizeBytes > 0) return
    try {
      await appendRest(hub, file, part, { signal, onBytes })
      return
    } catch (error) {
      if ((await sizeOf(part)) > before) failures = 0
      const wait = retryAfterMs[failures++]
      if (!(error instanceof LucidaError) || error.code !== 'fetch_failed') throw error
      if (wait === undefined) throw error
      onRetry(error)
      await sleep(wait, undefined, { signal }).catch(() => {
        throw new LucidaError('cancelled', 'The pull was cancelled', { cause: error })
      })
    }
  }
}

async function appendRest(
  hub: Hub,
  file: RemoteFile,
  part: string,
  { signal, onBytes }: Pick<DownloadOptions, 'signal' | 'onBytes'>,
): Promise<void> {
  const from = await openFile(hub, file, await sizeOf(part), signal)
  // A server that knows no ranges begins anew.
  const output = await open(part, from.offset > 0 ? 'a' : 'w')
  try {
    let bytes = from.offset
    for await (const chunk of from.chunks) {
      bytes += chunk.length
      if (bytes > file.sizeBytes) break
      await output.writeFile(chunk)
      onBytes(bytes)
    }
    await output.sync()
    if (bytes < file.sizeBytes) {
      throw new LucidaError('fetch_failed', `${file.path} ended after ${bytes} bytes; try again`)
    }
    // More than was announced: what came is something else, and the checksum will say so.
    if (bytes > file.sizeBytes) await output.truncate(0)
  } finally {
    await output.close()
  }
}

/** Takes a file that another program has pulled already; its checksum is verified like any other. */
async function copyFromCache(hub: Hub, file: RemoteFile, part: string): Promise<boolean> {
  if (hub.cacheDirectory === undefined) return false
  const repository = `models--${file.repository.replaceAll('/', '--')}`
  const blob = join(hub.cacheDirectory, repository, 'blobs', idOf(file))
  if (!isRight(file, await digestOf(file, blob))) return false
  await copyFile(blob, part, constants.COPYFILE_FICLONE)
  await syncFile(part)
  return true
}

/** The name by which the hub and its caches know the content. */
function idOf({ digest }: RemoteFile): string {
  return 'sha256' in digest ? digest.sha256 : digest.gitSha1
}

interface Digests extends FileDigest {
  readonly gitSha1: string
}

function isRight(file: RemoteFile, found: Digests | undefined): found is Digests {
  if (found?.sizeBytes !== file.sizeBytes) return false
  if ('sha256' in file.digest) return found.sha256 === file.digest.sha256
  return found.gitSha1 === file.digest.gitSha1
}

/** Nothing where the file is missing or has another size. */
async function digestOf(file: RemoteFile, path: string): Promise<Digests | undefined> {
  const { sizeBytes } = file
  const found = await stat(path).catch(() => undefined)
  if (found?.size !== sizeBytes) return undefined
  const sha256 = createHash('sha256')
  const gitSha1 = createHash('sha1').update(`blob ${sizeBytes}\0`)
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    sha256.update(chunk as Buffer)
    if (!('sha256' in file.digest)) gitSha1.update(chunk as Buffer)
  }
  return { sizeBytes, sha256: sha256.digest('hex'), gitSha1: gitSha1.digest('hex') }
}

/** 0 where there is no file. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}
