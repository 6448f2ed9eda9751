// Vectors by model: written, counted, found to be missing, and dropped. Filling a second model goes
// through here alone; what the indexer writes comes through pictures.ts.
import { and, asc, eq, exists, gt, inArray, notExists, type SQL, sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import { NEXT_SEQUENCE, type VectorSpace, withWriterLock } from './changes.ts'
import { type Database, rows } from './database.ts'
import { hashSlices } from './hash-slices.ts'
import { changes, contents, embeddings, fillFailures, serving } from './schema.ts'
import { isWanted, refuseInUse } from './serving.ts'
import { inSpace, uniqueBy } from './statements.ts'

/** A picture's vector. */
export interface NewVector {
  readonly content: ContentHash
  readonly vector: UnitVector
}

/** A picture that cannot be given one, and why. */
export type FillFailure = Omit<typeof fillFailures.$inferInsert, 'model'>

/** What a model has of the pictures that are there. */
export interface Filled {
  /** Pictures that are there. */
  readonly pictures: number
  /** Those of them that have a vector in this space. */
  readonly filled: number
  /** Those that have none because they cannot be read. */
  readonly failed: number
}

/** Puts vectors in place. Call inside `withWriterLock`. */
export async function insertVectors(
  tx: Database,
  { model, recipe }: VectorSpace,
  vectors: readonly NewVector[],
): Promise<void> {
  const values = uniqueBy(vectors, ({ content }) => content).map(({ content, vector }) => {
    return { content, vector, model, recipe, seq: NEXT_SEQUENCE }
  })
  if (values.length === 0) return
  await tx
    .insert(embeddings)
    .values(values)
    .onConflictDoUpdate({
      target: [embeddings.content, embeddings.model],
      set: { recipe: sql`excluded.recipe`, vector: sql`excluded.vector`, seq: sql`excluded.seq` },
    })
}

/**
 * Writes what a fill has made. Returns false, and writes nothing, where that is no longer wanted:
 * the change was paused or is another one. Throws `dimension_mismatch`.
 */
export async function writeFilled(
  db: Database,
  space: VectorSpace & { readonly dimension: number },
  made: { readonly vectors: readonly NewVector[]; readonly failures: readonly FillFailure[] },
): Promise<boolean> {
  const odd = made.vectors.find(({ vector }) => vector.length !== space.dimension)
  if (odd) {
    throw new LucidaError(
      'dimension_mismatch',
      `${space.model} has vectors of ${space.dimension} dimensions, and gave one of ${odd.vector.length}`,
    )
  }
  return withWriterLock(db, async (tx) => {
    if (!(await isWanted(tx, space))) return false
    // A picture may have gone while it was read. With a vector newer than its going, the feed would
    // end earlier once it is forgotten, and an index would seem to be ahead of the store.
    const hashes = [...made.vectors, ...made.failures].map(({ content }) => content)
    const found = await tx
      .select({ content: changes.content })
      .from(changes)
      .where(and(inArray(changes.content, hashes), eq(changes.op, 'put')))
    const there = new Set(found.map(({ content }) => content))
    const isThere = ({ content }: { content: ContentHash }) => there.has(content)
    await insertVectors(tx, space, made.vectors.filter(isThere))
    const failures = made.failures.filter(isThere).map((row) => ({ ...row, model: space.model }))
    if (failures.length > 0) await tx.insert(fillFailures).values(failures).onConflictDoNothing()
    return true
  })
}

/** Pictures that are there and have no vector in this space, a part at a time; unreadable ones left out. */
export async function* findMissing(
  db: Database,
  space: VectorSpace,
  firstSlice = 0,
): AsyncGenerator<ContentHash> {
  const slices = [...hashSlices(contents.hash)]
  const start = firstSlice % slices.length
  for (const slice of [...slices.slice(start), ...slices.slice(0, start)]) {
    const found = await db
      .select({ hash: contents.hash })
      .from(contents)
      .where(and(slice, isMissing(db, space)))
      .orderBy(asc(contents.hash))
    for (const { hash } of found) yield hash
  }
}

/** Whether any picture is missing, as `findMissing` finds them. */
export async function isAnyMissing(db: Database, space: VectorSpace): Promise<boolean> {
  for (const slice of hashSlices(contents.hash)) {
    const found = await db
      .select({ hash: contents.hash })
      .from(contents)
      .where(and(slice, isMissing(db, space)))
      .limit(1)
    if (found.length > 0) return true
  }
  return false
}

function isMissing(db: Database, space: VectorSpace): SQL | undefined {
  const one = { one: sql`1` }
  return and(
    exists(
      db
        .select(one)
        .from(changes)
        .where(and(eq(changes.content, contents.hash), eq(changes.op, 'put'))),
    ),
    notExists(db.select(one).from(embeddings).where(inSpace(space, contents.hash))),
    notExists(
      db
        .select(one)
        .from(fillFailures)
        .where(and(eq(fillFailures.content, contents.hash), eq(fillFailures.model, space.model))),
    ),
  )
}

/** How far a model is. */
export async function countFilled(db: Database, { model, recipe }: VectorSpace): Promise<Filled> {
  const [row] = await rows<Filled>(
    db,
    sql`select count(*)::int as pictures, count(e.content)::int as filled,
               count(f.content) filter (where e.content is null)::int as failed
        from ${changes} c
        left join ${embeddings} e on e.content = c.content and e.model = ${model} and e.recipe = ${recipe}
        left join ${fillFailures} f on f.content = c.content and f.model = ${model}
        where c.op = 'put'`,
  )
  return row!
}

/** The models that have vectors here, by name, and how many. */
export async function countVectors(
  db: Database,
): Promise<{ model: string; recipe: string; vectors: number }[]> {
  return db
    .select({
      model: embeddings.model,
      recipe: embeddings.recipe,
      vectors: sql<number>`count(*)::int`,
    })
    .from(embeddings)
    .groupBy(embeddings.model, embeddings.recipe)
    .orderBy(asc(embeddings.model), asc(embeddings.recipe))
}

/** What a fill of this model could not read, by path. */
export async function listFillFailures(
  db: Database,
  model: string,
  limit: number,
): Promise<FillFailure[]> {
  return db
    .select()
    .from(fillFailures)
    .where(eq(fillFailures.model, model))
    .orderBy(asc(fillFailures.path))
    .limit(limit)
}

/** Vectors deleted per transaction, so that nobody waits for long. */
const DROPPED_AT_ONCE = 2000

/**
 * Deletes a model's vectors and what is noted of its failures; returns how many there were. Throws
 * `bad_input` for the model that answers, or is being filled.
 */
export async function dropVectors(db: Database, model: string): Promise<number> {
  let dropped = 0
  for (let after = ''; ; ) {
    const gone = await withWriterLock(db, async (tx) => {
      await refuseInUse(tx, model)
      const some = tx
        .select({ content: embeddings.content })
        .from(embeddings)
        .where(and(eq(embeddings.model, model), after ? gt(embeddings.content, after) : undefined))
        .orderBy(asc(embeddings.content))
        .limit(DROPPED_AT_ONCE)
      return tx
        .delete(embeddings)
        .where(and(eq(embeddings.model, model), inArray(embeddings.content, some)))
        .returning({ content: embeddings.content })
    })
    if (gone.length === 0) break
    dropped += gone.length
    after = gone.reduce((last, { content }) => (content > last ? content : last), after)
  }
  await db.delete(fillFailures).where(eq(fillFailures.model, model))
  // There is nothing left to go back to.
  await db.update(serving).set({ previousModel: null }).where(eq(serving.previousModel, model))
  return dropped
}
