// Pictures by content: written in batches with their vectors and paths, read by hash.
import { and, asc, eq, inArray, isNull } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import { recordChanges, type VectorSpace, withWriterLock } from './changes.ts'
import type { Database } from './database.ts'
import { hashSlices } from './hash-slices.ts'
import { findRoot } from './roots.ts'
import { contents, embeddings, failures, paths } from './schema.ts'
import { inChunks, inSpace, uniqueBy } from './statements.ts'
import { insertVectors } from './vectors.ts'

/** A row of `contents`, without what the database fills in. */
export type Content = Omit<typeof contents.$inferInsert, 'addedAt'>

/** A file as found on disk. */
export interface FileState {
  readonly path: string
  readonly sizeBytes: number
  readonly mtimeMs: number
}

/** A file whose content is known. `content` and `vector` are there when they are new. */
export interface IndexedFile extends FileState {
  readonly hash: ContentHash
  readonly content?: Content
  readonly vector?: UnitVector
}

/** A file that could not be indexed. */
export interface FailedFile extends FileState {
  readonly code: string
  readonly reason: string
  /** Version of Lucida that tried; another one tries again. */
  readonly triedBy: string
}

/**
 * Writes one batch atomically: pictures, vectors, paths, failures and the change feed. Returns the
 * paths that were known in another state. Throws `cancelled` when `folder`, where they all lie, has been
 * removed from the index meanwhile.
 */
export async function writeBatch(
  db: Database,
  space: VectorSpace,
  batch: {
    readonly files: readonly IndexedFile[]
    readonly failures: readonly FailedFile[]
    readonly folder?: string
  },
): Promise<Set<string>> {
  const states = new Map([...batch.files, ...batch.failures].map((file) => [file.path, file]))
  const all = [...states.keys()]
  if (all.length === 0) return new Set()
  return withWriterLock(db, async (tx) => {
    if (batch.folder !== undefined && !(await findRoot(tx, batch.folder))) {
      throw new LucidaError('cancelled', `${batch.folder} was removed from the index meanwhile`)
    }
    // A path that changed its content leaves the old one; both sides enter the feed.
    const replaced = await tx.delete(paths).where(inArray(paths.path, all)).returning()
    await tx.delete(failures).where(inArray(failures.path, all))
    const files = await withContent(tx, batch.files)
    await insertFiles(tx, space, files)
    if (batch.failures.length > 0) {
      await tx.insert(failures).values([...batch.failures])
    }
    await recordChanges(tx, [...replaced.map((row) => row.content), ...files.map((f) => f.hash)])
    const others = replaced.filter((row) => !isSameState(row, states.get(row.path)!))
    return new Set(others.map(({ path }) => path))
  })
}

/** Whether a file is as it was found another time. */
export function isSameState(a: FileState, b: FileState): boolean {
  return a.sizeBytes === b.sizeBytes && a.mtimeMs === b.mtimeMs
}

/** Without the files whose content another process has pruned since it was found to be known. */
async function withContent(tx: Database, files: readonly IndexedFile[]): Promise<IndexedFile[]> {
  const assumed = files.filter((file) => !file.content).map((file) => file.hash)
  if (assumed.length === 0) return [...files]
  const rows = await tx
    .select({ hash: contents.hash })
    .from(contents)
    .where(inArray(contents.hash, assumed))
  const known = new Set(rows.map((row) => row.hash))
  return files.filter((file) => file.content || known.has(file.hash))
}

async function insertFiles(
  tx: Database,
  space: VectorSpace,
  files: readonly IndexedFile[],
): Promise<void> {
  const newContents = uniqueBy(
    files.flatMap((file) => file.content ?? []),
    ({ hash }) => hash,
  )
  if (newContents.length > 0) {
    await tx.insert(contents).values(newContents).onConflictDoNothing()
  }
  await insertVectors(
    tx,
    space,
    files.flatMap(({ hash, vector }) => (vector ? [{ content: hash, vector }] : [])),
  )
  if (files.length > 0) {
    await tx.insert(paths).values(
      files.map(({ hash, path, sizeBytes, mtimeMs }) => ({
        content: hash,
        path,
        sizeBytes,
        mtimeMs,
      })),
    )
  }
}

/** Which of content and vector the store already has for a hash. */
export async function findContent(
  db: Database,
  space: VectorSpace,
  hash: ContentHash,
): Promise<{ known: boolean; embedded: boolean }> {
  const [row] = await db
    .select({ hash: contents.hash, model: embeddings.model })
    .from(contents)
    .leftJoin(embeddings, inSpace(space, contents.hash))
    .where(eq(contents.hash, hash))
  return { known: row !== undefined, embedded: row?.model != null }
}

/** At most `limit` of all hashes, in no order. */
export async function readHashes(db: Database, limit: number): Promise<ContentHash[]> {
  const rows = await db.select({ hash: contents.hash }).from(contents).limit(limit)
  return rows.map((row) => row.hash)
}

/** The stored vectors of those contents that have one in this space. */
export async function findVectors(
  db: Database,
  space: VectorSpace,
  hashes: readonly ContentHash[],
): Promise<Map<ContentHash, UnitVector>> {
  const found = new Map<ContentHash, UnitVector>()
  await inChunks(hashes, async (some) => {
    const rows = await db
      .select({ content: embeddings.content, vector: embeddings.vector })
      .from(embeddings)
      .where(
        and(
          inArray(embeddings.content, some),
          eq(embeddings.model, space.model),
          eq(embeddings.recipe, space.recipe),
        ),
      )
    for (const row of rows) found.set(row.content, row.vector)
  })
  return found
}

/** All visible pictures, as a table of results needs them. */
export async function listVisible(db: Database): Promise<VisiblePicture[]> {
  const found: (VisiblePicture & { paths: string[] })[] = []
  for (const slice of hashSlices(contents.hash)) {
    const rows = await db
      .select({
        hash: contents.hash,
        widthPx: contents.widthPx,
        heightPx: contents.heightPx,
        takenAt: contents.takenAt,
        generated: contents.generated,
        path: paths.path,
      })
      .from(contents)
      .innerJoin(paths, eq(paths.content, contents.hash))
      .where(and(slice, isNull(paths.missingSince)))
      .orderBy(asc(contents.hash), asc(paths.path))
    for (const { path, ...row } of rows) {
      const last = found.at(-1)
      if (last?.hash === row.hash) last.paths.push(path)
      else found.push({ ...row, paths: [path] })
    }
  }
  return found
}

/** A picture that is there, with its places in byte order. */
export type VisiblePicture = Pick<
  StoredPicture,
  'hash' | 'widthPx' | 'heightPx' | 'takenAt' | 'generated' | 'paths'
>

/** A picture as search results show it. */
export type StoredPicture = typeof contents.$inferSelect & {
  /** Where it lies now, in byte order; never empty. */
  readonly paths: readonly string[]
}

/** The visible pictures among `hashes`, by hash. */
export async function findPictures(
  db: Database,
  hashes: readonly ContentHash[],
): Promise<Map<ContentHash, StoredPicture>> {
  const found = new Map<ContentHash, StoredPicture & { paths: string[] }>()
  await inChunks(hashes, async (some) => {
    const rows = await db
      .select({ content: contents, path: paths.path })
      .from(contents)
      .innerJoin(paths, eq(paths.content, contents.hash))
      .where(and(inArray(contents.hash, some), isNull(paths.missingSince)))
      .orderBy(asc(paths.path))
    for (const { content, path } of rows) {
      const picture = found.get(content.hash)
      if (picture) picture.paths.push(path)
      else found.set(content.hash, { ...content, paths: [path] })
    }
  })
  return found
}
