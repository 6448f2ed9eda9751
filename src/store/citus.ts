// What is different in a database that is a Citus cluster: whether it is one, and how its commits end.
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import { type Database, rows } from './connection.ts'
import { FIRST_DISTRIBUTED } from './placement.ts'

/** SQL: whether the extension is in this database; true long before pictures are distributed. */
export const HAS_CITUS = sql<boolean>`(to_regclass('pg_catalog.pg_dist_partition') is not null)`

/** Whether the tables of pictures are spread over nodes. */
export async function isCluster(db: Database): Promise<boolean> {
  const [row] = await rows<{ citus: boolean }>(db, sql`select ${HAS_CITUS} as citus`)
  return row!.citus && (await distributedTables(db)).has(FIRST_DISTRIBUTED)
}

/** Names of the tables that the cluster knows. Throws where there is no Citus. */
export async function distributedTables(db: Database): Promise<Set<string>> {
  const found = await rows<{ name: string }>(
    db,
    sql`select c.relname as name from pg_dist_partition p join pg_class c on c.oid = p.logicalrelid`,
  )
  return new Set(found.map(({ name }) => name))
}

/** Into how many parts a table is split; 1 where there is no cluster. */
export async function partsOf(db: Database, table: string): Promise<number> {
  if (!(await isCluster(db))) return 1
  const [row] = await rows<{ parts: number }>(
    db,
    sql`select count(*)::int as parts from pg_dist_shard where logicalrelid = to_regclass(${table})`,
  )
  return Math.max(1, row!.parts)
}

/**
 * Has nodes asked over one connection each, whose moment is that of its first question. Call in a
 * repeatable-read transaction, and ask each node while nobody writes what is read.
 */
export const ONE_CONNECTION = sql`select set_config('citus.max_adaptive_executor_pool_size', '1', true)`

/** A commit that is under way takes milliseconds; a node that starts takes seconds. */
const PATIENCE_MS = 5000
const PAUSE_MS = 20

/**
 * Has the nodes finish what the coordinator has committed. All nodes prepare, the coordinator commits,
 * then each node is told; one that dies in between shows the rows only when it is told again. Until
 * then a reader of the change feed could pass a number that it cannot see, and lose it for good. So
 * whoever reads the feed, or writes to it, calls this under the writers' lock. Throws
 * `database_unavailable` while a node does not answer.
 */
export async function finishCommits(tx: Database): Promise<void> {
  const recorded = () => rows<{ gid: string }>(tx, sql`select gid from pg_dist_transaction`)
  const waiting = new Set((await recorded()).map(({ gid }) => gid))
  const until = Date.now() + PATIENCE_MS
  while (waiting.size > 0) {
    // Takes away the record of every commit that all nodes have finished.
    await tx.execute(sql`select recover_prepared_transactions()`)
    const left = new Set((await recorded()).map(({ gid }) => gid))
    for (const gid of waiting) if (!left.has(gid)) waiting.delete(gid)
    if (waiting.size === 0) return
    if (Date.now() > until) {
      throw new LucidaError(
        'database_unavailable',
        'A node of the cluster has not confirmed what was written last; start it again (lucida cluster status shows which is away)',
      )
    }
    await sleep(PAUSE_MS)
  }
}
