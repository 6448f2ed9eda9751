// Files that are there whole or not at all, whatever happens meanwhile: written under another name,
// forced to the disk, renamed, and their folder forced to the disk too. All that Lucida writes for
// itself goes through here, so that a test can put a slow, full or dying disk in its place.
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from './errors.ts'

type Data = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** The steps in which a file gets to the disk. */
export interface Disk {
  open: (path: string, flags: 'w' | 'r' | 'r+', mode?: number) => Promise<FileHandle>
  write: (file: FileHandle, data: string | Uint8Array) => Promise<void>
  sync: (file: FileHandle) => Promise<void>
  rename: (from: string, to: string) => Promise<void>
  remove: (path: string) => Promise<void>
}

/** The disk that there is. Tests of what a bad one does replace its steps. */
export const disk: Disk = {
  open: (path, flags, mode) => open(path, flags, mode),
  write: (file, data) => file.writeFile(data),
  sync: (file) => file.sync(),
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { force: true }),
}

/** What a process that was killed leaves beside its files. */
const DRAFT = /\.[0-9a-f]{12}\.tmp$/

/** Whether this is the name of a file that was never finished. */
export function isDraft(name: string): boolean {
  return DRAFT.test(name)
}

/** Puts a file in the place of the one that is there, or of none. */
export async function replaceFile(path: string, data: Data, mode?: number): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  await writeFile(draft, data, mode)
  try {
    await moveDurably(draft, path)
  } catch (error) {
    await disk.remove(draft).catch(() => {})
    throw error
  }
}

/** Writes a file under its own name, for one that counts only once another one names it. */
export async function writeFile(path: string, data: Data, mode?: number): Promise<void> {
  const file = await disk.open(path, 'w', mode)
  try {
    const isWhole = typeof data === 'string' || data instanceof Uint8Array
    for await (const part of isWhole ? [data] : data) await disk.write(file, part)
    await disk.sync(file)
  } catch (error) {
    await disk.remove(path).catch(() => {})
    throw error
  } finally {
    await file.close()
  }
}

/** Renames a file or folder that is on the disk already. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await disk.rename(from, to)
  await syncFolder(dirname(to))
}

/** Forces a file that something else has written to the disk. */
export async function syncFile(path: string): Promise<void> {
  // A copy may be as read-only as what it was made of; only Windows asks for more than that.
  const file = await disk.open(path, 'r+').catch(() => disk.open(path, 'r'))
  try {
    await disk.sync(file)
  } finally {
    await file.close()
  }
}

/** Windows and some network file systems open or force no folders: they write renames when they like. */
const NO_FOLDERS = new Set(['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP'])

/** Forces the names in a folder to the disk, where the system can do that. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await disk.open(path, 'r')
    try {
      await disk.sync(folder)
    } finally {
      await folder.close()
    }
  } catch (error) {
    if (!NO_FOLDERS.has(systemCode(error) ?? '')) throw error
  }
}
