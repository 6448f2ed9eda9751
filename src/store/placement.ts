// Where each table lies when the database is a Citus cluster. Tables that hang on a picture are
// distributed by its content hash and colocated, so that filter, vector and metadata of a picture meet
// on one node, in one shard. A statement obeys four rules there, which test/database/cluster-rules.test.ts
// checks: the hash is in every key; foreign keys lead to tables that are colocated, or on every node;
// tables are joined by the hash; what an insert may conflict with has the hash in it.
import { getTableName } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import {
  apiKeys,
  candidates,
  changes,
  claims,
  concepts,
  contents,
  embeddings,
  failures,
  fillFailures,
  generations,
  jobEvents,
  jobs,
  paths,
  rateLimits,
  roots,
  serving,
  sessions,
  store,
} from './schema.ts'

/** Spread over the nodes by this column; the first decides where the others lie. */
export const DISTRIBUTED: readonly PgColumn[] = [
  contents.hash,
  paths.content,
  embeddings.content,
  changes.content,
  fillFailures.content,
  claims.content,
]

/** Whole on every node: small, and joined with distributed tables. */
export const REFERENCE: readonly PgTable[] = [generations]

/**
 * On the coordinator only, as ordinary tables: they hang on no picture, no statement joins them with
 * one, and they can be written while another node is away.
 */
export const ON_COORDINATOR: readonly PgTable[] = [
  store,
  roots,
  failures,
  serving,
  apiKeys,
  concepts,
  sessions,
  rateLimits,
  jobs,
  jobEvents,
  candidates,
]

/** The column by which tables of vectors (vector-table.ts) are distributed, with the others. */
export const VECTOR_TABLE_COLUMN = 'content'

/** Name of the table that the others lie beside. */
export const FIRST_DISTRIBUTED = getTableName(contents)
