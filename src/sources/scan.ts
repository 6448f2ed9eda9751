// Walks a folder and yields the files that may be pictures, in the byte order of their paths, so
// that a consumer can merge them with database rows ordered by COLLATE "C" in flat memory.
import type { Dirent } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { LucidaError, systemCode } from '../core/errors.ts'
import {
  extensionOf,
  OTHER_EXTENSIONS,
  PICTURE_EXTENSIONS,
  SNIFF_BYTES,
  sniffFormat,
} from '../pictures/sniff.ts'
import { excludeMatcher, type IsExcluded, isJunk, rawsBeside } from './exclude.ts'
import { readHead, systemReason } from './read-file.ts'
import type { ScannedFile, ScanOptions, SkipKind, SkippedEntry } from './source.ts'

/** Files looked at together: hides the latency of network drives, and costs next to no memory. */
const LOOK_AHEAD = 16

interface Entry {
  readonly path: string
  /** Raw bytes of the name, with a separator after a directory's: the order of whole paths. */
  readonly key: Buffer
  readonly kind:
    | 'directory'
    | 'file'
    | 'symbolic_link'
    | 'special_file'
    | 'bad_name'
    | 'raw_beside_picture'
}

type Look =
  | { readonly is: 'candidate'; readonly file: ScannedFile }
  | { readonly is: 'folder'; readonly entries: readonly Entry[] }
  | { readonly is: 'skipped'; readonly skipped: SkippedEntry }
  | { readonly is: 'gone' | 'no picture' }

/**
 * Yields the regular files under `root` whose extension or content says picture, ordered by the
 * UTF-8 bytes of the whole path. Links are not followed, except that `root` itself may be one.
 * Throws `not_found` when the root is missing or goes away during the scan, `bad_input` when it is
 * no folder or a pattern is empty, `unreadable` and `cancelled`.
 */
export async function* scanFolder(root: string, options: ScanOptions): AsyncGenerator<ScannedFile> {
  const top = resolve(root)
  const isExcluded = excludeMatcher(options.base ?? top, options.exclude)
  const device = await deviceOf(top)
  options.onFolder?.(top)
  const levels = [batches(await listRoot(top, isExcluded))]
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const { value: batch, done } = level.next()
    if (done) {
      levels.pop()
      continue
    }
    for (const look of await Promise.all(
      batch.map((entry) => lookAt(entry, isExcluded, options)),
    )) {
      throwIfCancelled(options.signal)
      if (look.is === 'candidate') yield look.file
      else if (look.is === 'folder') levels.push(batches(look.entries))
      else if (look.is === 'skipped') options.onSkip?.(look.skipped)
      else if (look.is === 'gone') await assertSameDevice(top, device)
    }
  }
}

/** Whether there is anything in a folder but what is hidden or junk. */
export async function hasEntries(folder: string): Promise<boolean> {
  return (await list(folder, () => false)).length > 0
}

/** The entries of a folder that are worth a look, in the order of the paths below them. */
async function list(folder: string, isExcluded: IsExcluded): Promise<Entry[]> {
  // Names as bytes: JavaScript compares strings by UTF-16 units, which order emoji differently.
  const dirents = await readdir(folder, { withFileTypes: true, encoding: 'buffer' })
  const entries: Entry[] = []
  for (const dirent of dirents) {
    const name = dirent.name.toString()
    const path = join(folder, name)
    const isDirectory = dirent.isDirectory()
    if (isJunk(name)) continue
    if (isExcluded(path, isDirectory)) continue
    const key = isDirectory ? Buffer.concat([dirent.name, Buffer.from(sep)]) : dirent.name
    const kind = kindOf(dirent, name)
    // Nobody misses a text whose name is broken; a folder may be full of pictures.
    if (kind === 'bad_name' && !isDirectory && !PICTURE_EXTENSIONS.has(extensionOf(path))) continue
    entries.push({ path, key, kind })
  }
  return setRawsAside(entries).sort((a, b) => Buffer.compare(a.key, b.key))
}

/** Marks raw files beside a picture of the same name. */
function setRawsAside(entries: Entry[]): Entry[] {
  const raws = rawsBeside(entries.flatMap(({ kind, path }) => (kind === 'file' ? [path] : [])))
  if (raws.size === 0) return entries
  return entries.map((entry) =>
    raws.has(entry.path) ? { ...entry, kind: 'raw_beside_picture' } : entry,
  )
}

function kindOf(dirent: Dirent<Buffer>, name: string): Entry['kind'] {
  if (!Buffer.from(name).equals(dirent.name)) return 'bad_name'
  if (dirent.isDirectory()) return 'directory'
  if (dirent.isFile()) return 'file'
  return dirent.isSymbolicLink() ? 'symbolic_link' : 'special_file'
}

/** Files in groups that are looked at together; a folder alone, since its files come in between. */
function* batches(entries: readonly Entry[]): Generator<readonly Entry[], undefined> {
  let files: Entry[] = []
  for (const entry of entries) {
    if (entry.kind === 'directory' || files.length === LOOK_AHEAD) {
      if (files.length > 0) yield files
      files = []
    }
    if (entry.kind === 'directory') yield [entry]
    else files.push(entry)
  }
  if (files.length > 0) yield files
}

const REASONS = {
  symbolic_link: 'is a symbolic link',
  special_file: 'is a pipe, a socket or a device',
  bad_name: 'its name is not valid UTF-8',
  raw_beside_picture: 'is a raw file beside a picture of the same name',
}

async function lookAt(
  { path, kind }: Entry,
  isExcluded: IsExcluded,
  { onFolder }: ScanOptions,
): Promise<Look> {
  if (kind !== 'file' && kind !== 'directory') return skipped(path, kind, REASONS[kind])
  try {
    if (kind === 'directory') onFolder?.(path)
    if (kind === 'directory') return { is: 'folder', entries: await list(path, isExcluded) }
    const stats = await lstat(path)
    if (!stats.isFile()) return { is: 'gone' }
    if (!(await mayBePicture(path, stats.size))) return { is: 'no picture' }
    return { is: 'candidate', file: { path, sizeBytes: stats.size, mtimeMs: stats.mtimeMs } }
  } catch (error) {
    // Deleted, or replaced by something else, since the folder was listed.
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return { is: 'gone' }
    const unreadable = kind === 'directory' ? 'unreadable_directory' : 'unreadable_file'
    return skipped(path, unreadable, systemReason(error))
  }
}

function skipped(path: string, kind: SkipKind, reason: string): Look {
  return { is: 'skipped', skipped: { path, kind, reason } }
}

async function mayBePicture(path: string, sizeBytes: number): Promise<boolean> {
  const extension = extensionOf(path)
  if (PICTURE_EXTENSIONS.has(extension)) return true
  if (sizeBytes === 0 || OTHER_EXTENSIONS.has(extension)) return false
  return sniffFormat(await readHead(path, SNIFF_BYTES), path) !== null
}

async function listRoot(root: string, isExcluded: IsExcluded): Promise<Entry[]> {
  try {
    return await list(root, isExcluded)
  } catch (error) {
    throw rootError(root, error)
  }
}

async function deviceOf(root: string): Promise<number> {
  try {
    return (await stat(root)).dev
  } catch (error) {
    throw rootError(root, error)
  }
}

/**
 * A drive that is unplugged takes its files away one by one as the scan reaches them; none of them
 * has been deleted. An unmounted folder is missing, or lies on another device than before.
 */
async function assertSameDevice(root: string, device: number): Promise<void> {
  const now = await stat(root).catch(() => undefined)
  if (now?.dev === device) return
  throw new LucidaError(
    'not_found',
    `The folder ${root} went away during the scan; is its drive connected?`,
  )
}

function rootError(root: string, error: unknown): LucidaError {
  const options = { cause: error }
  switch (systemCode(error)) {
    case 'ENOENT':
      return new LucidaError('not_found', `The folder ${root} does not exist`, options)
    case 'ENOTDIR':
      return new LucidaError('bad_input', `${root} is not a folder`, options)
    default:
      return new LucidaError(
        'unreadable',
        `Cannot read the folder ${root} (${systemReason(error)})`,
        options,
      )
  }
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new LucidaError('cancelled', 'The scan was cancelled', { cause: signal.reason })
}
