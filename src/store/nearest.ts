// The rows of a vector table that are nearest to a query, found by walking its graph or by comparing
// every row, with the filter in the same statement. Both order by rounded vectors and return the
// exact ones of `embeddings` beside them, to be scored anew.
import { eq, type SQL, sql } from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import { vectorOfBytes } from './columns.ts'
import { type Database, rows } from './database.ts'
import { passes, type PictureFilter } from './filters.ts'
import { contents, embeddings } from './schema.ts'
import { hashes, signs, type VectorTable, vectorText } from './vector-table.ts'

/** A row whose vector is still in the store. */
export interface NearRow {
  readonly content: ContentHash
  readonly vector: UnitVector
}

/** What is wanted of a table. */
export interface NearestOptions {
  readonly limit: number
  readonly filter: PictureFilter | undefined
}

/** Candidates of a walk: pgvector's limit for `hnsw.ef_search`. */
export const MAX_CANDIDATES = 1000

/** A scan has so many times `work_mem` for the rows that it has seen; 20,000 take more than one. */
const SCAN_MEMORY = 4

/** The nearest by comparing all rows that pass; of equally near ones any. */
export function scanTable(
  db: Database,
  table: VectorTable,
  query: UnitVector,
  { limit, filter }: NearestOptions,
): Promise<NearRow[]> {
  // An index never answers an order by a sum.
  const near = sql`select content from ${sql.raw(table.name)} t ${where(filter)}
    order by (vector <#> ${asHalf(query, table)}) + 0 limit ${limit}`
  return readRows(db, table, near)
}

/**
 * The nearest by a walk through the graph, nearly: the more `candidates`, the more of them are right.
 * Fewer than `limit` where the walk has ended early.
 */
export async function walkTable(
  db: Database,
  table: VectorTable,
  query: UnitVector,
  { limit, filter, candidates }: NearestOptions & { readonly candidates: number },
): Promise<NearRow[]> {
  const name = sql.raw(table.name)
  const half = sql`vector <#> ${asHalf(query, table)}`
  const bits = sql`${sql.raw(signs(table))} <~> binary_quantize(${asHalf(query, table)})::bit(${sql.raw(`${table.dimension}`)})`
  // Nothing but the distance: with a second key, the order would not be the graph's.
  const near =
    table.graph === 'half'
      ? sql`select content from ${name} t ${where(filter)} order by ${half} limit ${limit}`
      : sql`select content from (
          select content, vector from ${name} t ${where(filter)} order by ${bits} limit ${candidates}
        ) c order by ${half} limit ${limit}`
  return db.transaction(async (tx) => {
    // In one round trip. Without sorting, the planner can only take the graph's order; compiling
    // would take longer than the search. The first has a cluster send the others to its nodes, and
    // means nothing elsewhere.
    await tx.execute(
      sql.raw(`do $$ begin
        set local citus.propagate_set_commands = 'local';
        set local hnsw.ef_search = ${Math.min(candidates, MAX_CANDIDATES)};
        set local hnsw.iterative_scan = relaxed_order;
        set local hnsw.scan_mem_multiplier = ${SCAN_MEMORY};
        set local enable_sort = off;
        set local jit = off;
      end $$`),
    )
    return readRows(tx, table, near)
  })
}

/** The rows of these contents, in no order. */
export function readFromTable(
  db: Database,
  table: VectorTable,
  wanted: readonly ContentHash[],
): Promise<NearRow[]> {
  const some = sql`select content from ${sql.raw(table.name)} where content in ${hashes(wanted)}`
  return readRows(db, table, some)
}

function where(filter: PictureFilter | undefined): SQL {
  if (!filter) return sql``
  return sql`where exists (select 1 from ${contents} where ${eq(contents.hash, sql`t.content`)} and ${passes(filter)})`
}

function asHalf(query: UnitVector, { dimension }: VectorTable): SQL {
  return sql`${vectorText(query)}::halfvec(${sql.raw(`${dimension}`)})`
}

async function readRows(db: Database, { space }: VectorTable, near: SQL): Promise<NearRow[]> {
  const found = await rows<{ content: string; vector: Uint8Array }>(
    db,
    // Worked out once: without statistics the planner may take the join to be a matter of few rows, and
    // walk the graph again for each vector that there is.
    sql`with near as materialized (${near})
      select encode(near.content, 'hex') as content, ${embeddings.vector} as vector
      from near join ${embeddings} on ${embeddings.content} = near.content
      where ${embeddings.model} = ${space.model} and ${embeddings.recipe} = ${space.recipe}`,
  )
  return found.map(({ content, vector }) => ({ content, vector: vectorOfBytes(vector) }))
}
