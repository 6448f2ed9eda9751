// Concepts that people teach: one row each, by name; and pictures to tell them from.
import { and, asc, eq, gte, lt, sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import type { UnitVector } from '../core/vector.ts'
import type { VectorSpace } from './changes.ts'
import type { Database } from './database.ts'
import { concepts, embeddings } from './schema.ts'

/** A row of `concepts`. */
export type StoredConcept = typeof concepts.$inferSelect

/**
 * Writes a concept in place of `before`, one of the same name, or where there was none. Undefined, and
 * nothing, where somebody else has taught it since.
 */
export async function putConcept(
  db: Database,
  concept: Omit<StoredConcept, 'createdAt' | 'taughtAt'>,
  before: Pick<StoredConcept, 'taughtAt'> | undefined,
): Promise<StoredConcept | undefined> {
  const { name, ...rest } = concept
  if (!before) {
    return (await db.insert(concepts).values(concept).onConflictDoNothing().returning())[0]
  }
  // The database counts in microseconds, and a date in milliseconds.
  const from = before.taughtAt
  const isBefore = and(gte(concepts.taughtAt, from), lt(concepts.taughtAt, new Date(+from + 1)))
  const [row] = await db
    .update(concepts)
    .set({ ...rest, taughtAt: sql`now()` })
    .where(and(eq(concepts.name, name), isBefore))
    .returning()
  return row
}

/** Undefined where there is none. */
export async function findConcept(db: Database, name: string): Promise<StoredConcept | undefined> {
  const [row] = await db.select().from(concepts).where(eq(concepts.name, name))
  return row
}

/** In the order of their names. */
export async function listConcepts(db: Database): Promise<StoredConcept[]> {
  return db.select().from(concepts).orderBy(asc(concepts.name))
}

/** Throws `not_found`. */
export async function removeConcept(db: Database, name: string): Promise<void> {
  const gone = await db.delete(concepts).where(eq(concepts.name, name)).returning()
  if (gone.length === 0) throw new LucidaError('not_found', `There is no concept ${name}`)
}

/**
 * Vectors of the collection, at most `limit`: those with the smallest hashes, which are as good as
 * drawn by lot and the same every time.
 */
export async function sampleVectors(
  db: Database,
  { model, recipe }: VectorSpace,
  limit: number,
): Promise<{ content: string; vector: UnitVector }[]> {
  return db
    .select({ content: embeddings.content, vector: embeddings.vector })
    .from(embeddings)
    .where(and(eq(embeddings.model, model), eq(embeddings.recipe, recipe)))
    .orderBy(asc(embeddings.content))
    .limit(limit)
}
