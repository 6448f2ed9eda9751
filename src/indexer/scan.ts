// Walks a folder and yields the files that may be pictures, in the byte order of their paths, so
// that a consumer can merge them with database rows ordered by COLLATE "C" in flat memory.
import type { Dirent } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import picomatch from 'picomatch'
import { invalidInput, LucidaError, systemCode } from '../core/errors.ts'
import { readHead, systemReason } from './read-file.ts'
import {
  extensionOf,
  OTHER_EXTENSIONS,
  PICTURE_EXTENSIONS,
  RAW_EXTENSIONS,
  SNIFF_BYTES,
  sniffFormat,
} from '../pictures/sniff.ts'

/** A regular file that may be a picture. */
export interface ScannedFile {
  /** Absolute path. */
  readonly path: string
  readonly sizeBytes: number
  /** Modification time in milliseconds since 1970, with a fraction. */
  readonly mtimeMs: number
}

/**
 * Why an entry was passed over. After an `unreadable_…` nothing is known about what lies there:
 * the files of an `unreadable_directory`, at any depth, must not be taken for vanished.
 */
export type SkipKind =
  | 'symbolic_link'
  | 'special_file'
  | 'bad_name'
  | 'raw_beside_picture'
  | 'unreadable_file'
  | 'unreadable_directory'

/** An entry that was passed over for a reason that somebody may want to know. */
export interface SkippedEntry {
  readonly path: string
  readonly kind: SkipKind
  /** In words, without the path. */
  readonly reason: string
}

/** Settings of a scan. */
export interface ScanOptions {
  /** Glob patterns, as understood by `excludeMatcher`. */
  readonly exclude: readonly string[]
  /** Folder that those patterns start from, when it is not the scanned one but a parent of it. */
  readonly base?: string | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Told of links, pipes, bad names, raw files beside their picture and what cannot be read, in path
   * order with the files yielded. Hidden, junk and excluded entries and files that are no pictures
   * are passed over silently.
   */
  readonly onSkip?: ((entry: SkippedEntry) => void) | undefined
  /** Told of each folder, the scanned one included, just before its entries are listed. */
  readonly onFolder?: ((path: string) => void) | undefined
}

/** Folders and files that are never somebody's pictures; compared in lower case. */
const JUNK: ReadonlySet<string> = new Set([
  '@eadir', // Synology: thumbnails of every picture beside it
  '#recycle', // Synology: its dustbin
  '$recycle.bin', // Windows: its dustbin
  'system volume information', // Windows: restore points
  'thumbs.db', // Windows: thumbnails
  'desktop.ini', // Windows: looks of a folder
  'lost+found', // ext file systems: fragments after a repair
  'node_modules', // npm: other people's icons and logos
])

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

type IsExcluded = (path: string, isDirectory?: boolean) => boolean

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

/**
 * A test for paths that the patterns exclude; a path inside an excluded folder is excluded too.
 * A pattern without a slash is compared with every name along the path (`*.gif`, `private`), one
 * with a slash with the path below `root` (`2019/**`, `/private`). A slash at the end restricts it
 * to folders. Globs are picomatch's, with `/` on every system and no meaning in a leading `!`.
 * Throws `bad_input` for an empty pattern.
 */
export function excludeMatcher(root: string, patterns: readonly string[]): IsExcluded {
  if (patterns.length === 0) return () => false
  const top = resolve(root)
  const rules = patterns.map(compilePattern)
  return (path, isDirectory = false) => {
    const below = relative(top, path)
    const names = below.split(sep)
    if (below === '' || names[0] === '..' || isAbsolute(below)) return false
    return names.some((name, depth) => {
      const isFolder = isDirectory || depth < names.length - 1
      const prefix = names.slice(0, depth + 1).join('/')
      return rules.some(
        (rule) => (isFolder || !rule.foldersOnly) && rule.matches(rule.byName ? name : prefix),
      )
    })
  }
}

function compilePattern(pattern: string) {
  const glob = pattern.replace(/\/+$/, '')
  const anchored = glob.replace(/^(?:\.?\/)+/, '')
  if (anchored === '') throw invalidInput('exclude', 'a pattern that is not empty', pattern)
  return {
    foldersOnly: glob !== pattern,
    byName: !glob.includes('/'),
    matches: picomatch(anchored, {
      dot: true,
      nonegate: true,
      nocase: process.platform === 'win32',
      windows: false,
    }),
  }
}

/** Hidden, or never somebody's picture, whatever it holds. */
export function isJunk(name: string): boolean {
  return name.startsWith('.') || JUNK.has(name.toLowerCase())
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

/** What cameras write beside their raw files; lower case, without the dot. */
const CAMERA_EXTENSIONS: ReadonlySet<string> = new Set('jpg jpeg jpe heic heif hif'.split(' '))

/** Marks raw files beside a picture of the same name: the same photograph, and the better preview. */
function setRawsAside(entries: Entry[]): Entry[] {
  const isA = (extensions: ReadonlySet<string>) => (entry: Entry) =>
    entry.kind === 'file' && extensions.has(extensionOf(entry.path))
  const stemOf = ({ path }: Entry) => basename(path, extname(path)).toLowerCase()
  const isRaw = isA(RAW_EXTENSIONS)
  if (!entries.some(isRaw)) return entries
  const stems = new Set(entries.filter(isA(CAMERA_EXTENSIONS)).map(stemOf))
  return entries.map((entry) =>
    isRaw(entry) && stems.has(stemOf(entry)) ? { ...entry, kind: 'raw_beside_picture' } : entry,
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
