// Folders as ranges of paths in byte order: a database can find what lies below one by comparing.
import { separatorOf } from './place.ts'

/** The byte-ordered range, both ends excluded, that holds exactly the paths below `folder`. */
export function folderRange(folder: string): { after: string; before: string } {
  const separator = separatorOf(folder)
  const prefix = folder.endsWith(separator) ? folder : folder + separator
  const next = String.fromCharCode(separator.charCodeAt(0) + 1)
  return { after: prefix, before: prefix.slice(0, -1) + next }
}

/** Whether a path is a folder's own or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folderRange(folder).after)
}
