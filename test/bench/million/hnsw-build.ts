// Fills Lucida's own index, through its port, with the vectors of a folder, in a process of its own;
// saves it every so often and goes on where it was killed. Arguments: folder, how many vectors.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openHnswIndex } from '../../../src/search/hnsw-index.ts'
import { type BuildCost, contentOf, IDENTITY, NOTHING, readCost } from './built.ts'
import { readVectors, rowsOf } from './vectors.ts'

/** Rows per change of the index: as many as `syncIndex` reads from the feed at once. */
const PAGE = 2000
const SAVED_EVERY = 50_000

async function build(folder: string, count: number): Promise<void> {
  const directory = join(folder, 'hnsw')
  const costs = join(folder, 'hnsw.json')
  const index = await openHnswIndex({ identity: IDENTITY, directory })
  // The index says itself how far it came; the file of costs may be of an index that was removed.
  const before = index.sequence === 0 ? NOTHING : await readCost(costs)
  const startedAt = performance.now()
  while (index.sequence < count) {
    const start = index.sequence
    const end = Math.min(start + PAGE, count)
    const block = await readVectors(join(folder, 'vectors.f32'), start, end)
    const changes = rowsOf(block).map((vector, i) => ({ content: contentOf(start + i), vector }))
    await index.apply(changes, end)
    if (end % SAVED_EVERY !== 0 && end !== count) continue
    await index.save()
    const { user, system } = process.cpuUsage()
    const cost: BuildCost = {
      vectors: end,
      seconds: before.seconds + (performance.now() - startedAt) / 1000,
      cpuSeconds: before.cpuSeconds + (user + system) / 1e6,
      threads: 1,
      peakBytes: Math.max(before.peakBytes, process.resourceUsage().maxRSS * 1024),
      runs: before.runs + 1,
    }
    await writeFile(costs, JSON.stringify(cost))
    console.error(`hnswlib: ${end} of ${count} after ${cost.seconds.toFixed(0)} s`)
  }
  await index.close()
}

const [folder = '', count = ''] = process.argv.slice(2)
await build(folder, Number(count))
