// A process that uses an embedded database until it is killed, for the durability benchmark.
// argv: what to do, the data directory. It first opens the database and tells in one line of JSON
// what it finds (`Found`), then works, and says `acked <n>` after each batch that was committed.
import { existsSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { amcheck } from '@electric-sql/pglite/contrib/amcheck'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import { sha256 } from '../../src/core/hash.ts'
import { normalize, type UnitVector } from '../../src/core/vector.ts'
import { type Database, openDatabase, rows } from '../../src/store/database.ts'
import { type IndexedFile, writeBatch } from '../../src/store/pictures.ts'

/** What the child is to do once it has looked around. */
export type Task =
  | 'create'
  | 'look'
  | 'look-raw'
  | 'open'
  | 'write'
  | 'checkpoint'
  | 'close'
  | 'migrate'

/** What a directory held when it was opened. */
export interface Found {
  readonly openMs: number
  /** Complete pictures (file, content, right vector, change) by batch. */
  readonly batches: Readonly<Record<string, number>>
  /** Pictures in a whole batch. */
  readonly batchSize: number
  /** What the checks of tables and indexes complain about. */
  readonly complaints: readonly string[]
  /** How the opening repaired the database, if it did. */
  readonly repaired: unknown
}

const BATCH = 40
const DIMENSION = 512

const [task, directory, migrations] = process.argv.slice(2) as [Task, string, string]
const path = join(directory, 'database')

function say(line: string): void {
  // Synchronous, so that what was said has left the process when it is killed.
  writeSync(1, `${line}\n`)
}

function vectorOf(name: string): UnitVector {
  let state = Number.parseInt(sha256(name).slice(0, 8), 16)
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0)
  return normalize(Array.from({ length: DIMENSION }, () => next() - 2 ** 31))
}

function pictureOf(batch: number, i: number): IndexedFile {
  const name = `${batch}/${i}`
  const hash = sha256(name)
  const content = {
    hash,
    format: 'png',
    sizeBytes: 100,
    widthPx: 8,
    heightPx: 8,
    orientation: 1,
    thumbHash: Buffer.from(hash.slice(0, 40), 'hex'),
    perceptualHash: hash.slice(0, 16),
  }
  const file = { path: `/photos/${name}.png`, sizeBytes: 100, mtimeMs: 1.5, hash }
  return { ...file, vector: vectorOf(name), content }
}

async function batchesOf(db: Database): Promise<Record<string, number>> {
  const found = await rows<{ path: string; vector: Uint8Array }>(
    db,
    sql`select p.path, e.vector from paths p join contents c on c.hash = p.content
        join embeddings e on e.content = p.content join changes f on f.content = p.content`,
  )
  const counts: Record<string, number> = {}
  for (const { path, vector } of found) {
    const [, , batch, file] = path.split('/')
    const expected = vectorOf(`${batch}/${file!.replace('.png', '')}`)
    const actual = new Float32Array(Uint8Array.from(vector).buffer)
    if (actual.every((value, i) => value === expected[i])) {
      counts[batch!] = (counts[batch!] ?? 0) + 1
    }
  }
  return counts
}

/** Every table and B-tree, the catalog's too, by amcheck; leaves nothing behind. */
async function complaintsOf(): Promise<string[]> {
  const client = await PGlite.create(path, { extensions: { amcheck } })
  const complaints: string[] = []
  try {
    await client.exec('begin; create extension amcheck')
    const heaps = await client.query<{ text: string }>(
      `select c.oid::regclass || ': ' || v.msg as text from pg_class c,
         verify_heapam(c.oid, check_toast => true) v where c.relkind in ('r', 't')`,
    )
    complaints.push(...heaps.rows.map(({ text }) => text))
    await client.query(
      `select bt_index_check(i.indexrelid, true) from pg_index i
         join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
         where a.amname = 'btree' and i.indisvalid and c.relpersistence = 'p'`,
    )
  } catch (error) {
    complaints.push(String(error))
  }
  await client.exec('rollback')
  await client.close()
  return complaints
}

/** Rewrites a table and builds an index, as a migration of a large table would. */
async function migrateRaw(): Promise<void> {
  const client = await PGlite.create(path)
  say('work')
  await migrate(drizzle(client, { casing: 'snake_case' }), { migrationsFolder: migrations })
  say('migrated')
  await client.close()
}

async function look(): Promise<void> {
  const startedAt = performance.now()
  const database = await openDatabase({ directory })
  const openMs = performance.now() - startedAt
  const batches = await batchesOf(database.db)
  const { repaired = null } = database as { repaired?: unknown }
  await database.close()
  const found: Found = {
    openMs,
    batches,
    batchSize: BATCH,
    complaints: await complaintsOf(),
    repaired,
  }
  say(JSON.stringify(found))
}

/** As `look`, for a database with migrations that the program does not know. */
async function lookRaw(): Promise<void> {
  const startedAt = performance.now()
  const client = await PGlite.create(path)
  const openMs = performance.now() - startedAt
  const db = drizzle(client, { casing: 'snake_case' }) as unknown as Database
  const batches = await batchesOf(db)
  const [state] = await rows<{ applied: number; columns: number }>(
    db,
    sql`select (select count(*)::int from drizzle.__drizzle_migrations) as applied,
        (select count(*)::int from information_schema.columns where column_name = 'filler') as columns`,
  )
  await client.close()
  const complaints = await complaintsOf()
  if (state!.applied !== state!.columns + (await countMigrations())) {
    complaints.push(`half a migration: ${JSON.stringify(state)}`)
  }
  const found: Found = { openMs, batches, batchSize: BATCH, complaints, repaired: null }
  say(JSON.stringify(found))
}

/** Those of the program, without the one that is made for the kills. */
async function countMigrations(): Promise<number> {
  const journal = new URL('../../migrations/meta/_journal.json', import.meta.url)
  return JSON.parse(await readFile(journal, 'utf8')).entries.length
}

/** Closes after enough changes for a snapshot. */
async function close(): Promise<void> {
  const database = await openDatabase({ directory })
  for (let batch = 1; batch <= 3; batch++) {
    const files = Array.from({ length: BATCH }, (_, i) => pictureOf(batch, i))
    await writeBatch(database.db, { model: 'noise', recipe: 'none' }, { files, failures: [] })
    say(`acked ${batch}`)
  }
  say('work')
  await database.close()
  say('closed')
}

async function write(checkpoint: boolean): Promise<void> {
  const { db } = await openDatabase({ directory })
  const space = { model: 'noise', recipe: 'none' }
  const [last] = await rows<{ n: number }>(
    db,
    sql`select coalesce(max(split_part(path, '/', 3)::int), 0) as n from paths`,
  )
  say('work')
  for (let batch = last!.n + 1; ; batch++) {
    const files = Array.from({ length: BATCH }, (_, i) => pictureOf(batch, i))
    await writeBatch(db, space, { files, failures: [] })
    say(`acked ${batch}`)
    if (checkpoint) await db.execute(sql`checkpoint`)
    // Rows that move and pages that are vacuumed, as in a long life.
    await db.execute(sql`update paths set mtime_ms = mtime_ms + 1`)
    if (batch % 5 === 0) await db.execute(sql`vacuum`)
    if (process.env.BATCHES && batch >= Number(process.env.BATCHES)) break
  }
  say('written')
}

if (task === 'create' || task === 'open') {
  say('work')
  await openDatabase({ directory })
  say(existsSync(path) ? 'opened' : 'lost')
  setInterval(() => {}, 1000)
} else if (task === 'look') await look()
else if (task === 'look-raw') await lookRaw()
else if (task === 'close') await close()
else if (task === 'migrate') await migrateRaw()
else {
  await look()
  await write(task === 'checkpoint')
  process.exit(0)
}
