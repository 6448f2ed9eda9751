// Folders that the user asked to be indexed. Roots never nest: a folder inside a root is part of it,
// and a folder around roots takes their place. Only Lucida's own folders (of drawings and uploads) stay
// roots of their own, wherever they lie: no other root's run says what is there.
import { and, count, eq, isNotNull, sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import { folderRange } from '../core/folder-range.ts'
import { separatorOf } from '../core/place.ts'
import { withWriterLock } from './changes.ts'
import type { Database } from './database.ts'
import { below, countPictures, deletePaths } from './paths.ts'
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

/** The root that covers `folder`, if there is one. */
export async function findRoot(db: Database, folder: string): Promise<Root | undefined> {
  return around(await listRoots(db), folder)
}

/** Roots below `folder`: Lucida's own, which runs of their own look through. */
export async function rootsWithin(db: Database, folder: string): Promise<string[]> {
  const all = (await listRoots(db)).map(({ path }) => path)
  return all.filter((path) => isBelow(path, folder))
}

/**
 * The root that covers `folder`: an existing one at or above it, or a new one, which then takes the
 * place of the roots below it and of their globs. `exclude`, when given, replaces the root's globs.
 * `own` names the folders of Lucida's own by the settings.
 */
export async function claimRoot(
  db: Database,
  folder: string,
  exclude: readonly string[] | undefined,
  own: readonly string[] = [],
): Promise<Root> {
  // Under the lock, so that two processes cannot make roots that nest.
  return withWriterLock(db, async (tx) => {
    const existing = (await listRoots(tx)).filter(
      ({ path, drawn }) => path === folder || !(drawn || own.includes(path)),
    )
    const root = around(
      own.includes(folder) ? existing.filter(({ path }) => path === folder) : existing,
      folder,
    )
    if (root) {
      if (exclude === undefined) return root
      await tx
        .update(roots)
        .set({ exclude: [...exclude] })
        .where(eq(roots.path, root.path))
      return { ...root, exclude: [...exclude] }
    }
    const within = existing.filter((root) => isBelow(root.path, folder))
    for (const root of within) await tx.delete(roots).where(eq(roots.path, root.path))
    const inherited = within.flatMap((root) => globsWithin(folder, root))
    const values = { path: folder, exclude: [...(exclude ?? inherited)] }
    const [made] = await tx.insert(roots).values(values).returning()
    return made!
  })
}

/** What a glob would not take as it stands. */
const GLOB_CHARACTERS = /[\\*?+()[\]{}|!@"]/g

/** The globs of `root`, rewritten so that they mean the same in a folder around it. */
export function globsWithin(folder: string, root: Pick<Root, 'path' | 'exclude'>): string[] {
  const below = root.path.slice(folderRange(folder).after.length)
  const names = below.split(separatorOf(folder))
  // A folder called `Trip (2019)` is no pattern.
  const prefix = names.map((name) => name.replaceAll(GLOB_CHARACTERS, String.raw`\$&`)).join('/')
  return root.exclude.map((glob) =>
    // A glob with a slash is anchored at its root; one without holds at any depth.
    glob.replace(/\/$/, '').includes('/')
      ? `${prefix}/${glob.replace(/^\//, '')}`
      : `${prefix}/**/${glob}`,
  )
}

/** Notes the end of a complete run. */
export async function markIndexed(db: Database, path: string): Promise<void> {
  await db.update(roots).set({ indexedAt: sql`now()` }).where(eq(roots.path, path))
}

/**
 * Forgets a root with its paths, failures and pictures, but for those of roots in it. Throws
 * `not_found`. Returns paths removed.
 */
export async function removeRoot(db: Database, path: string): Promise<number> {
  return withWriterLock(db, async (tx) => {
    const deleted = await tx.delete(roots).where(eq(roots.path, path)).returning()
    if (deleted.length === 0) {
      throw notARoot(
        path,
        (await listRoots(tx)).map((root) => root.path),
      )
    }
    return deletePaths(tx, path, 'all', await rootsWithin(tx, path))
  })
}

/** The error for a folder that is no root. */
export function notARoot(path: string, known: readonly string[]): LucidaError {
  const those = known.join(', ') || 'none'
  return new LucidaError('not_found', `${path} is not an indexed folder (those are: ${those})`)
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

/** The innermost one. */
function around(all: readonly Root[], folder: string): Root | undefined {
  return all.findLast((root) => root.path === folder || isBelow(folder, root.path))
}

/** Whether `path` lies below `folder`. */
export function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folderRange(folder).after)
}
