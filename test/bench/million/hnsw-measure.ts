// Opens the index that `hnsw-build.ts` saved, in a process of its own, and prints one line of JSON.
// `index`: as Lucida uses it, through the port. `graph`: the library alone, in this thread, at several
// ef. Arguments: which of the two, folder, ef,ef,…
import { join } from 'node:path'
import type { UnitVector } from '../../../src/core/vector.ts'
import { efFor, type HnswGraph, readGraph } from '../../../src/search/hnsw-graph.ts'
import { openHnswIndex } from '../../../src/search/hnsw-index.ts'
import { loadIndexFile } from '../../../src/search/index-file.ts'
import { contentOf, IDENTITY, type Measured, type Point } from './built.ts'
import { exactNeighbours, K, recallOf } from './truth.ts'
import { DIMENSION, QUERIES, readVectors, rowsOf } from './vectors.ts'

const WARM_UP = 100

const [which, folder = '', efs = ''] = process.argv.slice(2)
const directory = join(folder, 'hnsw')
const queries = rowsOf(await readVectors(join(folder, 'queries.f32'), 0, QUERIES))
const truth = await exactNeighbours(folder)
const rowOf = new Map(Array.from(truth, (row) => [contentOf(row), row]))
const before = process.memoryUsage.rss()
const startedAt = performance.now()
const measured = which === 'index' ? await measureIndex() : await measureGraph()
const told = { ...measured, peakBytes: process.resourceUsage().maxRSS * 1024 }
console.log(JSON.stringify(told satisfies Measured))

async function measureIndex() {
  const index = await openHnswIndex({ identity: IDENTITY, directory })
  const loaded = sinceStart()
  const point = await ask(efFor(index.size), async (query) => {
    const hits = await index.search(query, K)
    return hits.map(({ content }) => rowOf.get(content) ?? -1)
  })
  const residentBytes = process.memoryUsage.rss() - before
  await index.close()
  return { ...loaded, residentBytes, points: [point] }
}

async function measureGraph() {
  const { native } = await readSaved()
  const loaded = sinceStart()
  // Lucida has no need of it: see `hnsw-graph.ts`.
  const library = native as typeof native & { setEf(ef: number): void }
  const points: Point[] = []
  for (const ef of efs.split(',').map(Number)) {
    library.setEf(ef)
    points.push(await ask(ef, (query) => library.searchKnn(Array.from(query), K).neighbors))
  }
  return { ...loaded, residentBytes: process.memoryUsage.rss() - before, points }
}

function sinceStart() {
  const loadSeconds = (performance.now() - startedAt) / 1000
  return { loadSeconds, loadedBytes: process.memoryUsage.rss() - before }
}

async function readSaved(): Promise<HnswGraph> {
  const place = { directory, kind: 'hnsw' as const, identity: IDENTITY }
  const graph = await loadIndexFile(place, async ({ vectors, labels }) =>
    readGraph(DIMENSION, vectors.path, labels),
  )
  if (!graph) throw new Error(`${directory} holds no index of these vectors; remove it`)
  return graph
}

async function ask(
  ef: number,
  search: (query: UnitVector) => number[] | Promise<number[]>,
): Promise<Point> {
  for (const query of queries.slice(0, WARM_UP)) await search(query)
  const tookMs: number[] = []
  const found: number[][] = []
  for (const query of queries) {
    const askedAt = performance.now()
    const rows = await search(query)
    tookMs.push(performance.now() - askedAt)
    found.push(rows)
  }
  return { ef, recall: recallOf(found, truth), tookMs }
}
