// The files of Lucida's own folders, out of folders and buckets and back into them.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { isDraft, moveDurably, writeFile } from '../core/durable-file.ts'
import { LucidaError, systemCode } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import { isBucketPath } from '../core/place.ts'
import { listBucket } from '../sources/list-bucket.ts'
import { openSource } from '../sources/open-source.ts'
import { FLAGS, systemReason } from '../sources/read-file.ts'
import type { FileBlock } from './blocks.ts'
import { isPlain, type OwnFolder, type PlacedFolder, pathOf } from './own-folders.ts'

/** All files of an own folder; drafts, links and what goes while it is read are left out. */
export async function* readOwnFiles({ path, name, place }: OwnFolder): AsyncGenerator<FileBlock> {
  const files = isBucketPath(path) ? objectsIn(path) : filesIn(path)
  for await (const { rest, ...file } of files) yield { file: `${name}/${rest}`, place, ...file }
}

interface OwnFile extends Pick<FileBlock, 'bytes' | 'content'> {
  /** Its name in the folder, with slashes. */
  readonly rest: string
}

async function* filesIn(folder: string): AsyncGenerator<OwnFile> {
  for await (const path of walk(folder)) {
    const handle = await open(path, FLAGS).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return null
      throw unreadable(path, error)
    })
    if (!handle) continue
    try {
      const { size: bytes } = await handle.stat()
      const content = exactly(handle.createReadStream({ autoClose: false }), bytes, path)
      yield { rest: relative(folder, path).split(sep).join('/'), bytes, content }
    } finally {
      await handle.close()
    }
  }
}

/** Links are passed over: what they lead to is not Lucida's own. */
async function* walk(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return []
    throw unreadable(folder, error)
  })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else if (entry.isFile() && !isDraft(entry.name)) yield path
  }
}

function unreadable(path: string, cause: unknown): LucidaError {
  const message = `${path} cannot be read (${systemReason(cause)}); make the backup as the user that it belongs to`
  return new LucidaError('unreadable', message, { cause })
}

/** Each is read whole: what breaks on the way can be asked for again. */
async function* objectsIn(folder: string): AsyncGenerator<OwnFile> {
  for await (const { path, sizeBytes, isText } of listBucket(folder)) {
    const rest = path.slice(folder.length + 1)
    // What has no such name, or no bytes, is none of Lucida's.
    if (!isText || sizeBytes === 0 || !isPlain(rest)) continue
    const read = await openSource(path)
      .read(path)
      .catch((error: unknown) => {
        if (error instanceof LucidaError && error.code === 'not_found') return null
        throw error
      })
    if (read) yield { rest, bytes: read.sizeBytes, content: partsOf(read.bytes) }
  }
}

async function* partsOf(bytes: Uint8Array) {
  yield bytes
}

async function* exactly(content: AsyncIterable<Uint8Array>, bytes: number, path: string) {
  let left = bytes
  for await (const part of content) {
    left -= part.length
    if (left < 0) break
    yield part
  }
  if (left === 0) return
  throw new LucidaError('file_changed', `${path} changed while it was read; make the backup again`)
}

/** A file that was put into an own folder. */
export interface RestoredFile {
  readonly path: string
  readonly content: ContentHash
  readonly mtimeMs: number
  /** Whether it was not there before. */
  readonly isNew: boolean
}

/**
 * Puts a file where its folder lies here; one that is there already must be the same. What a kill
 * leaves is overwritten by the next time.
 */
export async function restoreFile(
  block: FileBlock,
  folders: readonly PlacedFolder[],
): Promise<RestoredFile> {
  const path = pathOf(block, folders)
  const before = await digestOf(path)
  const hash = createHash('sha256')
  async function* hashed() {
    for await (const part of block.content) {
      hash.update(part)
      yield part
    }
  }
  if (before === null) await put(path, hashed())
  else for await (const _ of hashed()) continue
  const content = hash.digest('hex')
  if (before !== null && before !== content) {
    const message = `${path} is there already and is another file; restore into a new data directory (--data-dir) and storage (LUCIDA_STORAGE)`
    throw new LucidaError('bad_input', message)
  }
  const found = await openSource(path).stat(path)
  return { path, content, mtimeMs: found!.mtimeMs, isNew: before === null }
}

/** Always the same, so that what a kill leaves is overwritten. */
const DRAFT = `.${'0'.repeat(12)}.tmp`

async function put(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  if (isBucketPath(path)) {
    const parts: Uint8Array[] = []
    for await (const part of content) parts.push(part)
    await openSource(path).put(path, Buffer.concat(parts))
    return
  }
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}${DRAFT}`
  try {
    await writeFile(draft, content)
    await moveDurably(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

async function digestOf(path: string): Promise<string | null> {
  if (isBucketPath(path)) {
    const source = openSource(path)
    return (await source.stat(path)) ? (await source.read(path)).hash : null
  }
  const hash = createHash('sha256')
  try {
    for await (const part of createReadStream(path)) hash.update(part as Buffer)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
  return hash.digest('hex')
}
