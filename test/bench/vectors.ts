// The same 50,000 pictures in every kind of index, searched by 1,000 captions, with filters that pass
// ever fewer of them: recall against an exact scan, times, size. pgvector runs on PGlite and on the
// server of TEST_DATABASE_URL.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { sql } from 'drizzle-orm'
import type { ContentHash } from '../../src/core/hash.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { openHnswIndex } from '../../src/search/hnsw-index.ts'
import { openPgvectorIndex } from '../../src/search/pgvector-index.ts'
import { amongPassing } from '../../src/search/rank.ts'
import { storedPictures } from '../../src/search/stored-pictures.ts'
import { syncIndex } from '../../src/search/sync.ts'
import type { Among, IndexIdentity, VectorIndex } from '../../src/search/vector-index.ts'
import { type Database, rows } from '../../src/store/database.ts'
import type { PictureFilter } from '../../src/store/filters.ts'
import { type GraphKind, tableName } from '../../src/store/vector-table.ts'
import { vectorEngines } from '../helpers/pgvector.ts'
import { fill, type Item, load, widthOf } from './collection.ts'
import { datasetNames } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader, quantile, sample } from './report.ts'

const K = 10
const REQUIRED = 0.98
/** Taken out and put back once the index is built. */
const LATE = 1000

interface Candidate {
  readonly name: string
  /** One of `vectorEngines`; indexes in memory need one too, for the filters. */
  readonly engine: string
  /** Opens an empty one, which is saved in `directory` if it is saved in files. */
  open(db: Database, directory: string): Promise<VectorIndex>
  /** Of vectors and links, in parts. */
  measure(db: Database, directory: string): Promise<string>
}

interface Case {
  readonly name: string
  readonly filter: PictureFilter | undefined
  readonly truth: readonly ContentHash[][]
}

interface Setting {
  readonly db: Database
  readonly space: { readonly model: string; readonly recipe: string }
  readonly items: readonly Item[]
  readonly queries: readonly UnitVector[]
  readonly cases: readonly Case[]
}

/**
 * Runs the benchmark: `npm run bench -- vectors [name…] [--pictures n] [--captions n]`; with names, on
 * what has one of them in its name only. Exit code 1 when recall falls short or results are missing.
 */
export async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    strict: false,
    options: {
      pictures: { type: 'string', default: '50000' },
      captions: { type: 'string', default: '1000' },
    },
  })
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const names = await datasetNames()
  const { items, captions } = await load(
    names,
    (name) => embedSet(clip, name),
    Number(values.pictures),
  )
  const queries = await clip.embedTexts(sample(captions, Number(values.captions), 42))
  await clip.close()
  const { dimension, recipe, name: model } = clip.model
  printHeader(
    'vectors',
    `${model}, ${dimension} dimensions`,
    `${items.length} pictures (${names.join(', ')}), ${queries.length} captions, k = ${K}`,
  )
  const space = { model, recipe }
  const identity = { storeId: 'bench', ...space, dimension }
  const cases = await casesFor(items, queries, identity)
  const only = positionals.slice(1)
  const asked = candidatesFor(identity).filter(
    ({ name }) => only.length === 0 || only.some((part) => name.includes(part)),
  )
  for (const { name, skipped, open } of vectorEngines) {
    const here = asked.filter(({ engine }) => engine === name)
    if (here.length === 0) continue
    if (skipped) {
      for (const each of here) console.log(`SKIPPED: ${each.name} (${skipped})\n`)
      continue
    }
    await using database = await open()
    const { db } = database
    await fill(db, space, items)
    for (const candidate of here) {
      await measureCandidate(candidate, { db, space, items, queries, cases })
    }
  }
}

function candidatesFor(identity: IndexIdentity): Candidate[] {
  const inMemory = (kind: 'exact' | 'hnsw', open: typeof openExactIndex): Candidate => ({
    name: `${kind} in memory, filtered by PGlite`,
    engine: 'PGlite',
    open: (_, directory) => open({ identity, directory }),
    measure: async (_, directory) => `${megabytes(await sizeOf(directory))} in each process`,
  })
  const inDatabase = (engine: string, graph: GraphKind): Candidate => ({
    name: `pgvector${graph === 'bits' ? '-binary' : ''} on ${engine}`,
    engine,
    open: (db) => openPgvectorIndex({ db, identity, graph, fresh: true }),
    async measure(db) {
      const table = tableName(identity, identity.dimension)
      const [size] = await rows<{ vectors: number; links: number }>(
        db,
        sql`select pg_table_size(${table}::regclass)::float8 as vectors,
          coalesce(pg_relation_size(to_regclass(${`${table}_${graph}`})), 0)::float8 as links`,
      )
      return `table ${megabytes(size!.vectors)}, graph ${megabytes(size!.links)}, once for all`
    },
  })
  return [
    inMemory('exact', openExactIndex),
    inMemory('hnsw', openHnswIndex),
    ...vectorEngines
      .filter(({ name }) => name !== 'PGlite over the wire')
      .flatMap(({ name }) => [inDatabase(name, 'half'), inDatabase(name, 'bits')]),
  ]
}

async function casesFor(
  items: readonly Item[],
  queries: readonly UnitVector[],
  identity: IndexIdentity,
): Promise<Case[]> {
  const index = await openExactIndex({ identity })
  const all = items.map(({ hash, vector }) => ({ content: hash, vector }))
  await index.apply(all, 1)
  const nearest = async (among?: Among) => {
    const truth: ContentHash[][] = []
    for (const query of queries) {
      truth.push((await index.search(query, K, among)).map(({ content }) => content))
    }
    return truth
  }
  const cases: Case[] = [{ name: 'no filter', filter: undefined, truth: await nearest() }]
  for (const share of [1, 0.1, 0.01, 0.001]) {
    const filter = { minWidthPx: widthOf(share) }
    const passing = items.filter(({ chance }) => widthOf(chance) >= filter.minWidthPx)
    const contents = new Set(passing.map(({ hash }) => hash))
    const among = { filter, count: async () => contents.size, contents: async () => contents }
    cases.push({ name: `${percent(share)} pass`, filter, truth: await nearest(among) })
  }
  return cases
}

async function measureCandidate(candidate: Candidate, setting: Setting): Promise<void> {
  const { db, space, items } = setting
  const directory = await mkdtemp(join(tmpdir(), 'lucida-vectors-'))
  const index = await candidate.open(db, directory)
  console.log(candidate.name)
  console.log(`  ${await versionOf(db)}; load average ${loadavg()[0]!.toFixed(1)}`)
  const filled = await secondsOf(async () => {
    if (!(await syncIndex(db, space, index))) throw new Error('the index is incomplete')
  })
  const saved = await secondsOf(() => index.save())
  console.log(`  filled in ${filled.toFixed(1)} s, graph or file in ${saved.toFixed(1)} s`)
  console.log(`  ${await candidate.measure(db, directory)}`)
  const late = items.slice(0, LATE).map(({ hash, vector }) => ({ content: hash, vector }))
  const gone = late.map(({ content }) => ({ content, vector: null }))
  await index.apply(gone, index.sequence + 1)
  const added = await secondsOf(() => index.apply(late, index.sequence + 1))
  console.log(`  ${LATE} more in ${added.toFixed(1)} s`)
  for (const each of setting.cases) await measureCase(index, each, setting)
  console.log('')
  await index.close()
  await rm(directory, { recursive: true, force: true })
}

async function measureCase(
  index: VectorIndex,
  { name, filter, truth }: Case,
  { db, space, queries }: Setting,
): Promise<void> {
  let [right, wanted, missing] = [0, 0, 0]
  const tookMs: number[] = []
  for (const [i, query] of queries.entries()) {
    const startedAt = performance.now()
    const hits = await index.search(
      query,
      K,
      filter && amongPassing(storedPictures(db, space), filter),
    )
    tookMs.push(performance.now() - startedAt)
    const expected = new Set(truth[i])
    wanted += expected.size
    missing += Math.max(0, expected.size - hits.length)
    right += hits.filter(({ content }) => expected.has(content)).length
  }
  const recall = wanted > 0 ? right / wanted : 1
  const good = recall >= REQUIRED && missing === 0
  if (!good) process.exitCode = 1
  const cells = [
    `  ${name.padEnd(12)}`,
    `recall@${K} ${percent(recall)}`.padStart(19),
    missing === 0 ? 'none missing' : `${missing} MISSING`,
    `p50 ${quantile(tookMs, 0.5).toFixed(1)} ms`.padStart(12),
    `p99 ${quantile(tookMs, 0.99).toFixed(1)} ms`.padStart(13),
    good ? '' : 'NOT REACHED',
  ]
  console.log(cells.join('  ').trimEnd())
}

async function versionOf(db: Database): Promise<string> {
  const [found] = await rows<{ postgres: string; pgvector: string | null }>(
    db,
    sql`select current_setting('server_version') as postgres,
      (select extversion from pg_extension where extname = 'vector') as pgvector`,
  )
  const { postgres, pgvector } = found!
  return pgvector ? `PostgreSQL ${postgres}, pgvector ${pgvector}` : `PostgreSQL ${postgres}`
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}

async function sizeOf(directory: string): Promise<number> {
  let sum = 0
  for (const name of await readdir(directory)) sum += (await stat(join(directory, name))).size
  return sum
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
