// The planner's statistics. PGlite has no autovacuum, so nobody else gathers them there; without
// them a filter over 50,000 pictures takes 170 ms whatever it asks, with them 14 to 80 ms.
import { sql } from 'drizzle-orm'
import { isCluster } from './citus.ts'
import { type Database, rows } from './database.ts'
import { changes, contents, embeddings, paths } from './schema.ts'

/** Share of rows by which the planner's numbers may be wrong. */
const TOLERANCE = 0.1

/** Gathers statistics anew when the collection has grown or shrunk much since the last time. */
export async function refreshStatistics(db: Database): Promise<void> {
  // Each node of a cluster gathers its own; there is nothing to count on this one.
  if (await isCluster(db)) return
  const [row] = await rows<{ known: number; actual: number }>(
    db,
    sql`select (select reltuples from pg_class where oid = 'paths'::regclass) as known,
        (select count(*)::int from ${paths}) as actual`,
  )
  if (Math.abs(row!.known - row!.actual) <= TOLERANCE * row!.actual) return
  await db.execute(sql`analyze ${contents}, ${paths}, ${embeddings}, ${changes}`)
}
