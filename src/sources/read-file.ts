// Reads files that may be anything at all: links, pipes, files still being written, huge ones.
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { LucidaError, messageOf, systemCode } from '../core/errors.ts'
import { sha256 } from '../core/hash.ts'
import { type FileContent, MAX_FILE_BYTES } from './source.ts'

/** One read asks for no more than this, well below the 2 GiB that the system call allows. */
const CHUNK_BYTES = 64 * 1024 * 1024

/** Links lead out of the indexed folder; a pipe without a writer would block for ever. */
// Windows has neither flag.
export const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * Reads a whole regular file, without following a link.
 * Throws `not_found`, `unreadable`, `too_large`, `corrupt_image` (it is empty), or `file_changed`
 * when somebody wrote to it meanwhile. Only `not_found` names the path: the others are recorded and
 * shown beside it.
 */
export async function readPicture(
  file: { readonly path: string },
  maxBytes = MAX_FILE_BYTES,
): Promise<FileContent> {
  const { path } = file
  let handle: FileHandle | undefined
  try {
    handle = await open(path, FLAGS)
    return await readWhole(handle, maxBytes)
  } catch (error) {
    throw readError(error, path)
  } finally {
    await handle?.close()
  }
}

/** At most `maxBytes` from the start of a regular file. Throws the system's own errors. */
export async function readHead(path: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await open(path, FLAGS)
  try {
    if (!(await handle.stat()).isFile()) return new Uint8Array()
    return await fill(handle, Buffer.allocUnsafe(maxBytes))
  } finally {
    await handle.close()
  }
}

/** The system's reason without the call and the path: `EACCES: permission denied`. */
export function systemReason(error: unknown): string {
  return messageOf(error).split(',')[0] ?? ''
}

async function readWhole(handle: FileHandle, maxBytes: number): Promise<FileContent> {
  const before = await handle.stat()
  if (!before.isFile()) throw new LucidaError('unreadable', 'The path is not a regular file')
  if (before.size === 0) throw new LucidaError('corrupt_image', 'The file is empty')
  if (before.size > maxBytes) {
    throw new LucidaError(
      'too_large',
      `The file has ${before.size} bytes, more than the ${maxBytes} that are read`,
    )
  }
  const bytes = await fill(handle, Buffer.allocUnsafeSlow(before.size))
  const after = await handle.stat()
  // A copy or a download under way: half a picture must not be taken for the whole.
  if (after.size !== bytes.length || after.mtimeMs !== before.mtimeMs) {
    throw new LucidaError('file_changed', 'The file changed while it was being read; try again')
  }
  return { bytes, sizeBytes: bytes.length, mtimeMs: after.mtimeMs, hash: sha256(bytes) }
}

/** Fills `buffer` from the start of the file; the part that was filled, where the file is shorter. */
async function fill(handle: FileHandle, buffer: Buffer): Promise<Buffer> {
  let filled = 0
  while (filled < buffer.length) {
    const length = Math.min(buffer.length - filled, CHUNK_BYTES)
    const { bytesRead } = await handle.read(buffer, filled, length, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

function readError(error: unknown, path: string): LucidaError {
  if (error instanceof LucidaError) return error
  const options = { cause: error }
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new LucidaError('not_found', `${path} does not exist`, options)
    case 'ELOOP':
      return new LucidaError('unreadable', 'The file is a symbolic link', options)
    case 'ENXIO':
      return new LucidaError('unreadable', 'The path is not a regular file', options)
    default:
      return new LucidaError(
        'unreadable',
        `The file cannot be read (${systemReason(error)})`,
        options,
      )
  }
}
