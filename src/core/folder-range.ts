// Folders as ranges of paths in byte order: a database can find what lies below one by comparing.
import { sep } from 'node:path'

/** The byte-ordered range, both ends excluded, that holds exactly the paths below `folder`. */
export function folderRange(folder: string): { after: string; before: string } {
  const prefix = folder.endsWith(sep) ? folder : folder + sep
  const next = String.fromCharCode(sep.charCodeAt(0) + 1)
  return { after: prefix, before: prefix.slice(0, -1) + next }
}
