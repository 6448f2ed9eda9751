// What a scan leaves out: what is hidden or junk, what the user excludes, and raw files beside the
// camera's own picture. By names alone, so the same for folders and buckets.
import { extname, resolve } from 'node:path'
import picomatch from 'picomatch'
import { isDraft } from '../core/durable-file.ts'
import { invalidInput } from '../core/errors.ts'
import { folderRange } from '../core/folder-range.ts'
import { isBucketPath, separatorOf } from '../core/place.ts'
import { extensionOf, RAW_EXTENSIONS } from '../pictures/sniff.ts'

/** A test for what the user excludes. */
export type IsExcluded = (path: string, isDirectory?: boolean) => boolean

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

/** Hidden, or never somebody's picture, whatever it holds; also what Lucida itself has not finished. */
export function isJunk(name: string): boolean {
  return name.startsWith('.') || JUNK.has(name.toLowerCase()) || isDraft(name)
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
  const { after: prefix } = folderRange(isBucketPath(root) ? root : resolve(root))
  const separator = separatorOf(root)
  const rules = patterns.map(compilePattern)
  return (path, isDirectory = false) => {
    if (!path.startsWith(prefix)) return false
    const names = path.slice(prefix.length).split(separator)
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

/** What cameras write beside their raw files; lower case, without the dot. */
const CAMERA_EXTENSIONS: ReadonlySet<string> = new Set('jpg jpeg jpe heic heif hif'.split(' '))

/** Those raw files that lie beside a picture of the same name: the same photograph, and the better preview. */
export function rawsBeside(paths: readonly string[]): ReadonlySet<string> {
  const raws = paths.filter(isRaw)
  if (raws.length === 0) return new Set()
  const stems = new Set(paths.filter(isCameraPicture).map(stemOf))
  return new Set(raws.filter((path) => stems.has(stemOf(path))))
}

/** Whether a file is a camera's raw one, by its name. */
export function isRaw(path: string): boolean {
  return RAW_EXTENSIONS.has(extensionOf(path))
}

/** Whether a file is what cameras write beside a raw one, by its name. */
export function isCameraPicture(path: string): boolean {
  return CAMERA_EXTENSIONS.has(extensionOf(path))
}

/** A path without its extension, in lower case. */
function stemOf(path: string): string {
  return path.slice(0, path.length - extname(path).length).toLowerCase()
}
