// Opens the database that holds the truth: PGlite in a directory or in memory, or a Postgres server.
// Everything above sees one Drizzle type and never asks which engine it is.
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { migrate as migratePg } from 'drizzle-orm/node-postgres/migrator'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { migrate as migratePglite } from 'drizzle-orm/pglite/migrator'
import { Pool } from 'pg'
import { LucidaError, messageOf } from '../core/errors.ts'
import { askForRoom, assertFreeSpace, ROOM_TO_CREATE, ROOM_TO_OPEN } from './free-space.ts'
import { claimDirectory } from './owner.ts'
import * as schema from './schema.ts'

/** A connection, a pool or a transaction on either engine. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>

/** An open database. */
export interface OpenDatabase {
  readonly db: Database
  readonly engine: 'pglite' | 'postgres'
  /** Identity of this database; vectors of another never enter an index built from this one. */
  readonly storeId: string
  close(): Promise<void>
}

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))

/** Serialises migrations among processes. Any constant will do; this one spells "luci". */
const MIGRATION_LOCK = 0x6c756369

/**
 * Opens and migrates.
 * - `{ directory }`: PGlite in `<directory>/database`, owned by this process until `close`.
 *   Throws `database_busy` when another process owns it, and `disk_full`, as does every transaction.
 * - `{ url: 'memory://' }`: PGlite without files.
 * - `{ url: 'postgres://…' }`: a server, version 15 or later. Throws `database_unavailable`.
 */
export async function openDatabase(
  where: { readonly directory: string } | { readonly url: string },
): Promise<OpenDatabase> {
  if ('directory' in where) return openEmbedded(where.directory)
  if (where.url === 'memory://') return openPglite(await PGlite.create(), async () => {})
  if (/^postgres(ql)?:\/\//.test(where.url)) return openServer(where.url)
  throw new LucidaError(
    'bad_input',
    'Expected postgres://user:password@host/database for DATABASE_URL',
  )
}

async function openEmbedded(directory: string): Promise<OpenDatabase> {
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw unavailable(`Cannot create the data directory ${directory}`, cause)
  })
  const owner = await claimDirectory(directory)
  try {
    const path = join(directory, 'database')
    await assertFreeSpace(directory, existsSync(path) ? ROOM_TO_OPEN : ROOM_TO_CREATE)
    if (!existsSync(path)) await createEmbedded(directory, path)
    const database = await openPglite(await PGlite.create(path), () => owner.release())
    askForRoom(database.db, directory)
    return database
  } catch (cause) {
    await owner.release()
    if (cause instanceof LucidaError) throw cause
    throw unavailable(`Cannot open the database in ${directory}`, cause)
  }
}

/** Creates under another name and renames, so that a kill never leaves half a database behind. */
async function createEmbedded(directory: string, path: string): Promise<void> {
  const unfinished = (await readdir(directory)).filter((name) => name.startsWith('database.new-'))
  for (const name of unfinished) await rm(join(directory, name), { recursive: true, force: true })
  const temporary = join(directory, `database.new-${process.pid}`)
  const created = await openPglite(await PGlite.create(temporary), async () => {})
  await created.close()
  await rename(temporary, path)
}

async function openPglite(client: PGlite, release: () => Promise<void>): Promise<OpenDatabase> {
  const db = drizzlePglite(client, { schema, casing: 'snake_case' })
  await refuseNewer(db)
  await migratePglite(db, { migrationsFolder: MIGRATIONS })
  return {
    db,
    engine: 'pglite',
    storeId: await identify(db),
    async close() {
      await client.close()
      await release()
    },
  }
}

async function openServer(url: string): Promise<OpenDatabase> {
  const pool = new Pool({ connectionString: url, connectionTimeoutMillis: 10_000 })
  // A server that drops an idle connection must not end the process; the next query reports it.
  pool.on('error', () => {})
  try {
    await migrateServer(pool)
    const db = drizzlePg(pool, { schema, casing: 'snake_case' })
    return { db, engine: 'postgres', storeId: await identify(db), close: () => pool.end() }
  } catch (cause) {
    await pool.end()
    if (cause instanceof LucidaError) throw cause
    throw unavailable(`Cannot use the database at ${withoutPassword(url)}`, cause)
  }
}

async function migrateServer(pool: Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    const db = drizzlePg(client, { schema, casing: 'snake_case' })
    await refuseNewer(db)
    await migratePg(db, { migrationsFolder: MIGRATIONS })
    await identify(db)
    await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK])
    client.release()
  } catch (error) {
    // Closing the connection gives its advisory lock back.
    client.release(true)
    throw error
  }
}

/** Throws when the database has migrations that this version does not know. */
async function refuseNewer(db: Database): Promise<void> {
  const journal = JSON.parse(await readFile(join(MIGRATIONS, 'meta/_journal.json'), 'utf8'))
  const exists = await rows<{ found: string | null }>(
    db,
    sql`select to_regclass('drizzle.__drizzle_migrations')::text as found`,
  )
  if (!exists[0]?.found) return
  const applied = await rows<{ n: number }>(
    db,
    sql`select count(*)::int as n from drizzle.__drizzle_migrations`,
  )
  if (applied[0]!.n > journal.entries.length) {
    throw new LucidaError(
      'database_unavailable',
      'The database was made by a newer version of Lucida; update this one to use it',
    )
  }
}

/** Reads the store's identity, giving it one at first. */
async function identify(db: Database): Promise<string> {
  await db.execute(
    sql`insert into store (id) select gen_random_uuid() where not exists (select 1 from store)`,
  )
  const [row] = await db.select().from(schema.store)
  return row!.id
}

/** Rows of a raw statement, whichever driver ran it. */
export async function rows<T>(db: Database, statement: ReturnType<typeof sql>): Promise<T[]> {
  const result: unknown = await db.execute(statement)
  return (result as { rows: T[] }).rows
}

function unavailable(message: string, cause: unknown): LucidaError {
  // drizzle wraps the driver's error; pg reports several failed addresses as one AggregateError.
  let inner = cause instanceof Error && cause.cause ? cause.cause : cause
  if (inner instanceof AggregateError) inner = inner.errors[0]
  return new LucidaError('database_unavailable', `${message}: ${messageOf(inner)}`, { cause })
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//')
}
