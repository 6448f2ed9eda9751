// The stages of an indexing run, each alone on all cores, and the run itself, in pictures per second.
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pMap from 'p-map'
import { describePicture } from '../../src/indexer/decode.ts'
import { readPicture } from '../../src/sources/read-file.ts'
import type { PartialConfig } from '../../src/config.ts'
import type { Clip } from '../../src/models/clip.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'

const runFile = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')

/** Reading, hashing, describing and preprocessing, as a run does it, on all cores. */
export async function measureDecode(clip: Clip, paths: readonly string[]): Promise<number> {
  const startedAt = performance.now()
  await pMap(
    paths,
    async (path) => {
      const { bytes } = await readPicture({ path })
      const picture = await openPicture(bytes, path)
      await clip.preprocess(picture)
      await describePicture(picture)
    },
    { concurrency: availableParallelism() + 1 },
  )
  return (paths.length / (performance.now() - startedAt)) * 1000
}

/** The image tower alone, on batches of `size`, for at least `forMs`. */
export async function measureInference(clip: Clip, size: number, forMs = 4000): Promise<number> {
  const { heightPx, widthPx } = clip.model.pixels
  const pixels = new Float32Array(3 * heightPx * widthPx).map((_, i) => Math.sin(i))
  const batch = Array.from({ length: size }, () => pixels)
  await clip.embedPixels(batch)
  const startedAt = performance.now()
  let done = 0
  while (performance.now() - startedAt < forMs) {
    await clip.embedPixels(batch)
    done += size
  }
  return (done / (performance.now() - startedAt)) * 1000
}

/** A run of the built program in a process of its own, so that its peak memory is its own. */
export async function measureRun(photos: string, settings: PartialConfig, count: number) {
  const script = `
    const { openLucida } = await import(${JSON.stringify(join(ROOT, 'dist/lucida.js'))})
    const lucida = await openLucida(${JSON.stringify(settings)})
    let done
    for await (const event of lucida.index([${JSON.stringify(photos)}])) if (event.type === 'done') done = event
    await lucida.close()
    console.log(JSON.stringify({ ...done, rss: process.resourceUsage().maxRSS }))`
  const { stdout } = await runFile(process.execPath, ['--input-type=module', '-e', script])
  const { tookMs, counts, rss } = JSON.parse(stdout)
  if (counts.embedded !== count) throw new Error(`only ${counts.embedded} of ${count} embedded`)
  return { perSecond: (count / tookMs) * 1000, rssMb: rss / 1024 }
}
