// The same 20,000 pictures on a Citus cluster and on one server: whether both answer alike, with filters
// and without, and how long they take. CLUSTER_URL names a database on the coordinator, SINGLE_URL one on a
// server of its own, both empty or left by this benchmark; pgvector on all.
import { isDeepStrictEqual } from 'node:util'
import { loadavg } from 'node:os'
import type { ContentHash } from '../../src/core/hash.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { openPgvectorIndex } from '../../src/search/pgvector-index.ts'
import { amongPassing } from '../../src/search/rank.ts'
import { storedPictures } from '../../src/search/stored-pictures.ts'
import { syncIndex } from '../../src/search/sync.ts'
import type { VectorIndex } from '../../src/search/vector-index.ts'
import type { VectorSpace } from '../../src/store/changes.ts'
import { initCluster } from '../../src/store/cluster.ts'
import { readClusterStatus } from '../../src/store/cluster-status.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { countFacets } from '../../src/store/facets.ts'
import { countMatching, findMatchingByDate, type PictureFilter } from '../../src/store/filters.ts'
import { bruteForce, fill, type Item, load, widthOf } from './collection.ts'
import { datasetNames } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader, quantile, sample } from './report.ts'

const PICTURES = 20_000
const QUERIES = 100
const K = 10
const REQUIRED = 0.98

/** One of the two, with its pictures in the index. */
interface Side {
  readonly name: string
  readonly db: Database
  /** Walks a graph where that is less work. */
  readonly usual: VectorIndex
  /** Compares every row that passes. */
  readonly exact: VectorIndex
}

/** Runs the benchmark; exit code 1 where answers differ or recall falls short. */
export async function run(): Promise<void> {
  const { CLUSTER_URL, SINGLE_URL } = process.env
  if (!CLUSTER_URL || !SINGLE_URL) {
    console.log('SKIPPED: CLUSTER_URL and SINGLE_URL name no databases to compare')
    return
  }
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const names = await datasetNames()
  const { items: all, captions } = await load(names, (name) => embedSet(clip, name))
  const items = all.slice(0, PICTURES)
  const queries = await clip.embedTexts(sample(captions, QUERIES, 42))
  await clip.close()
  const { dimension, recipe, name: model } = clip.model
  printHeader(
    'cluster',
    `${model}, ${dimension} dimensions`,
    `${items.length} pictures (${names.join(', ')}), ${queries.length} captions, k = ${K}`,
  )
  const space = { model, recipe, dimension }
  const [cluster, single] = [
    await openDatabase({ url: CLUSTER_URL }),
    await openDatabase({ url: SINGLE_URL }),
  ]
  await initCluster(cluster.db)
  const { nodes, tables } = await readClusterStatus(cluster.db)
  const shards = tables.find(({ name }) => name === 'contents')!.shards
  console.log(
    `cluster: ${nodes.length} nodes, ${shards} shards; load average ${loadavg()[0]!.toFixed(1)}`,
  )
  const sides = [
    await prepare('cluster', cluster.db, space, items),
    await prepare('one server', single.db, space, items),
  ]
  for (const filter of filtersFor(names)) await compare(filter, sides, space, items, queries)
  await cluster.close()
  await single.close()
}

async function prepare(
  name: string,
  db: Database,
  space: VectorSpace & { readonly dimension: number },
  items: readonly Item[],
): Promise<Side> {
  const there = await countMatching(db, {})
  if (there !== 0 && there !== items.length) {
    throw new Error(
      `The database of ${name} holds ${there} pictures of somebody; give an empty one`,
    )
  }
  if (there === 0) await timed(`${name}: written`, () => fill(db, space, items))
  const identity = { storeId: 'bench', ...space }
  const usual = await openPgvectorIndex({ db, identity, graph: 'half' })
  await timed(`${name}: index filled`, () => syncIndex(db, space, usual))
  await timed(`${name}: graph built`, () => usual.save())
  const exact = await openPgvectorIndex({ db, identity, graph: 'half', rowsPerStep: Infinity })
  return { name, db, usual, exact }
}

/** None, by what is at random, and by what is alike. */
function filtersFor(names: readonly string[]): PictureFilter[] {
  const shares = [0.1, 0.01, 0.001].map((share) => ({ minWidthPx: widthOf(share) }))
  return [{}, ...shares, { folders: [`/${names[0]}`] }]
}

async function compare(
  filter: PictureFilter,
  sides: readonly Side[],
  space: VectorSpace,
  items: readonly Item[],
  queries: readonly UnitVector[],
): Promise<void> {
  const isPassing = ({ set, chance }: Item) =>
    widthOf(chance) >= (filter.minWidthPx ?? 0) && (filter.folders?.includes(`/${set}`) ?? true)
  const truth = bruteForce(items.filter(isPassing), queries, K)
  const found = []
  for (const side of sides) found.push(await measure(side, filter, space, queries))
  const [cluster, single] = found as [Measured, Measured]
  const same = cluster.exact.filter((hits, i) => isDeepStrictEqual(hits, single.exact[i])).length
  const alike = isDeepStrictEqual(cluster.store, single.store)
  const name = JSON.stringify(filter)
  console.log(`${name}: ${cluster.store.count} pass`)
  console.log(
    `  compared one by one: ${same} of ${queries.length} answers equal; facets, count and order by date ${alike ? 'equal' : 'DIFFERENT'}`,
  )
  if (same < queries.length || !alike) process.exitCode = 1
  for (const { side, usual, usualMs, exactMs } of found) {
    const right = usual.map((hits, i) => hits.filter((hash) => truth[i]!.includes(hash)).length)
    const wanted = truth.reduce((sum, hits) => sum + hits.length, 0)
    const recall = right.reduce((sum, n) => sum + n, 0) / wanted
    if (recall < REQUIRED) process.exitCode = 1
    const ms = (all: readonly number[], p: number) =>
      `${quantile(all, p).toFixed(1)} ms`.padStart(9)
    console.log(
      `  ${side.padEnd(10)}  recall@${K} ${percent(recall)}  p50 ${ms(usualMs, 0.5)}  p99 ${ms(usualMs, 0.99)}; one by one p50 ${ms(exactMs, 0.5)}  p99 ${ms(exactMs, 0.99)}`,
    )
  }
}

interface Measured {
  readonly side: string
  readonly usual: readonly ContentHash[][]
  readonly exact: readonly { content: ContentHash; score: number }[][]
  readonly usualMs: readonly number[]
  readonly exactMs: readonly number[]
  readonly store: { readonly count: number; readonly facets: unknown; readonly newest: unknown }
}

async function measure(
  { name, db, usual, exact }: Side,
  filter: PictureFilter,
  space: VectorSpace,
  queries: readonly UnitVector[],
): Promise<Measured> {
  const isAll = Object.keys(filter).length === 0
  const search = async (index: VectorIndex, took: number[]) => {
    const answers = []
    for (const query of queries) {
      const startedAt = performance.now()
      const among = isAll ? undefined : amongPassing(storedPictures(db, space), filter)
      answers.push(await index.search(query, K, among))
      took.push(performance.now() - startedAt)
    }
    return answers
  }
  const [usualMs, exactMs]: [number[], number[]] = [[], []]
  const walked = await search(usual, usualMs)
  const compared = await search(exact, exactMs)
  const store = {
    count: await countMatching(db, filter),
    facets: await countFacets(db, filter),
    newest: await findMatchingByDate(db, filter, { limit: 1000 }),
  }
  const usualHits = walked.map((hits) => hits.map(({ content }) => content))
  return {
    side: name,
    usual: usualHits,
    exact: compared.map((hits) => hits.map(({ content, score }) => ({ content, score }))),
    usualMs,
    exactMs,
    store,
  }
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  await work()
  console.log(`${what} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}
