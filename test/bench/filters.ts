// Filtered searches on 50,000 pictures, through the real path: the store's answer to the filter, the
// index, the rows. Against brute force over the pictures that pass, with captions as queries.
import { tmpdir } from 'node:os'
import type { ContentHash } from '../../src/core/hash.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { openHnswIndex } from '../../src/search/hnsw-index.ts'
import { loadNeutralBank } from '../../src/search/relevance.ts'
import type { SearchContext } from '../../src/search/rank.ts'
import { searchPictures } from '../../src/search/search.ts'
import { storedPictures } from '../../src/search/stored-pictures.ts'
import { syncIndex } from '../../src/search/sync.ts'
import { openDatabase } from '../../src/store/database.ts'
import type { PictureFilter } from '../../src/store/filters.ts'
import { bruteForce, fill, type Item, load, widthOf } from './collection.ts'
import { datasetNames } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader, quantile, sample } from './report.ts'

const QUERIES = 500
const K = 10
const REQUIRED = 0.98

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
  const truths = cases.map(({ passes }) => bruteForce(items.filter(passes), queries, K))
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
