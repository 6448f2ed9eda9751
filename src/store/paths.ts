// Paths: what is known in a folder, what is there, what is gone.
import {
  and,
  countDistinct,
  eq,
  gt,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  not,
  notExists,
  sql,
} from 'drizzle-orm'
import { folderRange } from '../core/folder-range.ts'
import type { ContentHash } from '../core/hash.ts'
import { recordChanges, type VectorSpace, withWriterLock } from './changes.ts'
import type { Database } from './database.ts'
import type { FileState } from './pictures.ts'
import { contents, embeddings, failures, paths } from './schema.ts'
import { inChunks, inSpace } from './statements.ts'

/** What the store knows about one path. */
export interface KnownFile extends FileState {
  /** `null` for a failure. */
  readonly content: ContentHash | null
  readonly missing: boolean
  /** Has a vector in the space asked about; true for a failure, which needs none. */
  readonly embedded: boolean
  /** The recorded failure, `null` for a picture. */
  readonly failure: { readonly code: string; readonly triedBy: string } | null
}

/** Everything known with `after` < path ≤ `upTo` (or < `before`), by path, in byte order. */
export async function knownInRange(
  db: Database,
  space: VectorSpace,
  range: { after: string } & ({ upTo: string } | { before: string }),
): Promise<KnownFile[]> {
  const within = (path: typeof paths.path | typeof failures.path) =>
    and(gt(path, range.after), 'upTo' in range ? lte(path, range.upTo) : lt(path, range.before))
  const pictures = await db
    .select({
      path: paths.path,
      sizeBytes: paths.sizeBytes,
      mtimeMs: paths.mtimeMs,
      content: paths.content,
      missing: isNotNull(paths.missingSince) as ReturnType<typeof sql<boolean>>,
      embedded: isNotNull(embeddings.model) as ReturnType<typeof sql<boolean>>,
    })
    .from(paths)
    .leftJoin(embeddings, inSpace(space, paths.content))
    .where(within(paths.path))
  const failed = await db.select().from(failures).where(within(failures.path))
  return [
    ...pictures.map((row) => ({ ...row, failure: null })),
    ...failed.map(({ path, sizeBytes, mtimeMs, code, triedBy }) => ({
      path,
      sizeBytes,
      mtimeMs,
      content: null,
      missing: false,
      embedded: true,
      failure: { code, triedBy },
    })),
  ]
}

/** Marks paths as gone (`missing`) or there again; contents enter or leave the feed with them. */
export async function markMissing(
  db: Database,
  all: readonly string[],
  missing: boolean,
): Promise<void> {
  await inChunks(all, (some) =>
    withWriterLock(db, async (tx) => {
      const changed = await tx
        .update(paths)
        .set({ missingSince: missing ? sql`now()` : null })
        .where(
          and(
            inArray(paths.path, some),
            missing ? isNull(paths.missingSince) : isNotNull(paths.missingSince),
          ),
        )
        .returning({ content: paths.content })
      await recordChanges(
        tx,
        changed.map((row) => row.content),
      )
    }),
  )
}

/** Distinct pictures below `folder` that are there. */
export async function countPictures(db: Database, folder: string): Promise<number> {
  const [row] = await db
    .select({ n: countDistinct(paths.content) })
    .from(paths)
    .where(and(below(paths.path, folder), isNull(paths.missingSince)))
  return row!.n
}

/** Of `hashes`, those with at least one path that is there and is not in `without`. */
export async function stillVisible(
  db: Database,
  hashes: readonly ContentHash[],
  without: ReadonlySet<string>,
): Promise<Set<ContentHash>> {
  const visible = new Set<ContentHash>()
  await inChunks(hashes, async (some) => {
    const found = await db
      .select({ content: paths.content, path: paths.path })
      .from(paths)
      .where(and(inArray(paths.content, some), isNull(paths.missingSince)))
    for (const row of found) if (!without.has(row.path)) visible.add(row.content)
  })
  return visible
}

/**
 * Deletes paths below `folder` (all, or only missing ones) and every picture left without a path. What
 * lies in the folders `apart` stays.
 */
export async function deletePaths(
  db: Database,
  folder: string,
  which: 'all' | 'missing',
  apart: readonly string[] = [],
): Promise<number> {
  return withWriterLock(db, async (tx) => {
    const within = (column: typeof paths.path | typeof failures.path) =>
      and(below(column, folder), ...apart.map((other) => not(below(column, other)!)))
    const gone = await tx
      .delete(paths)
      .where(
        and(within(paths.path), which === 'missing' ? isNotNull(paths.missingSince) : undefined),
      )
      .returning({ content: paths.content })
    if (which === 'all') await tx.delete(failures).where(within(failures.path))
    await recordChanges(
      tx,
      gone.map((row) => row.content),
    )
    await tx
      .delete(contents)
      .where(
        notExists(tx.select({ one: sql`1` }).from(paths).where(eq(paths.content, contents.hash))),
      )
    return gone.length
  })
}

/** The content at a path that is there, if it is indexed. */
export async function contentAtPath(db: Database, path: string): Promise<ContentHash | undefined> {
  const [row] = await db
    .select({ content: paths.content })
    .from(paths)
    .where(and(eq(paths.path, path), isNull(paths.missingSince)))
  return row?.content
}

/** The files of a content that are there, in byte order of their paths. */
export async function filesOf(db: Database, hash: ContentHash): Promise<FileState[]> {
  return db
    .select({ path: paths.path, sizeBytes: paths.sizeBytes, mtimeMs: paths.mtimeMs })
    .from(paths)
    .where(and(eq(paths.content, hash), isNull(paths.missingSince)))
    .orderBy(paths.path)
}

/** Forgets a content with all its paths. Returns how many there were. */
export async function forgetContent(db: Database, hash: ContentHash): Promise<number> {
  return withWriterLock(db, async (tx) => {
    const gone = await tx.delete(paths).where(eq(paths.content, hash)).returning()
    await recordChanges(tx, [hash])
    await tx.delete(contents).where(eq(contents.hash, hash))
    return gone.length
  })
}

/** Condition: `column` is a path below `folder`. */
export function below(column: typeof paths.path | typeof failures.path, folder: string) {
  const { after, before } = folderRange(folder)
  return and(gt(column, after), lt(column, before))
}
