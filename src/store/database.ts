// Opens the database that holds the truth: PGlite in a directory or in memory, or a Postgres server.
// Everything above sees one Drizzle type and never asks which engine it is.
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { migrate as migratePg } from 'drizzle-orm/node-postgres/migrator'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { migrate as migratePglite } from 'drizzle-orm/pglite/migrator'
import { Pool } from 'pg'
import { LucidaError, messageOf } from '../core/errors.ts'
import { extendCluster, MIGRATION_LOCK } from './cluster.ts'
import { type Database, rows } from './connection.ts'
import { openCopied, openEmbedded } from './embedded.ts'
import type { Repair } from './embedded-repair.ts'
import { askForRoom, assertFreeSpace, ROOM_TO_CREATE, ROOM_TO_OPEN } from './free-space.ts'
import * as schema from './schema.ts'

export { type Database, rows } from './connection.ts'

/** An open database. */
export interface OpenDatabase {
  readonly db: Database
  readonly engine: 'pglite' | 'postgres'
  /** Identity of this database; vectors of another never enter an index built from this one. */
  readonly storeId: string
  /** How opening it has repaired it; null when there was no need. */
  readonly repaired: Repair | null
  /** To be called when the roots or the model have changed: a repair needs them. */
  noteChoices(): Promise<void>
  /** Whether what is noted for a repair is not what the database holds. */
  notesDiffer(): Promise<boolean>
  /** What is wrong with its pages and indexes, as far as this can be told from here. */
  findDamage(): Promise<string | null>
  /**
   * Copies an embedded database as it is now, for `openCopy`; whoever asked removes the folder.
   * Throws `bad_input` where the database is none.
   */
  copy(): Promise<string>
  close(): Promise<void>
}

const WITHOUT_FILES = {
  repaired: null,
  noteChoices: async () => {},
  notesDiffer: async () => false,
  findDamage: async () => null,
  copy: async () => {
    throw new LucidaError('bad_input', 'Only an embedded database can be copied as files')
  },
}

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))

/**
 * Opens and migrates.
 * - `{ directory }`: PGlite in `<directory>/database`, owned by this process until `close`, and
 *   repaired where it is damaged. Throws `database_busy` when another process owns it, and
 *   `disk_full`, as does every transaction.
 * - `{ url: 'memory://' }`: PGlite without files.
 * - `{ url: 'postgres://…' }`: a server, version 15 or later. Throws `database_unavailable`.
 */
export async function openDatabase(
  where: { readonly directory: string } | { readonly url: string },
): Promise<OpenDatabase> {
  if ('directory' in where) return openDirectory(where.directory)
  if (where.url === 'memory://') return openMemory()
  if (/^postgres(ql)?:\/\//.test(where.url)) return openServer(where.url)
  throw new LucidaError(
    'bad_input',
    'Expected postgres://user:password@host/database for DATABASE_URL',
  )
}

/** Opens what `copy` has made, for reading. Throws `database_unavailable` where it is damaged. */
export async function openCopy(folder: string): Promise<Pick<OpenDatabase, 'db' | 'close'>> {
  const { prepared, ...copied } = await openCopied(folder, preparePglite)
  return { db: prepared.db, ...copied }
}

async function openDirectory(directory: string): Promise<OpenDatabase> {
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw unavailable(`Cannot create the data directory ${directory}`, cause)
  })
  try {
    const room = existsSync(join(directory, 'database')) ? ROOM_TO_OPEN : ROOM_TO_CREATE
    await assertFreeSpace(directory, room)
    const { prepared, ...embedded } = await openEmbedded(directory, preparePglite)
    askForRoom(prepared.db, directory)
    return { ...prepared, ...embedded, engine: 'pglite' }
  } catch (cause) {
    if (cause instanceof LucidaError) throw cause
    throw unavailable(`Cannot open the database in ${directory}`, cause)
  }
}

async function openMemory(): Promise<OpenDatabase> {
  const client = await PGlite.create()
  const close = () => client.close()
  return { ...(await preparePglite(client)), ...WITHOUT_FILES, engine: 'pglite', close }
}

async function preparePglite(client: PGlite): Promise<{ db: Database; storeId: string }> {
  const db = drizzlePglite(client, { schema, casing: 'snake_case' })
  await pendingMigrations(db)
  await migratePglite(db, { migrationsFolder: MIGRATIONS })
  return { db, storeId: await identify(db) }
}

async function openServer(url: string): Promise<OpenDatabase> {
  const pool = new Pool({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    // A server that has gone without a word is noticed; systems begin to ask after two hours only.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })
  // A server that drops a connection must not end the process: neither one that waits in the pool, nor
  // one whose transaction has no statement under way just now. The next query reports it.
  pool.on('error', () => {})
  pool.on('connect', (client) => void client.on('error', () => {}))
  try {
    await migrateServer(pool)
    const db = overPool(pool)
    const storeId = await identify(db)
    return { db, storeId, ...WITHOUT_FILES, engine: 'postgres', close: () => pool.end() }
  } catch (cause) {
    await pool.end()
    if (cause instanceof LucidaError) throw cause
    throw unavailable(`Cannot use the database at ${withoutPassword(url)}`, cause)
  }
}

/**
 * Drizzle itself gives a connection back only once a transaction has begun on it: one that dies before
 * that is lost to the pool, which has none left after ten of them, and waits for them when it ends.
 */
function overPool(pool: Pool): Database {
  const db = drizzlePg(pool, { schema, casing: 'snake_case' })
  db.transaction = async (work, config) => {
    const client = await pool.connect()
    try {
      // Without the schema, which only takes time: what it is good for is not used.
      const alone = drizzlePg(client, { casing: 'snake_case' }) as unknown as typeof db
      return await alone.transaction(work, config)
    } finally {
      client.release()
    }
  }
  return db
}

async function migrateServer(pool: Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    const db = drizzlePg(client, { schema, casing: 'snake_case' })
    // Looked at first: the migrator begins with statements that a cluster runs on every node, and
    // needs all of them for.
    if ((await pendingMigrations(db)) > 0) await migratePg(db, { migrationsFolder: MIGRATIONS })
    await identify(db)
    await extendCluster(db)
    await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK])
    client.release()
  } catch (error) {
    // Closing the connection gives its advisory lock back.
    client.release(true)
    throw error
  }
}

/** How many migrations this version knows. */
export async function countMigrations(): Promise<number> {
  const journal = JSON.parse(await readFile(join(MIGRATIONS, 'meta/_journal.json'), 'utf8'))
  return journal.entries.length
}

/** How many it lacks. Throws when it has some that this version does not know. */
async function pendingMigrations(db: Database): Promise<number> {
  const exists = await rows<{ found: string | null }>(
    db,
    sql`select to_regclass('drizzle.__drizzle_migrations')::text as found`,
  )
  if (!exists[0]?.found) return countMigrations()
  const applied = await rows<{ n: number }>(
    db,
    sql`select count(*)::int as n from drizzle.__drizzle_migrations`,
  )
  const pending = (await countMigrations()) - applied[0]!.n
  if (pending < 0) {
    throw new LucidaError(
      'database_unavailable',
      'The database was made by a newer version of Lucida; update this one to use it',
    )
  }
  return pending
}

/** Reads the store's identity, giving it one at first. */
async function identify(db: Database): Promise<string> {
  await db.execute(
    sql`insert into store (id) select gen_random_uuid() where not exists (select 1 from store)`,
  )
  const [row] = await db.select().from(schema.store)
  return row!.id
}

function unavailable(message: string, cause: unknown): LucidaError {
  // drizzle wraps the driver's error; pg reports several failed addresses as one AggregateError.
  let inner = cause instanceof Error && cause.cause ? cause.cause : cause
  if (inner instanceof AggregateError) inner = inner.errors[0]
  return new LucidaError('database_unavailable', `${message}: ${firstLine(messageOf(inner))}`, {
    cause,
  })
}

/** Citus adds a hint on another one. */
function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}

/** A password may hold what should have been encoded in it, or stand among the parameters. */
function withoutPassword(url: string): string {
  return url.replace(/\/\/.*@/s, '//').replace(/\?.*/s, '')
}
