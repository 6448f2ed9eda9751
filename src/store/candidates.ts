// What was drawn for orders that several processes share, for as long as there is room for it.
import { and, asc, eq, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { candidates, jobs } from './schema.ts'

/** A row of `candidates`. */
export type StoredCandidate = Omit<typeof candidates.$inferSelect, 'job'>

/** Writes down what was drawn for an order, in place of what an earlier attempt has drawn. */
export async function putCandidates(
  db: Database,
  job: string,
  drawn: readonly StoredCandidate[],
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.delete(candidates).where(eq(candidates.job, job))
    // One at a time: a statement with many large pictures would be as large as all of them.
    for (const one of drawn) await tx.insert(candidates).values({ job, ...one })
  })
}

/** One picture, or `undefined`. */
export async function findCandidate(
  db: Database,
  job: string,
  rank: number,
): Promise<StoredCandidate | undefined> {
  const [row] = await db
    .select()
    .from(candidates)
    .where(and(eq(candidates.job, job), eq(candidates.rank, rank)))
  return row
}

/** Which pictures of an order are still there. */
export async function listCandidateRanks(db: Database, job: string): Promise<number[]> {
  const found = await db
    .select({ rank: candidates.rank })
    .from(candidates)
    .where(eq(candidates.job, job))
    .orderBy(asc(candidates.rank))
  return found.map(({ rank }) => rank)
}

/** Forgets what does not fit into `maxBytes`: the oldest orders first, of one order the worst. */
export async function forgetCandidates(db: Database, maxBytes: number): Promise<void> {
  await db.execute(
    sql`delete from ${candidates} where (job, rank) in (
          select job, rank from (
            select c.job, c.rank, sum(octet_length(c.png)) over (
                     order by j.created_at desc, j.id desc, c.rank
                   ) as total
            from ${candidates} c join ${jobs} j on j.id = c.job
          ) newest where total > ${maxBytes})`,
  )
}
