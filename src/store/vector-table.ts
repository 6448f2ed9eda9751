// Vectors inside the database, for the extension pgvector: one table per vector space, which the
// program makes and fills from the change feed, and which may be dropped at any time. It is keyed by
// content hash like everything that hangs on a picture, so that a sharded database can distribute it.
// `vector_tables` says how far each has come; whoever changes a table holds its row there until the
// change commits, so several processes share a table, and a killed one leaves nothing half done.
import { createHash } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import type { VectorSpace } from './changes.ts'
import { distributedTables, isCluster } from './citus.ts'
import { type Database, rows } from './connection.ts'
import { FIRST_DISTRIBUTED, VECTOR_TABLE_COLUMN } from './placement.ts'

/** What a graph is made of: float16 vectors, or only their signs, which take a 16th of the room. */
export type GraphKind = 'half' | 'bits'

/** A table for the vectors of one space. */
export interface VectorTable {
  readonly name: string
  readonly space: VectorSpace
  readonly dimension: number
  readonly graph: GraphKind
}

/** How far a table has come. */
export interface TableState {
  /** Number of the last change applied; 0 when nothing was. */
  readonly sequence: number
  readonly size: number
  /** Whether its graph is built. */
  readonly hasGraph: boolean
}

/** pgvector's limit for an HNSW index on float16 vectors. */
const MAX_DIMENSION = 4000
/** Serialises the making of tables among processes; spells "lucv". */
const TABLE_LOCK = 0x6c756376
/** Rows per statement: 5 MB of text at 512 dimensions. */
const ROWS = 500
/** As in hnsw-graph.ts. */
const M = 16
const EF_CONSTRUCTION = 200

/**
 * Makes the table unless it is there; `empty` takes everything out of it. Throws `bad_input` for
 * more dimensions than pgvector can index.
 */
export async function prepareTable(
  db: Database,
  table: VectorTable,
  empty: boolean,
): Promise<TableState> {
  const { name, dimension, space } = table
  if (dimension > MAX_DIMENSION) {
    throw new LucidaError(
      'bad_input',
      `pgvector indexes at most ${MAX_DIMENSION} dimensions but the model ${space.model} has ${dimension}; set VECTOR_INDEX to auto`,
    )
  }
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${TABLE_LOCK})`)
    await tx.execute(sql`create table if not exists vector_tables (
      name text primary key, model text not null, recipe text not null,
      sequence bigint not null, size bigint not null)`)
    const [known] = await rows<{ found: boolean }>(
      tx,
      sql`select to_regclass(${name}) is not null as found`,
    )
    if (!known!.found) {
      await tx.execute(
        sql.raw(`create table ${name} (
        content bytea primary key, vector halfvec(${dimension}) not null)`),
      )
      // A row fits into its page, so an exact scan need not fetch vectors one by one from elsewhere.
      await tx.execute(sql.raw(`alter table ${name} alter vector set storage plain`))
      if (await isCluster(tx)) await distribute(tx, name)
    }
    await tx.execute(sql`insert into vector_tables (name, model, recipe, sequence, size)
      values (${name}, ${space.model}, ${space.recipe}, 0, 0) on conflict do nothing`)
    if (empty || !known!.found) await emptyTable(tx, table)
    return (await readState(tx, table))!
  })
}

/**
 * Makes the tables part of the cluster that the database has become; returns which. They are emptied:
 * filling them anew is quicker than moving what is in their graphs.
 */
export async function distributeVectorTables(tx: Database): Promise<string[]> {
  const [made] = await rows<{ found: boolean }>(
    tx,
    sql`select to_regclass('vector_tables') is not null as found`,
  )
  if (!made!.found) return []
  const known = await distributedTables(tx)
  const all = await rows<{ name: string }>(
    tx,
    sql`select name from vector_tables where to_regclass(name) is not null order by name`,
  )
  const alone = all.map(({ name }) => name).filter((name) => !known.has(name))
  for (const name of alone) {
    await emptyTable(tx, { name })
    await distribute(tx, name)
  }
  return alone
}

/** Its rows lie beside those of the pictures; graphs are made on every node. */
async function distribute(tx: Database, name: string): Promise<void> {
  await tx.execute(
    sql`select create_distributed_table(${name}, ${VECTOR_TABLE_COLUMN}, colocate_with => ${FIRST_DISTRIBUTED})`,
  )
}

/** Takes everything out of a table. Without its graphs it is filled several times as fast; they are built at its next use. */
export async function emptyTable(tx: Database, { name }: Pick<VectorTable, 'name'>): Promise<void> {
  await tx.execute(sql`update vector_tables set sequence = 0, size = 0 where name = ${name}`)
  await tx.execute(sql.raw(`truncate ${name}`))
  await tx.execute(sql.raw(`drop index if exists ${graphName(name, 'half')}`))
  await tx.execute(sql.raw(`drop index if exists ${graphName(name, 'bits')}`))
}

/** How far the table has come; `lock` keeps others from changing it until the transaction ends. */
export async function readState(
  db: Database,
  { name, graph }: VectorTable,
  lock: 'no lock' | 'wait' | 'skip' = 'no lock',
): Promise<TableState | null> {
  const locking = { 'no lock': sql``, wait: sql`for update`, skip: sql`for update skip locked` }
  const [row] = await rows<TableState>(
    db,
    sql`select sequence::float8 as sequence, size::float8 as size,
      to_regclass(${graphName(name, graph)}) is not null as "hasGraph"
      from vector_tables where name = ${name} ${locking[lock]}`,
  )
  return row ?? null
}

/**
 * Applies changes that were read behind change number `after`, up to number `sequence`. Does nothing
 * where another process has come as far already, or has emptied the table meanwhile: then they must
 * be read anew from where it is. Returns where that is.
 */
export async function applyToTable(
  db: Database,
  table: VectorTable,
  page: {
    readonly changes: ReadonlyMap<ContentHash, UnitVector | null>
    readonly after: number
    readonly sequence: number
  },
): Promise<TableState> {
  return db.transaction(async (tx) => {
    const state = await readState(tx, table, 'wait')
    if (!state) throw droppedMeanwhile(table)
    // Between the two, they are what the feed says up to its newest change, and are applied again.
    if (state.sequence < page.after || state.sequence >= page.sequence) return state
    let { size } = state
    const all = [...page.changes]
    for (let at = 0; at < all.length; at += ROWS) {
      size += await applySome(tx, table.name, all.slice(at, at + ROWS))
    }
    const { sequence } = page
    await tx.execute(
      sql`update vector_tables set sequence = ${sequence}, size = ${size} where name = ${table.name}`,
    )
    return { ...state, sequence, size }
  })
}

/** Returns by how many rows the table has grown. */
async function applySome(
  tx: Database,
  name: string,
  some: readonly (readonly [ContentHash, UnitVector | null])[],
): Promise<number> {
  const table = sql.raw(name)
  const removed = some.flatMap(([content, vector]) => (vector ? [] : [content]))
  const put = some.flatMap(([content, vector]) => (vector ? [{ content, vector }] : []))
  let growth = 0
  if (removed.length > 0) {
    growth -= (
      await rows(tx, sql`delete from ${table} where content in ${hashes(removed)} returning 1`)
    ).length
  }
  if (put.length > 0) {
    const contents = put.map(({ content }) => content)
    const [known] = await rows<{ n: number }>(
      tx,
      sql`select count(*)::int as n from ${table} where content in ${hashes(contents)}`,
    )
    growth += put.length - known!.n
    await tx.execute(sql`
      insert into ${table} as known (content, vector)
      select decode(hash, 'hex'), vector::halfvec
      from unnest(${sql.param(contents)}::text[], ${sql.param(put.map(({ vector }) => vectorText(vector)))}::text[])
        as put (hash, vector)
      on conflict (content) do update set vector = excluded.vector
      where known.vector <> excluded.vector`)
  }
  return growth
}

/**
 * Builds the table's graph unless it is there, and takes away one of another kind. Returns false
 * where another process is at work on the table; it will be there later, then.
 */
export async function buildGraph(db: Database, table: VectorTable): Promise<boolean> {
  const { name, graph } = table
  return db.transaction(async (tx) => {
    if (!(await readState(tx, table, 'skip'))) return false
    // What was said along with the lock may be from just before it, when another built the graph.
    if ((await readState(tx, table))!.hasGraph) return true
    const other = graph === 'half' ? 'bits' : 'half'
    await tx.execute(sql.raw(`drop index if exists ${graphName(name, other)}`))
    const key = graph === 'half' ? 'vector halfvec_ip_ops' : `(${signs(table)}) bit_hamming_ops`
    await tx.execute(
      sql.raw(`create index ${graphName(name, graph)} on ${name}
        using hnsw (${key}) with (m = ${M}, ef_construction = ${EF_CONSTRUCTION})`),
    )
    await tx.execute(sql.raw(`analyze ${name}`))
    return true
  })
}

/** What `tableName` gives, as a regular expression of PostgreSQL. */
export const TABLE_NAME = '^vectors_[a-z0-9_]{0,32}_[0-9a-f]{12}$'

/** A table's name says the model, and is another for every model, recipe and dimension. */
export function tableName({ model, recipe }: VectorSpace, dimension: number): string {
  const slug = model.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
  const key = createHash('sha256')
    .update(JSON.stringify([model, recipe, dimension]))
    .digest('hex')
  // Postgres cuts names at 63 bytes.
  return `vectors_${slug.slice(0, 32)}_${key.slice(0, 12)}`
}

/** The signs of a vector, as the graph over them is declared: searches must use the same words. */
export function signs({ dimension }: VectorTable): string {
  return `binary_quantize(vector)::bit(${dimension})`
}

/** A vector as pgvector reads it. */
export function vectorText(vector: UnitVector): string {
  return `[${vector.join(',')}]`
}

/** A list of hashes as one parameter, whichever driver sends it. */
export function hashes(contents: readonly ContentHash[]): SQL {
  return sql`(select decode(hash, 'hex') from unnest(${sql.param(contents)}::text[]) as h (hash))`
}

function graphName(name: string, graph: GraphKind): string {
  return `${name}_${graph}`
}

function droppedMeanwhile({ name }: VectorTable): LucidaError {
  return new LucidaError('index_stale', `The table ${name} was dropped; restart to make it again`)
}
