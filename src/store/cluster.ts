// Turns a database into a Citus cluster: tables are distributed as placement.ts says, with what is in
// them, in one transaction. Done again, it takes in what has been added since, so it follows every
// migration of a database that is a cluster.
import { getTableName, sql } from 'drizzle-orm'
import { LucidaError, messageOf } from '../core/errors.ts'
import { WRITER_LOCK } from './changes.ts'
import { distributedTables, HAS_CITUS, isCluster } from './citus.ts'
import { type Database, rows } from './connection.ts'
import { DISTRIBUTED, FIRST_DISTRIBUTED, REFERENCE } from './placement.ts'
import { distributeVectorTables } from './vector-table.ts'

/** Each is one more graph that a search walks; so many times as many nodes can share them one day. */
const SHARDS_PER_NODE = 4

/** Cluster-wide functions came to this version in the form that is used here. */
const MIN_VERSION = [12, 1] as const

/** Tables that were distributed just now; none where all were before. */
export interface ClusterChange {
  readonly distributed: readonly string[]
  readonly reference: readonly string[]
}

/** Serialises migrations among processes. Any constant will do; this one spells "luci". */
export const MIGRATION_LOCK = 0x6c756369

/**
 * Distributes the tables. Throws `database_unavailable` with the remedy where the server has no Citus,
 * knows no other node, or does not let this user.
 */
export async function initCluster(
  db: Database,
  options: { readonly shards?: number } = {},
): Promise<ClusterChange> {
  const nodes = await requireCitus(db)
  const shards = options.shards ?? nodes * SHARDS_PER_NODE
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`)
    return distributeTables(tx, shards)
  })
}

/** Distributes what a migration has added, where the database is a cluster. Call under its lock. */
export async function extendCluster(db: Database): Promise<void> {
  if (!(await isCluster(db))) return
  await db.transaction((tx) => distributeTables(tx, null))
}

/** `shards` of the first table, beside which all others lie; null where it is distributed. */
async function distributeTables(tx: Database, shards: number | null): Promise<ClusterChange> {
  const known = await distributedTables(tx)
  const spread = DISTRIBUTED.filter(({ table }) => !known.has(getTableName(table)))
  const whole = REFERENCE.map((table) => getTableName(table)).filter((name) => !known.has(name))
  const names = [...spread.map(({ table }) => getTableName(table)), ...whole]
  if (names.length === 0) return { distributed: [], reference: [] }
  // Whoever writes would meet a table that is neither here nor there.
  await tx.execute(sql`select pg_advisory_xact_lock(${WRITER_LOCK})`)
  // One table at a time, keys would point from here to other nodes.
  const keys = await foreignKeysOf(tx, names)
  for (const { table, name } of keys) {
    await tx.execute(sql.raw(`alter table ${table} drop constraint "${name}"`))
  }
  for (const { table, name: column } of spread) {
    const name = getTableName(table)
    const place =
      name === FIRST_DISTRIBUTED
        ? sql`colocate_with => 'none', shard_count => ${shards}::int`
        : sql`colocate_with => ${FIRST_DISTRIBUTED}`
    await tx.execute(sql`select create_distributed_table(${name}, ${column}, ${place})`)
  }
  for (const name of whole) await tx.execute(sql`select create_reference_table(${name})`)
  for (const { table, name, definition } of keys) {
    await tx.execute(sql.raw(`alter table ${table} add constraint "${name}" ${definition}`))
  }
  // Their rows are on the nodes now; what is left of them here is seen by nobody.
  for (const name of names) {
    await tx.execute(sql`select truncate_local_data_after_distributing_table(${name}::regclass)`)
  }
  const vectors = await distributeVectorTables(tx)
  return {
    distributed: [...names.filter((name) => !whole.includes(name)), ...vectors],
    reference: whole,
  }
}

interface ForeignKey {
  readonly table: string
  readonly name: string
  readonly definition: string
}

async function foreignKeysOf(tx: Database, tables: readonly string[]): Promise<ForeignKey[]> {
  return rows<ForeignKey>(
    tx,
    sql`select c.relname as table, k.conname as name, pg_get_constraintdef(k.oid) as definition
        from pg_constraint k join pg_class c on c.oid = k.conrelid
        where k.contype = 'f' and c.relnamespace = 'public'::regnamespace
          and c.relname in (select unnest(${sql.param(tables)}::text[]))`,
  )
}

/** Returns how many nodes there are besides the coordinator. */
async function requireCitus(db: Database): Promise<number> {
  const [found] = await rows<{ major: number; available: string | null; installed: boolean }>(
    db,
    sql`select current_setting('server_version_num')::int / 10000 as major,
      (select default_version from pg_available_extensions where name = 'citus') as available,
      ${HAS_CITUS} as installed`,
  )
  const { major, available, installed } = found!
  if (!available) {
    throw refused(
      `it is not installed on the server; install it on every node (on Debian and Ubuntu the package postgresql-${major}-citus-12.1 of Citus' own repository)`,
    )
  }
  const [first = 0, second = 0] = available.split('.').map((part) => Number.parseInt(part, 10))
  if (first < MIN_VERSION[0] || (first === MIN_VERSION[0] && second < MIN_VERSION[1])) {
    throw refused(`Lucida needs version ${MIN_VERSION.join('.')} of it and found ${available}`)
  }
  if (!installed) {
    await db.execute(sql`create extension citus`).catch((cause: unknown) => {
      const reason = cause instanceof Error && cause.cause ? cause.cause : cause
      throw refused(
        `it could not be enabled (${messageOf(reason)}); set shared_preload_libraries = 'citus' on every node, restart them, and have somebody who may run CREATE EXTENSION citus in this database on each`,
        cause,
      )
    })
  }
  const [state] = await rows<{ nodes: number; may: boolean }>(
    db,
    sql`select (select count(*)::int from pg_dist_node where groupid <> 0 and noderole = 'primary') as nodes,
      has_function_privilege('recover_prepared_transactions()', 'execute') as may`,
  )
  if (state!.nodes === 0) {
    throw refused(
      "this server knows no other node; run in this database: select citus_set_coordinator_host('<this host>'); select citus_add_node('<other host>', 5432); the last for every node",
    )
  }
  if (!state!.may) {
    throw refused(
      'this user may not finish commits on other nodes; have a superuser run GRANT EXECUTE ON FUNCTION recover_prepared_transactions() TO this user',
    )
  }
  return state!.nodes
}

function refused(reason: string, cause?: unknown): LucidaError {
  return new LucidaError(
    'database_unavailable',
    `A cluster needs the extension Citus, but ${reason}`,
    {
      cause,
    },
  )
}
