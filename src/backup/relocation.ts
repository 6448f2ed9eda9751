// Paths of one machine as those of another: folders that lie elsewhere now.
import { type SQL, sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import { folderRange, isWithin } from '../core/folder-range.ts'

/** What lay in `from` lies in `to`. */
export interface Relocation {
  readonly from: string
  readonly to: string
}

/** Throws `bad_input` for one that no root lies in, and where roots would come to lie in each other. */
export function checkRelocations(
  relocations: readonly Relocation[],
  roots: readonly string[],
): void {
  for (const { from } of relocations) {
    if (roots.some((root) => isWithin(root, from))) continue
    const those = roots.join(', ') || 'none'
    const message = `No folder of the backup lies at or in ${from} (its folders: ${those})`
    throw new LucidaError('bad_input', message)
  }
  const pairs = roots.map((root) => ({ root, moved: relocate(root, ordered(relocations)) }))
  for (const one of pairs) {
    const other = pairs.find((other) => other !== one && isWithin(one.moved, other.moved))
    if (!other || isWithin(one.root, other.root)) continue
    const message = `${one.root} would lie in ${other.moved} like ${other.root}; map them apart`
    throw new LucidaError('bad_input', message)
  }
}

/** The longest first, so that the nearest folder decides. */
export function ordered(relocations: readonly Relocation[]): Relocation[] {
  return relocations.toSorted((a, b) => b.from.length - a.from.length)
}

function relocate(path: string, relocations: readonly Relocation[]): string {
  for (const { from, to } of relocations) {
    if (path === from) return to
    if (path.startsWith(prefixOf(from))) return prefixOf(to) + path.slice(prefixOf(from).length)
  }
  return path
}

/** A column of paths as where they lie now; the first relocation that fits holds. */
export function relocated(column: SQL, relocations: readonly Relocation[]): SQL {
  if (relocations.length === 0) return column
  const cases = relocations.flatMap(({ from, to }) => [
    sql`when ${column} = ${from}::text then ${to}::text`,
    sql`when starts_with(${column}, ${prefixOf(from)}::text)
      then ${prefixOf(to)}::text || substr(${column}, length(${prefixOf(from)}::text) + 1)`,
  ])
  return sql`case ${sql.join(cases, sql` `)} else ${column} end`
}

/** How everything in a folder begins. */
function prefixOf(folder: string): string {
  return folderRange(folder).after
}
