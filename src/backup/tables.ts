// Tables as blocks of a backup: rows as the database itself writes them in JSON, so that no number or
// time is changed by passing through the program, and either engine reads what the other has written.
import { type SQL, sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import { withWriterLock } from '../store/changes.ts'
import { isCluster, ONE_CONNECTION } from '../store/citus.ts'
import { type Database, rows } from '../store/database.ts'
import type { TableBlock } from './blocks.ts'
import { type Relocation, relocated } from './relocation.ts'

/**
 * What a backup holds, each after what it refers to. All else is derived, or is about processes
 * that run.
 */
export const TABLES = [
  'roots',
  'contents',
  'paths',
  'embeddings',
  'changes',
  'failures',
  'serving',
  'fill_failures',
  'api_keys',
  'generations',
  'concepts',
] as const

export type TableName = (typeof TABLES)[number]

/** Tables with a column `path`. */
const WITH_PATHS: ReadonlySet<string> = new Set(['roots', 'paths', 'failures', 'fill_failures'])

/** Rows at a time: 400 KB of vectors with 512 dimensions. A concept may have a thousand pictures. */
const rowsAtOnce = (table: TableName) => (table === 'concepts' ? 1 : 100)

/** Whatever the server's settings are: bytes in hexadecimal, every digit of a number, one time zone. */
const PLAIN = sql`select set_config('bytea_output', 'hex', true),
  set_config('extra_float_digits', '1', true), set_config('timezone', 'UTC', true)`

/** Runs `read` on the database as it is at one moment, while others go on writing. */
export async function atOneMoment<T>(db: Database, read: (tx: Database) => Promise<T>): Promise<T> {
  const isSpread = await isCluster(db)
  return db.transaction(
    async (tx) => {
      // Nodes commit one after another, so the first questions are asked while nobody writes.
      if (isSpread) await withWriterLock(db, () => askAll(tx))
      else await tx.execute(PLAIN)
      return read(tx)
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  )
}

async function askAll(tx: Database): Promise<void> {
  await tx.execute(PLAIN)
  await tx.execute(ONE_CONNECTION)
  await tx.execute(sql`select from contents limit 1`)
}

/** All rows of a table, some at a time. Call inside `atOneMoment`. */
export async function* readTable(tx: Database, table: TableName): AsyncGenerator<TableBlock> {
  const query = `select row_to_json(t)::text as json from ${table} t`
  await tx.execute(sql.raw(`declare backup_rows no scroll cursor for ${query}`))
  let columns: string[] | undefined
  for (;;) {
    const some = await rows<{ json: string }>(
      tx,
      sql.raw(`fetch ${rowsAtOnce(table)} from backup_rows`),
    )
    if (some.length === 0) break
    columns ??= Object.keys(JSON.parse(some[0]!.json) as object)
    const json = `[${some.map((row) => row.json).join(',\n')}]`
    yield { table, columns, rows: some.length, json }
  }
  await tx.execute(sql.raw('close backup_rows'))
}

/** Writes rows with their paths relocated. Columns that a block lacks take their defaults. */
export async function insertRows(
  tx: Database,
  { table, columns, json }: TableBlock,
  relocations: readonly Relocation[],
): Promise<void> {
  if (!(TABLES as readonly string[]).includes(table)) throw unknown(`a table ${table}`)
  const name = sql.raw(table)
  const values = columns.map((column): SQL => {
    if (!/^[a-z_]+$/.test(column)) throw unknown(`a column ${column}`)
    const value = sql.raw(column)
    return WITH_PATHS.has(table) && column === 'path' ? relocated(value, relocations) : value
  })
  await tx.execute(sql`insert into ${name} (${sql.raw(columns.join(', '))})
    select ${sql.join(values, sql`, `)} from json_populate_recordset(null::${name}, ${json}::json)`)
}

/** Which tables hold rows. A cluster is asked about one at a time. */
export async function filledTables(tx: Database): Promise<TableName[]> {
  const filled: TableName[] = []
  for (const table of TABLES) {
    const some = await rows(tx, sql.raw(`select 1 from ${table} limit 1`))
    if (some.length > 0) filled.push(table)
  }
  return filled
}

function unknown(what: string): LucidaError {
  return new LucidaError('bad_input', `The backup has ${what}, which this version does not know`)
}
