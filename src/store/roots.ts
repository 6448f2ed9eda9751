// Folders that the user asked to be indexed. Roots never nest: a folder inside a root is part of it,
// and a folder around roots takes their place.
import { and, count, eq, isNotNull, sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import type { Database } from './database.ts'
import { below, countPictures, deletePaths, folderRange } from './paths.ts'
import { failures, paths, roots } from './schema.ts'

/** A row of `roots`. */
export type Root = typeof roots.$inferSelect

/** A root with what lies below it. */
export interface RootSummary extends Root {
  /** Distinct pictures that are there. */
  readonly pictures: number
  /** Paths of files that are gone but not pruned. */
  readonly missing: number
  readonly failures: number
}

/** All roots, by path. */
export async function listRoots(db: Database): Promise<Root[]> {
  return db.select().from(roots).orderBy(roots.path)
}

/**
 * The root that covers `folder`: an existing one at or above it, or a new one, which then takes the
 * place of the roots below it. `exclude`, when given, replaces the root's globs.
 */
export async function claimRoot(
  db: Database,
  folder: string,
  exclude: readonly string[] | undefined,
): Promise<Root> {
  const existing = await listRoots(db)
  const around = existing.find((root) => root.path === folder || isBelow(folder, root.path))
  if (around) {
    if (exclude === undefined) return around
    await db
      .update(roots)
      .set({ exclude: [...exclude] })
      .where(eq(roots.path, around.path))
    return { ...around, exclude: [...exclude] }
  }
  return db.transaction(async (tx) => {
    for (const root of existing) {
      if (isBelow(root.path, folder)) await tx.delete(roots).where(eq(roots.path, root.path))
    }
    const values = { path: folder, exclude: [...(exclude ?? [])] }
    await tx.insert(roots).values(values).onConflictDoNothing()
    const [root] = await tx.select().from(roots).where(eq(roots.path, folder))
    return root!
  })
}

/** Notes the end of a complete run. */
export async function markIndexed(db: Database, path: string): Promise<void> {
  await db.update(roots).set({ indexedAt: sql`now()` }).where(eq(roots.path, path))
}

/** Forgets a root with its paths, failures and pictures. Throws `not_found`. Returns paths removed. */
export async function removeRoot(db: Database, path: string): Promise<number> {
  const deleted = await db.delete(roots).where(eq(roots.path, path)).returning()
  if (deleted.length === 0) {
    const known = (await listRoots(db)).map((root) => root.path).join(', ') || 'none'
    throw new LucidaError('not_found', `${path} is not an indexed folder (those are: ${known})`)
  }
  return deletePaths(db, path, 'all')
}

/** All roots with their counts. */
export async function summarizeRoots(db: Database): Promise<RootSummary[]> {
  const summaries: RootSummary[] = []
  for (const root of await listRoots(db)) {
    const [gone] = await db
      .select({ n: count() })
      .from(paths)
      .where(and(below(paths.path, root.path), isNotNull(paths.missingSince)))
    const [failed] = await db
      .select({ n: count() })
      .from(failures)
      .where(below(failures.path, root.path))
    summaries.push({
      ...root,
      pictures: await countPictures(db, root.path),
      missing: gone!.n,
      failures: failed!.n,
    })
  }
  return summaries
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folderRange(folder).after)
}
