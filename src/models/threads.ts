// How many threads inference gets while pictures are decoded beside it. Alone it is fastest with
// one per core; in a run these take the cores from the decoders. So the first batches of a long run
// measure what part of the machine inference needs, and the answer is kept for machine and model.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Clip, EmbedPixels } from './clip.ts'

/** Batches before the measurement, in which model and decoders come up to speed. */
const WARM_UP = 2
/** Batches that are measured. */
const MEASURED = 6

/** Threads for a share of the time, 0 to 1, for which inference kept `threads` of them busy. */
export function threadsFor(share: number, threads: number): number {
  return Math.max(1, Math.round(share * threads))
}

/** `clip.embedPixels` for one run that measures itself, then goes on with as many threads as fit. */
export function withMeasuredThreads(clip: Clip, directory: string): EmbedPixels {
  const all = availableParallelism()
  let batches = 0
  let startedAt = 0
  let busyMs = 0
  return async (pictures) => {
    if (pictures.length === 0 || batches === WARM_UP + MEASURED) return clip.embedPixels(pictures)
    const calledAt = performance.now()
    if (batches++ === WARM_UP) startedAt = calledAt
    const vectors = await clip.embedPixels(pictures)
    const now = performance.now()
    if (batches > WARM_UP) busyMs += now - calledAt
    if (batches === WARM_UP + MEASURED) {
      const threads = threadsFor(busyMs / (now - startedAt), all)
      await clip.useThreads(threads)
      await keepThreads(directory, clip.model.recipe, threads)
    }
    return vectors
  }
}

/** What was measured on this machine, or `undefined`. */
export async function keptThreads(directory: string, recipe: string): Promise<number | undefined> {
  return (await readKept(directory))[keyOf(recipe)]
}

async function keepThreads(directory: string, recipe: string, threads: number): Promise<void> {
  const kept = { ...(await readKept(directory)), [keyOf(recipe)]: threads }
  // Where it cannot be written, the next run measures again.
  await mkdir(directory, { recursive: true })
    .then(() => writeFile(join(directory, FILE), JSON.stringify(kept, null, 2)))
    .catch(() => {})
}

const FILE = 'threads.json'

/** The folder may be shared by several machines. */
function keyOf(recipe: string): string {
  return `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${recipe}`
}

/** A file that is missing or spoilt only means that it is measured again. */
async function readKept(directory: string): Promise<Record<string, number>> {
  const schema = z.record(z.string(), z.number().int().positive())
  return readFile(join(directory, FILE), 'utf8')
    .then((text) => schema.parse(JSON.parse(text)))
    .catch(() => ({}))
}
