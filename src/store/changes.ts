// The change feed: what an index must apply to catch up with the truth.
// `seq` is drawn while one advisory lock is held until commit. With a plain sequence, a lower
// number could commit after a reader had passed it, and its change would be lost silently.
import { and, asc, eq, gt, inArray, isNull, lt, max, or, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/pg-core'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import { finishCommits, HAS_CITUS } from './citus.ts'
import { type Database, rows } from './connection.ts'
import { changes, embeddings, paths } from './schema.ts'
import { inChunks } from './statements.ts'

/** Advisory lock of all writers to one store; any constant other than the migrations' will do. */
export const WRITER_LOCK = 0x6c756364

/** The next number of the feed. Draw it under the writers' lock. */
export const NEXT_SEQUENCE = sql<number>`nextval('changes_seq')`

/** The vectors of one model and recipe. */
export interface VectorSpace {
  readonly model: string
  readonly recipe: string
}

/** A page of the feed: the state of each changed content, in order, up to `sequence`. */
export interface ChangePage {
  readonly changes: { readonly content: ContentHash; readonly vector: UnitVector | null }[]
  /** Pass as `after` for the next page; equal to `after` when there is nothing new. */
  readonly sequence: number
}

/** Runs `write` in a transaction that holds the writers' lock until it commits. */
export async function withWriterLock<T>(
  db: Database,
  write: (tx: Database) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    const [row] = await rows<{ citus: boolean }>(
      tx,
      sql`select pg_advisory_xact_lock(${WRITER_LOCK}), ${HAS_CITUS} as citus`,
    )
    if (row!.citus) await finishCommits(tx)
    return write(tx)
  })
}

/**
 * Runs a read that must see all of what is committed, or nothing of it. On one server a statement does.
 * The nodes of a cluster commit one after another, so there the read waits until nobody writes.
 */
async function atRest<T>(db: Database, read: (db: Database) => Promise<T>): Promise<T> {
  const [row] = await rows<{ citus: boolean }>(db, sql`select ${HAS_CITUS} as citus`)
  if (!row!.citus) return read(db)
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock_shared(${WRITER_LOCK})`)
    await finishCommits(tx)
    return read(tx)
  })
}

/**
 * Records what became of `touched` contents: visible ones are put, others removed. A content whose
 * state is as before is left alone: its vectors have numbers of their own. Call inside
 * `withWriterLock`.
 */
export async function recordChanges(tx: Database, touched: Iterable<ContentHash>): Promise<void> {
  await inChunks([...new Set(touched)], (some) => recordSome(tx, some))
}

async function recordSome(tx: Database, touched: ContentHash[]): Promise<void> {
  const visible = new Set(
    (
      await tx
        .selectDistinct({ content: paths.content })
        .from(paths)
        .where(and(inArray(paths.content, touched), isNull(paths.missingSince)))
    ).map((row) => row.content),
  )
  const before = new Map(
    (await tx.select().from(changes).where(inArray(changes.content, touched))).map((row) => [
      row.content,
      row.op,
    ]),
  )
  const values = touched.flatMap((content) => {
    const op = visible.has(content) ? ('put' as const) : ('remove' as const)
    const was = before.get(content) ?? 'remove'
    return op === was ? [] : [{ content, op, seq: NEXT_SEQUENCE }]
  })
  if (values.length === 0) return
  await tx
    .insert(changes)
    .values(values)
    .onConflictDoUpdate({
      target: changes.content,
      set: { seq: sql`excluded.seq`, op: sql`excluded.op` },
    })
}

/**
 * Reads at most `limit` changes after sequence number `after`, oldest first. A content's number in a
 * space is the later of when it came or went and when its vector was written; so what one model is
 * given is no news to the indexes of others.
 */
export async function readChanges(
  db: Database,
  space: VectorSpace,
  after: number,
  limit: number,
): Promise<ChangePage> {
  return atRest(db, (still) => readPage(still, space, after, limit))
}

async function readPage(
  db: Database,
  { model, recipe }: VectorSpace,
  after: number,
  limit: number,
): Promise<ChangePage> {
  const mine = and(eq(embeddings.content, changes.content), eq(embeddings.model, model))
  const state = { content: changes.content, op: changes.op }
  const vector = { vector: embeddings.vector, recipe: embeddings.recipe }
  const came = db
    .select({ ...state, ...vector, seq: sql<number>`${changes.seq}::float8`.as('at') })
    .from(changes)
    .leftJoin(embeddings, mine)
    .where(and(gt(changes.seq, after), or(isNull(embeddings.seq), lt(embeddings.seq, changes.seq))))
    .orderBy(asc(changes.seq))
    .limit(limit)
  const embedded = db
    .select({ ...state, ...vector, seq: sql<number>`${embeddings.seq}::float8`.as('at') })
    .from(changes)
    .innerJoin(embeddings, mine)
    .where(and(gt(embeddings.seq, after), gt(embeddings.seq, changes.seq)))
    .orderBy(asc(embeddings.seq))
    .limit(limit)
  // One statement: what is committed between two would be passed over.
  const page = await unionAll(came, embedded).orderBy(sql`at`).limit(limit)
  return {
    changes: page.map((row) => {
      const isShown = row.op === 'put' && row.recipe === recipe
      return { content: row.content, vector: isShown ? row.vector : null }
    }),
    sequence: page.at(-1)?.seq ?? after,
  }
}

/** Of `hashes`, the contents that have come into the collection since a number of the feed. */
export async function cameSince(
  db: Database,
  sequence: number,
  hashes: readonly ContentHash[],
): Promise<Set<ContentHash>> {
  const came = new Set<ContentHash>()
  await inChunks(hashes, async (some) => {
    const found = await db
      .select({ content: changes.content })
      .from(changes)
      .where(and(inArray(changes.content, some), gt(changes.seq, sequence), eq(changes.op, 'put')))
    for (const { content } of found) came.add(content)
  })
  return came
}

/** Number of the newest change that an index of this model must have seen; 0 in a new store. */
export async function lastSequenceOf(db: Database, { model }: VectorSpace): Promise<number> {
  const [row] = await db
    .select({ seq: max(embeddings.seq) })
    .from(embeddings)
    .where(eq(embeddings.model, model))
  return Math.max(row?.seq ?? 0, await lastSequence(db))
}

/** Number of the last content that came or went; 0 in a new store. */
export async function lastSequence(db: Database): Promise<number> {
  const [row] = await db.select({ seq: max(changes.seq) }).from(changes)
  return row?.seq ?? 0
}

/** Contents that came, or came back, after change number `sequence`. */
export async function findAddedSince(db: Database, sequence: number): Promise<Set<ContentHash>> {
  const found = await db
    .select({ content: changes.content })
    .from(changes)
    .where(and(gt(changes.seq, sequence), eq(changes.op, 'put')))
  return new Set(found.map(({ content }) => content))
}

/** Newest sequence number, and how many contents an index of this space then holds: one moment. */
export async function feedState(
  db: Database,
  space: VectorSpace,
): Promise<{ sequence: number; count: number }> {
  return atRest(db, (still) => readState(still, space))
}

async function readState(
  db: Database,
  space: VectorSpace,
): Promise<{ sequence: number; count: number }> {
  const [row] = await rows<{ sequence: number; n: number }>(
    db,
    sql`select greatest(came.seq, written.seq)::float8 as sequence, here.n
        from (select coalesce(max(seq), 0) as seq from ${changes}) came,
          (select coalesce(max(seq), 0) as seq from ${embeddings} where model = ${space.model}) written,
          (select count(*)::int as n
            from ${changes} join ${embeddings} on ${embeddings.content} = ${changes.content}
            where ${changes.op} = 'put' and ${embeddings.model} = ${space.model} and ${embeddings.recipe} = ${space.recipe}) here`,
  )
  return { sequence: row!.sequence, count: row!.n }
}
