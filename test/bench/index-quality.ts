// HNSW against the exact scan on the model's own vectors: every picture of the data sets, and
// captions as queries. Text queries are the hard case for a graph built from pictures, because the
// two lie in different parts of the space (Liang et al. 2022, the modality gap).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/core/hash.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import { type Clip, openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { openHnswIndex } from '../../src/search/hnsw-index.ts'
import type { Hit, VectorChange, VectorIndex } from '../../src/search/vector-index.ts'
import { datasetNames, readRows } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader, quantile, sample } from './report.ts'

const QUERIES = 10_000
const K = 10
const REQUIRED = 0.98

/** Runs the benchmark; exit code 1 when recall falls short. */
export async function run(): Promise<void> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const changes: VectorChange[] = []
  const captions: string[] = []
  const names = await datasetNames()
  for (const name of names) {
    const vectors = await embedSet(clip, name)
    changes.push(...vectors.map((vector, i) => ({ content: sha256(`${name}/${i}`), vector })))
    for (const row of await readRows(name)) captions.push(...(row.captions ?? []))
  }
  const queries = await embedCaptions(clip, sample(captions, QUERIES, 42))
  await clip.close()
  const data = `${changes.length} pictures (${names.join(', ')}), ${queries.length} captions`
  printHeader('index-quality', `${clip.model.name}, ${clip.model.dimension} dimensions`, data)

  const identity = {
    storeId: 'bench',
    model: 'bench',
    recipe: 'bench',
    dimension: clip.model.dimension,
  }
  const exact = await openExactIndex({ identity })
  await build('exact', exact, changes)
  const truth = await query('exact', exact, queries)

  const directory = await mkdtemp(join(tmpdir(), 'lucida-hnsw-'))
  const hnsw = await openHnswIndex({ identity, directory })
  await build('hnsw', hnsw, changes)
  report('hnsw', await query('hnsw', hnsw, queries), truth)

  await hnsw.save()
  await hnsw.close()
  const startedAt = performance.now()
  const loaded = await openHnswIndex({ identity, directory })
  console.log(`\nhnsw loaded from its file in ${(performance.now() - startedAt).toFixed(0)} ms`)
  report('hnsw, loaded', await query('hnsw, loaded', loaded, queries), truth)
  await loaded.close()
  await rm(directory, { recursive: true, force: true })
}

async function embedCaptions(clip: Clip, captions: readonly string[]): Promise<UnitVector[]> {
  console.error(`embedding ${captions.length} captions`)
  return clip.embedTexts(captions)
}

async function build(
  name: string,
  index: VectorIndex,
  changes: readonly VectorChange[],
): Promise<void> {
  const startedAt = performance.now()
  for (let at = 0; at < changes.length; at += 2000) {
    await index.apply(changes.slice(at, at + 2000), at + 1)
  }
  const seconds = (performance.now() - startedAt) / 1000
  const rate = (changes.length / seconds).toFixed(0)
  console.log(`${name}: ${changes.length} vectors in ${seconds.toFixed(1)} s (${rate}/s)`)
}

async function query(
  name: string,
  index: VectorIndex,
  queries: readonly UnitVector[],
): Promise<Hit[][]> {
  const results: Hit[][] = []
  const tookMs: number[] = []
  for (const vector of queries) {
    const startedAt = performance.now()
    results.push(await index.search(vector, K))
    tookMs.push(performance.now() - startedAt)
  }
  const [p50, p99] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)]
  console.log(`${name}: k = ${K}, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`)
  return results
}

function report(name: string, found: readonly Hit[][], truth: readonly Hit[][]): void {
  let right = 0
  found.forEach((hits, i) => {
    const wanted = new Set(truth[i]!.map(({ content }) => content))
    right += hits.filter(({ content }) => wanted.has(content)).length
  })
  const recall = right / (truth.length * K)
  const verdict = recall >= REQUIRED ? 'reached' : 'NOT REACHED'
  if (recall < REQUIRED) process.exitCode = 1
  console.log(
    `${name}: recall@${K} against exact ${percent(recall)} (${percent(REQUIRED)} asked for: ${verdict})`,
  )
}
