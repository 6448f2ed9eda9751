// Text-to-image recall of the whole program on 1,000 photographs and their 5,000 captions: indexed
// from files, searched through the public interface, once per index.
import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { openLucida, type IndexEvent } from '../../src/lucida.ts'
import { type DatasetRow, readRows, unpack } from './datasets.ts'
import { measuredRecall } from './measured.ts'
import { percent, printHeader, quantile } from './report.ts'

const SET = 'flickr8k-dev'
const KS = [1, 5, 10]

/** How far the whole program may be from what training measured. */
const TOLERANCE = 0.01

/** Runs the benchmark; exit code 1 when a figure is out of tolerance. */
export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lucida-recall-'))
  try {
    const photos = join(folder, 'photos')
    await mkdir(photos)
    await unpack(SET, photos)
    const rows = await readRows(SET)
    printHeader('recall', 'lucida-clip-1', `${SET}: ${rows.length} pictures`)
    const dataDir = join(folder, 'data')
    await indexTwice(photos, dataDir)
    for (const vectorIndex of ['exact', 'hnsw'] as const) {
      await measure(vectorIndex, dataDir, rows)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function indexTwice(photos: string, dataDir: string): Promise<void> {
  for (const name of ['from nothing', 'again']) {
    const lucida = await openLucida({ dataDir, model: 'lucida-clip-1', databaseUrl: undefined })
    let done: Extract<IndexEvent, { type: 'done' }> | undefined
    for await (const event of lucida.index([photos])) if (event.type === 'done') done = event
    await lucida.close()
    const { counts, tookMs } = done!
    const rate = ((counts.seen / tookMs) * 1000).toFixed(0)
    console.log(
      `indexed ${name}: ${counts.embedded} embedded, ${counts.unchanged} unchanged, ` +
        `${counts.failed} failed in ${(tookMs / 1000).toFixed(1)} s (${rate} files/s)`,
    )
    if (name === 'again' && counts.unchanged !== counts.seen) {
      console.log('FAILED: the second run touched something')
      process.exitCode = 1
    }
  }
  console.log('')
}

async function measure(
  vectorIndex: 'exact' | 'hnsw',
  dataDir: string,
  rows: readonly DatasetRow[],
): Promise<void> {
  const lucida = await openLucida({ dataDir, vectorIndex, model: 'lucida-clip-1' })
  const expected = await measuredRecall(KS)
  const found = KS.map(() => 0)
  const tookMs: number[] = []
  let queries = 0
  for (const { file, captions = [] } of rows) {
    for (const text of captions) {
      const startedAt = performance.now()
      const { results } = await lucida.search([{ text }], { limit: Math.max(...KS) })
      tookMs.push(performance.now() - startedAt)
      queries++
      const rank = results.findIndex(({ path }) => basename(path) === file)
      KS.forEach((k, i) => (found[i]! += rank >= 0 && rank < k ? 1 : 0))
    }
  }
  await lucida.close()
  console.log(`text to image, ${queries} captions, ${vectorIndex} index:`)
  KS.forEach((k, i) => {
    const recall = found[i]! / queries
    const off = Math.abs(recall - expected[i]!)
    const verdict = off <= TOLERANCE ? 'agrees' : 'DIFFERS'
    if (off > TOLERANCE) process.exitCode = 1
    console.log(`  R@${k}: ${percent(recall)} (model card ${percent(expected[i]!)}: ${verdict})`)
  })
  console.log(
    `  whole search: p50 ${quantile(tookMs, 0.5).toFixed(1)} ms, p99 ${quantile(tookMs, 0.99).toFixed(1)} ms\n`,
  )
}
