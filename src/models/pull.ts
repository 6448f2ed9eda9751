// Files of the hub -> a folder with a manifest, whole or not at all: everything is brought together
// beside the place where it will lie, and one rename puts it there.
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { moveDurably, replaceFile } from '../core/durable-file.ts'
import { explainFullDisk, LucidaError, systemCode } from '../core/errors.ts'
import { bytesAtHand, downloadFile, type FileDigest } from './download.ts'
import type { Hub } from './hub.ts'
import { type ModelFiles, verifyModel } from './manifest.ts'
import { withPullLock } from './pull-lock.ts'
import { describeFiles, type WantedFile } from './pull-plan.ts'

/** A folder that consists of files of the hub. */
export interface WantedFolder {
  readonly name: string
  readonly files: readonly WantedFile[]
  /** Name of the file that makes the folder one of ours. */
  readonly manifest: string
  /** Its content: `commits` are those that the revisions stand for, by repository. */
  readonly describe: (
    files: Readonly<Record<string, FileDigest>>,
    commits: Readonly<Record<string, string>>,
  ) => object
  /** Reads the folder. Throws unless it, manifest included, can be used. */
  readonly read: (directory: string) => Promise<ModelFiles>
}

export type PullEvent =
  /** Another process pulls the same. */
  | { readonly type: 'waiting' }
  | { readonly type: 'start'; readonly totalBytes: number; readonly missingBytes: number }
  | { readonly type: 'progress'; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly type: 'retry'; readonly reason: string }

export interface PullOptions {
  readonly hub: Hub
  /** Folder that holds a folder for each model. */
  readonly directory: string
  readonly signal?: AbortSignal
  readonly onEvent?: (event: PullEvent) => void
  /** Stands in for the file system in tests. */
  readonly freeBytes?: (directory: string) => Promise<number>
  readonly retryAfterMs?: readonly number[]
}

/** Left free beside the files, for everybody else on the disk. */
const RESERVE_BYTES = 64 * 2 ** 20
const RETRY_AFTER_MS = [1000, 3000, 10_000]

/** Where unfinished pulls lie. */
export const UNFINISHED = '.unfinished'

/**
 * Pulls a folder and returns where it lies. What an earlier attempt has left is used. Throws
 * `disk_full`, `checksum_mismatch`, `not_found`, `unauthorized`, `fetch_failed`, `cancelled`.
 */
export async function pullFolder(wanted: WantedFolder, options: PullOptions): Promise<string> {
  const { directory, onEvent = () => {}, signal = new AbortController().signal } = options
  const unfinished = join(directory, UNFINISHED)
  await mkdir(unfinished, { recursive: true }).catch((cause: unknown) => {
    throw explainFullDisk(cause, directory)
  })
  return withPullLock(
    join(unfinished, `${wanted.name}.lock`),
    { signal, onWait: () => onEvent({ type: 'waiting' }) },
    async () => {
      const place = join(directory, wanted.name)
      // Somebody else may have brought it while this one waited.
      if (!(await isUsable(wanted, place))) {
        const draft = join(unfinished, wanted.name)
        await salvage(place, draft, wanted.manifest)
        await fill(draft, wanted, { ...options, onEvent, signal })
        await moveDurably(draft, place)
      }
      return place
    },
  )
}

async function fill(
  draft: string,
  wanted: WantedFolder,
  options: PullOptions & Required<Pick<PullOptions, 'onEvent' | 'signal'>>,
): Promise<void> {
  const { hub, onEvent, signal, freeBytes = readFreeBytes } = options
  const { files, commits } = await describeFiles(hub, wanted.files, signal)
  const totalBytes = files.reduce((sum, { remote }) => sum + remote.sizeBytes, 0)
  const atHand = await Promise.all(
    files.map(({ remote, to }) => bytesAtHand(remote, join(draft, to))),
  )
  const missingBytes = totalBytes - atHand.reduce((sum, bytes) => sum + bytes, 0)
  onEvent({ type: 'start', totalBytes, missingBytes })
  await assertRoom(dirname(draft), missingBytes, freeBytes)
  const digests: Record<string, FileDigest> = {}
  let doneBytes = 0
  for (const { remote, to } of files) {
    const { sizeBytes, sha256 } = await downloadFile(hub, remote, join(draft, to), {
      signal,
      retryAfterMs: options.retryAfterMs ?? RETRY_AFTER_MS,
      onBytes: (bytes) => {
        onEvent({ type: 'progress', doneBytes: doneBytes + bytes, totalBytes })
      },
      onRetry: ({ message }) => onEvent({ type: 'retry', reason: message }),
    })
    digests[to] = { sizeBytes, sha256 }
    doneBytes += sizeBytes
  }
  await keepOnly(draft, Object.keys(digests))
  const text = `${JSON.stringify(wanted.describe(digests, commits), null, 2)}\n`
  await replaceFile(join(draft, wanted.manifest), text)
  await wanted.read(draft)
}

/** Removes what earlier attempts have left of files that the hub has replaced since. */
async function keepOnly(draft: string, files: readonly string[]): Promise<void> {
  const wanted = new Set(files.map((file) => join(draft, file)))
  for (const entry of await readdir(draft, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isDirectory() && !wanted.has(path)) await rm(path)
  }
}

async function assertRoom(
  directory: string,
  bytes: number,
  freeBytes: (directory: string) => Promise<number>,
): Promise<void> {
  const free = await freeBytes(directory)
  if (free >= bytes + RESERVE_BYTES) return
  throw new LucidaError(
    'disk_full',
    `The disk of ${directory} has ${mebibytes(free)} free, and the pull needs ` +
      `${mebibytes(bytes + RESERVE_BYTES)}; free some space, or set LUCIDA_MODELS_DIR to another disk`,
  )
}

async function readFreeBytes(directory: string): Promise<number> {
  const { bavail, bsize, blocks } = await statfs(directory)
  // Some file systems keep no count.
  return blocks === 0 ? Infinity : bavail * bsize
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`
}

async function isUsable({ read }: WantedFolder, place: string): Promise<boolean> {
  return read(place)
    .then((files) => verifyModel(files))
    .then(
      () => true,
      () => false,
    )
}

/** Makes the draft of a folder that is no longer whole, for the files that are. */
async function salvage(place: string, draft: string, manifest: string): Promise<void> {
  await rm(join(place, manifest), { force: true })
  const drafted = await stat(draft).catch(() => undefined)
  if (drafted) await rm(place, { recursive: true, force: true })
  else {
    await rename(place, draft).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error
    })
  }
}
