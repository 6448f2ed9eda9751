// Filtered searches on 50,000 pictures, through the real path: the store's answer to the filter, the
// index, the rows. Against brute force over the pictures that pass, with captions as queries.
import { tmpdir } from 'node:os'
import { sha256, type ContentHash } from '../../src/core/hash.ts'
import { dot, type UnitVector } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { openHnswIndex } from '../../src/search/hnsw-index.ts'
import { loadNeutralBank } from '../../src/search/relevance.ts'
import type { SearchContext } from '../../src/search/rank.ts'
import { searchPictures } from '../../src/search/search.ts'
import { storedPictures } from '../../src/search/stored-pictures.ts'
import { syncIndex } from '../../src/search/sync.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import type { VectorSpace } from '../../src/store/changes.ts'
import type { PictureFilter } from '../../src/store/filters.ts'
import { type IndexedFile, writeBatch } from '../../src/store/pictures.ts'
import { refreshStatistics } from '../../src/store/statistics.ts'
import { datasetNames, readRows } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader, quantile, sample, seededRandom } from './report.ts'

const PICTURES = 50_000
const QUERIES = 500
const K = 10
const REQUIRED = 0.98

interface Item {
  readonly set: string
  readonly hash: ContentHash
  readonly vector: UnitVector
  /** A random number in [0, 1), which chooses the pictures of a selectivity. */
  readonly chance: number
}

interface Case {
  readonly name: string
  readonly filter: PictureFilter
  readonly passes: (item: Item) => boolean
}

/** Runs the benchmark; exit code 1 when recall falls short or results are missing. */
export async function run(): Promise<void> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const names = await datasetNames()
  const { items, captions } = await load(names, (name) => embedSet(clip, name))
  const texts = sample(captions, QUERIES, 42)
  const queries = await clip.embedTexts(texts)
  const bank = await loadNeutralBank(clip.model, clip.embedTexts, tmpdir())
  await clip.close()
  const { dimension, recipe, name: model } = clip.model
  printHeader(
    'filters',
    `${model}, ${dimension} dimensions`,
    `${items.length} pictures (${names.join(', ')}), ${queries.length} captions, k = ${K}, PGlite in memory`,
  )

  const space = { model, recipe }
  const database = await openDatabase({ url: 'memory://' })
  await fill(database.db, space, items)
  const cases = casesFor(names)
  const truths = cases.map(({ passes }) => bruteForce(items.filter(passes), queries))
  for (const open of [openExactIndex, openHnswIndex]) {
    const index = await open({ identity: { storeId: database.storeId, ...space, dimension } })
    if (!(await syncIndex(database.db, space, index))) throw new Error('the index is incomplete')
    const context: SearchContext = {
      pictures: storedPictures(database.db, space),
      index,
      bank: async () => bank,
      relevanceThreshold: null,
    }
    console.log(`${index.kind} index`)
    for (const [i, each] of cases.entries()) await measure(context, each, queries, truths[i]!)
    console.log('')
    await index.close()
  }
  await database.close()
}

async function load(names: readonly string[], embed: (name: string) => Promise<UnitVector[]>) {
  const random = seededRandom(7)
  const all: Item[] = []
  const captions: string[] = []
  for (const set of names) {
    for (const [i, vector] of (await embed(set)).entries()) {
      all.push({ set, vector, hash: sha256(`${set}/${i}`), chance: random() })
    }
    for (const row of await readRows(set)) captions.push(...(row.captions ?? []))
  }
  return { items: sample(all, PICTURES, 43), captions }
}

/** Chance is stored as a width, so that a filter by width passes so many pictures. */
const widthOf = (chance: number) => 1 + Math.floor((1 - chance) * 1_000_000)

function casesFor(names: readonly string[]): Case[] {
  const random = [1, 0.1, 0.01, 0.001].map((share): Case => {
    const minWidthPx = widthOf(share)
    return {
      name: `${percent(share)} at random`,
      filter: { minWidthPx },
      passes: ({ chance }) => widthOf(chance) >= minWidthPx,
    }
  })
  // Where what passes lies apart from what the captions are about.
  const folders = names.map(
    (set): Case => ({
      name: `folder ${set}`,
      filter: { folders: [`/${set}`] },
      passes: (item) => item.set === set,
    }),
  )
  return [{ name: 'no filter', filter: {}, passes: () => true }, ...random, ...folders]
}

async function fill(db: Database, space: VectorSpace, items: readonly Item[]) {
  console.error(`writing ${items.length} pictures`)
  for (let at = 0; at < items.length; at += 1000) {
    const files = items.slice(at, at + 1000).map(fileOf)
    await writeBatch(db, space, { files, failures: [] })
  }
  await refreshStatistics(db)
}

function fileOf({ set, hash, vector, chance }: Item): IndexedFile {
  const file = { path: `/${set}/${hash}.jpg`, sizeBytes: 1, mtimeMs: 0, hash, vector }
  const content = {
    hash,
    format: 'jpeg',
    sizeBytes: 1,
    widthPx: widthOf(chance),
    heightPx: 1000,
    orientation: 1,
    takenAt: new Date(1.7e12 - chance * 1e12).toISOString().slice(0, 19),
    cameraMake: 'NIKON CORPORATION',
    cameraModel: 'NIKON D90',
    thumbHash: Buffer.alloc(25, 1),
    perceptualHash: hash.slice(0, 16),
  }
  return { ...file, content }
}

/** The scores that the nearest have, best first, for each query. */
function bruteForce(items: readonly Item[], queries: readonly UnitVector[]): ContentHash[][] {
  return queries.map((query) => {
    let best: { hash: ContentHash; score: number }[] = []
    let lowest = -Infinity
    for (const { hash, vector } of items) {
      const score = dot(query, vector)
      if (score <= lowest) continue
      best.push({ hash, score })
      best = best.sort((a, b) => b.score - a.score).slice(0, K)
      if (best.length === K) lowest = best[K - 1]!.score
    }
    return best.map(({ hash }) => hash)
  })
}

async function measure(
  context: SearchContext,
  { name, filter }: Case,
  queries: readonly UnitVector[],
  truth: readonly ContentHash[][],
): Promise<void> {
  let [right, wanted, missing] = [0, 0, 0]
  const [tookMs, storeMs]: [number[], number[]] = [[], []]
  for (const [i, vector] of queries.entries()) {
    const startedAt = performance.now()
    const query = { vector, isText: true, ownContents: new Set<ContentHash>() }
    const { hits } = await searchPictures(context, query, { limit: K, filter })
    tookMs.push(performance.now() - startedAt)
    const expected = new Set(truth[i])
    wanted += expected.size
    missing += Math.max(0, expected.size - hits.length)
    right += hits.filter(({ picture }) => expected.has(picture.hash)).length
  }
  for (let i = 0; i < 20; i++) {
    const startedAt = performance.now()
    await context.pictures.findMatching(filter)
    storeMs.push(performance.now() - startedAt)
  }
  const matching = (await context.pictures.findMatching(filter)).size
  const recall = right / wanted
  const good = recall >= REQUIRED && missing === 0
  if (!good) process.exitCode = 1
  const cells = [
    name.padEnd(24),
    `${matching} pass`.padStart(12),
    `recall@${K} ${percent(recall)}`,
    missing === 0 ? 'none missing' : `${missing} MISSING`,
    `p50 ${quantile(tookMs, 0.5).toFixed(1)} ms`.padStart(12),
    `p99 ${quantile(tookMs, 0.99).toFixed(1)} ms`.padStart(13),
    `(filter in the store: ${quantile(storeMs, 0.5).toFixed(1)} ms)`,
    good ? '' : 'NOT REACHED',
  ]
  console.log(cells.join('  ').trimEnd())
}
