// Databases with pgvector for tests and benchmarks: PGlite with its package, the same over the
// Postgres wire protocol, and the server named in TEST_DATABASE_URL where that has the extension.
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { migrate as migratePg } from 'drizzle-orm/node-postgres/migrator'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import { Client, Pool } from 'pg'
import { type Database, openDatabase } from '../../src/store/database.ts'
import * as schema from '../../src/store/schema.ts'
import { createTestDatabase } from './database.ts'

/** An open, migrated database that holds nothing. */
export interface VectorDatabase extends AsyncDisposable {
  readonly db: Database
  /** Where others may open it too, if they may. */
  readonly url?: string
}

export interface VectorEngine {
  readonly name: string
  /** Why it cannot be used here. */
  readonly skipped?: string | undefined
  readonly open: () => Promise<VectorDatabase>
}

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))

export const SERVER = 'the server of TEST_DATABASE_URL'

/** All engines; those that cannot be used here say why. */
export const vectorEngines: readonly VectorEngine[] = [
  { name: 'PGlite', open: openEmbedded },
  { name: 'PGlite over the wire', open: openOverTheWire },
  {
    name: SERVER,
    open: openOnServer,
    skipped: await whyNoPgvector(process.env.TEST_DATABASE_URL),
  },
]

async function openEmbedded(): Promise<VectorDatabase> {
  const client = await PGlite.create({ extensions: { vector } })
  const db = drizzle(client, { schema, casing: 'snake_case' })
  await migrate(db, { migrationsFolder: MIGRATIONS })
  return { db, [Symbol.asyncDispose]: () => client.close() }
}

async function openOverTheWire(): Promise<VectorDatabase> {
  const client = await PGlite.create({ extensions: { vector } })
  const server = new PGLiteSocketServer({ db: client, port: 0 })
  await server.start()
  // One connection: the statements of several get into each other's way in one session of PGlite.
  const connectionString = `postgres://postgres@${server.getServerConn()}/postgres`
  const pool = new Pool({ connectionString, max: 1 })
  const db = drizzlePg(pool, { schema, casing: 'snake_case' })
  await migratePg(db, { migrationsFolder: MIGRATIONS })
  return {
    db,
    async [Symbol.asyncDispose]() {
      await pool.end()
      await server.stop()
      await client.close()
    },
  }
}

async function openOnServer(): Promise<VectorDatabase> {
  const { url, drop } = await createTestDatabase(process.env.TEST_DATABASE_URL!)
  const opened = await openDatabase({ url })
  return {
    db: opened.db,
    url,
    async [Symbol.asyncDispose]() {
      await opened.close()
      await drop()
    },
  }
}

/** Why a server cannot be used; undefined where it can. */
export async function whyNoPgvector(url: string | undefined): Promise<string | undefined> {
  if (!url) return 'TEST_DATABASE_URL names no server of your own'
  const client = new Client({ connectionString: url })
  try {
    await client.connect()
    const { rows } = await client.query(
      `select 1 from pg_available_extensions where name = 'vector'`,
    )
    return rows.length > 0 ? undefined : 'the server has no pgvector'
  } catch (error) {
    return `the server does not answer: ${String(error)}`
  } finally {
    await client.end()
  }
}
