// What statements run on, whichever engine it is, and raw ones among them.
import type { sql } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type * as schema from './schema.ts'

/** A connection, a pool or a transaction on either engine. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>

/** Rows of a raw statement, whichever driver ran it. */
export async function rows<T>(db: Database, statement: ReturnType<typeof sql>): Promise<T[]> {
  const result: unknown = await db.execute(statement)
  return (result as { rows: T[] }).rows
}
