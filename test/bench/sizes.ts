// What a picture takes on the disk of a Postgres server: 50,000 rows of Lucida's own tables, written
// as the indexer writes them, with vectors of 512 dimensions, then the tables and graphs of pgvector.
// Every figure that docs/scale.md multiplies comes from here. Needs TEST_DATABASE_URL.
import { sql } from 'drizzle-orm'
import { join } from 'node:path'
import { sha256 } from '../../src/core/hash.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import { openPgvectorIndex } from '../../src/search/pgvector-index.ts'
import { syncIndex } from '../../src/search/sync.ts'
import { type Database, rows } from '../../src/store/database.ts'
import { type IndexedFile, writeBatch } from '../../src/store/pictures.ts'
import { refreshStatistics } from '../../src/store/statistics.ts'
import { type GraphKind, tableName } from '../../src/store/vector-table.ts'
import { vectorEngines } from '../helpers/pgvector.ts'
import {
  DIMENSION,
  folderOf,
  makeVectors,
  QUERIES,
  readVectors,
  rowsOf,
} from './million/vectors.ts'
import { printHeader, quantile } from './report.ts'

const PICTURES = 50_000
const SPACE = { model: 'made', recipe: '0123456789abcdef' }
const BATCH = 1000
/** As long as the paths of a large collection are. */
const FOLDER = '/srv/photographs/2019/2019-07-14 Lisbon and the coast'

/** Runs the benchmark. */
export async function run(): Promise<void> {
  const { skipped, open } = vectorEngines.find(({ name }) => name.includes('TEST_DATABASE_URL'))!
  printHeader(
    'sizes',
    `none; vectors of ${DIMENSION} dimensions made from a seed`,
    `${PICTURES} pictures, one path each (${pathOf(sha256('')).length} characters), all that EXIF may say`,
  )
  if (skipped) {
    console.log(`SKIPPED: ${skipped}`)
    process.exitCode = 1
    return
  }
  await using database = await open()
  const { db } = database
  const walBefore = await walPosition(db)
  await timed('written in batches', () => fill(db))
  const wal = (await walPosition(db)) - walBefore
  await refreshStatistics(db)
  console.log('\nbytes per picture                rows   indexes')
  let sum = 0
  for (const table of ['contents', 'paths', 'embeddings', 'changes']) {
    sum += await printTable(db, table, table)
  }
  console.log(`${'together'.padEnd(24)}${perPicture(sum)}`)
  console.log(`${'write-ahead log of them'.padEnd(24)}${perPicture(wal)}\n`)
  for (const graph of ['half', 'bits'] as const) await measureVectors(db, graph)
}

async function measureVectors(db: Database, graph: GraphKind): Promise<void> {
  const identity = { storeId: 'bench', ...SPACE, dimension: DIMENSION }
  const index = await openPgvectorIndex({ db, identity, graph })
  await timed(`vectors for pgvector, ${graph}`, () => syncIndex(db, SPACE, index))
  const walBefore = await walPosition(db)
  await timed(`graph, ${graph}`, () => index.save())
  const wal = (await walPosition(db)) - walBefore
  const table = tableName(SPACE, DIMENSION)
  const [size] = await rows<{ graph: number }>(
    db,
    sql`select pg_relation_size(${`${table}_${graph}`}::regclass)::float8 as graph`,
  )
  await printTable(db, 'vectors', table, size!.graph)
  console.log(`${`graph, ${graph}`.padEnd(24)}${perPicture(size!.graph)}`)
  console.log(`${'write-ahead log of it'.padEnd(24)}${perPicture(wal)}`)
  const tookMs: number[] = []
  const queries = rowsOf(await readVectors(join(folderOf(PICTURES), 'queries.f32'), 0, QUERIES))
  for (const query of queries) {
    const askedAt = performance.now()
    await index.search(query, 10)
    tookMs.push(performance.now() - askedAt)
  }
  const [p50, p99] = [0.5, 0.99].map((p) => quantile(tookMs, p).toFixed(1))
  console.log(`${QUERIES} queries, one after another: p50 ${p50} ms, p99 ${p99} ms\n`)
  await index.close()
}

/** Prints a table with its indexes, without those that are counted elsewhere. */
async function printTable(
  db: Database,
  name: string,
  table: string,
  countedElsewhere = 0,
): Promise<number> {
  const [size] = await rows<{ heap: number; indexes: number }>(
    db,
    sql`select pg_table_size(${table}::regclass)::float8 as heap,
      pg_indexes_size(${table}::regclass)::float8 as indexes`,
  )
  const { heap, indexes } = size!
  const own = indexes - countedElsewhere
  console.log(`${name.padEnd(24)}${perPicture(heap)}${perPicture(own)}`)
  return heap + own
}

async function fill(db: Database): Promise<void> {
  const folder = await makeVectors(PICTURES)
  const vectors = rowsOf(await readVectors(join(folder, 'vectors.f32'), 0, PICTURES))
  for (let at = 0; at < PICTURES; at += BATCH) {
    const files = vectors.slice(at, at + BATCH).map((vector, i) => fileOf(at + i, vector))
    await writeBatch(db, SPACE, { files, failures: [] })
  }
}

function fileOf(row: number, vector: UnitVector): IndexedFile {
  const hash = sha256(`sizes/${row}`)
  const sizeBytes = 3_000_000 + row
  const content = {
    hash,
    format: 'jpeg',
    sizeBytes,
    widthPx: 4032,
    heightPx: 3024,
    orientation: 1,
    takenAt: '2019-07-14T18:33:52',
    takenOffsetMinutes: 60,
    cameraMake: 'NIKON CORPORATION',
    cameraModel: 'NIKON D90',
    lens: '18.0-105.0 mm f/3.5-5.6',
    latitude: 38.7223 + row / 1e6,
    longitude: -9.1393,
    altitudeM: 12.5,
    thumbHash: Buffer.alloc(25, row),
    perceptualHash: hash.slice(0, 16),
  }
  return { path: pathOf(hash), sizeBytes, mtimeMs: 1_563_125_632_000 + row, hash, content, vector }
}

function pathOf(hash: string): string {
  return `${FOLDER}/IMG_20190714_${hash.slice(0, 6)}.jpg`
}

async function walPosition(db: Database): Promise<number> {
  const [at] = await rows<{ bytes: number }>(
    db,
    sql`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as bytes`,
  )
  return at!.bytes
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  await work()
  console.log(`${what}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}

function perPicture(bytes: number): string {
  return (bytes / PICTURES).toFixed(0).padStart(9)
}
