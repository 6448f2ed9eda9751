// Folders of this machine. A file is never opened through a link.
import { lstat, mkdir, open, realpath, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { replaceFile } from '../core/durable-file.ts'
import { LucidaError, systemCode } from '../core/errors.ts'
import { FLAGS, readPicture, systemReason } from './read-file.ts'
import { hasEntries, scanFolder } from './scan.ts'
import type { OpenedFile, ScannedFile, Source } from './source.ts'

/** All folders of this machine. */
export const FOLDERS: Source = {
  scan: scanFolder,
  read: (path, maxBytes) => readPicture({ path }, maxBytes),
  open: openVersion,
  stat: lookAt,
  exists: (folder) =>
    stat(folder).then(
      () => true,
      () => false,
    ),
  hasEntries,
  put,
  remove: (path) => rm(path, { force: true }),
}

async function lookAt(path: string): Promise<ScannedFile | undefined> {
  const found = await lstat(path).catch((cause: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '')) return undefined
    const message = `The file cannot be looked at (${systemReason(cause)})`
    throw new LucidaError('unreadable', message, { cause })
  })
  if (!found?.isFile()) return undefined
  return { path, sizeBytes: found.size, mtimeMs: found.mtimeMs }
}

/** Bytes handed to whoever reads a stream at a time. */
const STREAM_BYTES = 256 * 1024

/** Throws `not_found` for what is a link, or lies behind one. */
async function openVersion(file: ScannedFile): Promise<OpenedFile> {
  const { path } = file
  const missing = (cause?: unknown) =>
    new LucidaError('not_found', `The file ${path} cannot be opened; index its folder again`, {
      cause,
    })
  const handle = await open(path, FLAGS).catch((cause: unknown) => {
    throw missing(cause)
  })
  try {
    const opened = await handle.stat()
    // Looked up after it was opened: a folder that was a link for a moment gains nothing.
    const real = await realpath(path)
    const named = await stat(real)
    const isItself = real === path && named.ino === opened.ino && named.dev === opened.dev
    if (!isItself || !opened.isFile()) throw missing()
    if (opened.size !== file.sizeBytes || opened.mtimeMs !== file.mtimeMs) {
      throw new LucidaError('file_changed', `The file ${path} has changed; index its folder again`)
    }
    return {
      sizeBytes: opened.size,
      bytes: () => handle.readFile(),
      stream: async (start, end) =>
        handle.createReadStream({ start, end, highWaterMark: STREAM_BYTES }),
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error instanceof LucidaError ? error : missing(error)
  }
}

async function put(path: string, bytes: Uint8Array): Promise<ScannedFile> {
  await mkdir(dirname(path), { recursive: true })
  await replaceFile(path, bytes)
  const { size, mtimeMs } = await stat(path)
  return { path, sizeBytes: size, mtimeMs }
}
