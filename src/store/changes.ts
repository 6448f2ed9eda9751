// The change feed: what an index must apply to catch up with the truth.
// `seq` is drawn while one advisory lock is held until commit. With a plain sequence, a lower
// number could commit after a reader had passed it, and its change would be lost silently.
import { and, asc, eq, gt, inArray, isNull, max, sql } from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import { type Database, rows } from './database.ts'
import { changes, embeddings, paths } from './schema.ts'

/** Advisory lock of all writers to one store; any constant other than the migrations' will do. */
const WRITER_LOCK = 0x6c756364

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
    await tx.execute(sql`select pg_advisory_xact_lock(${WRITER_LOCK})`)
    return write(tx)
  })
}

/**
 * Records what became of `touched` contents: visible ones are put, others removed. A content whose
 * state is as before is left alone, unless it is in `embedded` (its vector is new).
 * Call inside `withWriterLock`.
 */
export async function recordChanges(
  tx: Database,
  touched: Iterable<ContentHash>,
  embedded: ReadonlySet<ContentHash> = new Set(),
): Promise<void> {
  const all = [...new Set(touched)]
  for (let at = 0; at < all.length; at += 1000) {
    await recordSome(tx, all.slice(at, at + 1000), embedded)
  }
}

async function recordSome(
  tx: Database,
  touched: ContentHash[],
  embedded: ReadonlySet<ContentHash>,
): Promise<void> {
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
    if (op === was && !(op === 'put' && embedded.has(content))) return []
    return [{ content, op, seq: sql<number>`nextval('changes_seq')` }]
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

/** Reads at most `limit` changes after sequence number `after`, oldest first. */
export async function readChanges(
  db: Database,
  space: VectorSpace,
  after: number,
  limit: number,
): Promise<ChangePage> {
  const page = await db
    .select({
      content: changes.content,
      seq: changes.seq,
      op: changes.op,
      vector: embeddings.vector,
    })
    .from(changes)
    .leftJoin(
      embeddings,
      and(
        eq(embeddings.content, changes.content),
        eq(embeddings.model, space.model),
        eq(embeddings.recipe, space.recipe),
      ),
    )
    .where(gt(changes.seq, after))
    .orderBy(asc(changes.seq))
    .limit(limit)
  return {
    changes: page.map(({ content, op, vector }) => ({
      content,
      vector: op === 'put' ? vector : null,
    })),
    sequence: page.at(-1)?.seq ?? after,
  }
}

/** Sequence number of the newest change; 0 in a new store. */
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
  const [row] = await rows<{ sequence: number; n: number }>(
    db,
    sql`select (select coalesce(max(${changes.seq}), 0)::float8 from ${changes}) as sequence, count(*)::int as n
        from ${changes} join ${embeddings} on ${embeddings.content} = ${changes.content}
        where ${changes.op} = 'put' and ${embeddings.model} = ${space.model} and ${embeddings.recipe} = ${space.recipe}`,
  )
  return { sequence: row!.sequence, count: row!.n }
}
