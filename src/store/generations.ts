// What was drawn, and why: one row for each order that has ended. Those under way are known to the
// process that draws them; one that is killed has drawn nothing.
import { and, desc, eq, isNotNull, isNull } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import type { Database } from './database.ts'
import { contents, generations } from './schema.ts'

/** A row of `generations`. */
export type StoredGeneration = typeof generations.$inferSelect

/** Writes down how an order has ended; of several attempts at it, the last. */
export async function recordGeneration(db: Database, row: StoredGeneration): Promise<void> {
  const { id: _, ...end } = row
  await db.insert(generations).values(row).onConflictDoUpdate({ target: generations.id, set: end })
}

/** Writes down that one of its pictures was kept after all; the first that was stays. */
export async function noteKept(db: Database, id: string, picture: ContentHash): Promise<void> {
  await db
    .update(generations)
    .set({ picture })
    .where(and(eq(generations.id, id), isNull(generations.picture)))
}

/** Throws `not_found`. */
export async function findGeneration(db: Database, id: string): Promise<StoredGeneration> {
  const [row] = await db.select().from(generations).where(eq(generations.id, id))
  if (!row) throw new LucidaError('not_found', `There is no generation ${id}`)
  return row
}

/** The newest of the same request whose picture was kept and is still known. */
export async function findKept(
  db: Database,
  requestHash: ContentHash,
): Promise<StoredGeneration | undefined> {
  const [row] = await db
    .select({ generation: generations })
    .from(generations)
    .innerJoin(contents, eq(contents.hash, generations.picture))
    .where(and(eq(generations.requestHash, requestHash), isNotNull(generations.picture)))
    .orderBy(desc(generations.endedAt))
    .limit(1)
  return row?.generation
}

/** The newest first. */
export async function listGenerations(db: Database, limit: number): Promise<StoredGeneration[]> {
  return db.select().from(generations).orderBy(desc(generations.endedAt)).limit(limit)
}
