// How many threads inference gets while pictures are decoded beside it, and how many pictures a run of
// it. Alone it is fastest with a thread per core; in an indexing run these take the cores from the
// decoders. How large a batch pays depends on model and machine. So the first batches of a long run,
// which are real work, measure both, and the answer is kept for machine, model and provider.
import { mkdir } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { readCheckedJson, writeCheckedJson } from '../core/checked-file.ts'
import type { Clip, EmbedPixels } from './clip.ts'

const tuningSchema = z.object({
  threads: z.number().int().positive(),
  batch: z.number().int().positive(),
})

/** What was measured. */
export type Tuning = z.infer<typeof tuningSchema>

/** The encoder of an indexing run. */
export interface BatchEncoder {
  readonly embedPixels: EmbedPixels
  /** Pictures that the next call should be given. */
  readonly batchSize: () => number
}

/** Pictures a run until something was measured; near the best on every CPU that was tried. */
export const USUAL_BATCH = 16
/** Sizes that are tried. Larger ones only cost memory: decoders do not fill them any faster. */
const SIZES = [4, 8, 16, 32]
export const LARGEST_BATCH = Math.max(...SIZES)
/** Batches before the measurement, in which model and decoders come up to speed. */
const WARM_UP = 2
/** Each size is measured so often, in turn, since the machine wavers. */
const ROUNDS = 4
/** A larger batch must be so much faster to be worth its memory and its wait. */
const GAIN = 1.05

/** Threads for a share of the time, 0 to 1, for which inference kept `threads` of them busy. */
export function threadsFor(share: number, threads: number): number {
  return Math.max(1, Math.round(share * threads))
}

/** The smallest size that is nearly as fast as the fastest, by milliseconds per picture. */
export function batchFor(samples: ReadonlyMap<number, readonly number[]>): number {
  const medians = [...samples].map(([size, ms]) => [size, median(ms)] as const)
  const best = Math.min(...medians.map(([, ms]) => ms))
  return Math.min(...medians.filter(([, ms]) => ms <= best * GAIN).map(([size]) => size))
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Infinity
}

/**
 * Encodes with what is kept for this machine, or measures in this run and goes on with the result.
 * Threads that the user has set (`fixedThreads`) stay as they are.
 */
export async function tunedEncoder(
  clip: Clip,
  directory: string,
  { fixedThreads, key }: { fixedThreads: boolean; key: string },
): Promise<BatchEncoder> {
  const kept = await keptTuning(directory, key)
  if (kept) return { embedPixels: clip.embedPixels, batchSize: () => kept.batch }
  const plan = [
    ...Array<number>(WARM_UP).fill(USUAL_BATCH),
    ...Array.from({ length: ROUNDS }, () => SIZES).flat(),
  ]
  const samples = new Map<number, number[]>(SIZES.map((size) => [size, []]))
  let done = 0
  let startedAt = 0
  let busyMs = 0
  let batch = USUAL_BATCH
  const batchSize = () => plan[done] ?? batch
  return {
    batchSize,
    async embedPixels(pictures) {
      // The last batch of a folder may be too small to tell anything.
      if (pictures.length === 0 || done === plan.length || pictures.length !== batchSize()) {
        return clip.embedPixels(pictures)
      }
      const calledAt = performance.now()
      if (done === WARM_UP) startedAt = calledAt
      const vectors = await clip.embedPixels(pictures)
      const now = performance.now()
      if (done >= WARM_UP) {
        busyMs += now - calledAt
        samples.get(pictures.length)!.push((now - calledAt) / pictures.length)
      }
      if (++done === plan.length) {
        batch = batchFor(samples)
        const threads = threadsFor(busyMs / (now - startedAt), availableParallelism())
        if (!fixedThreads) await clip.useThreads(threads)
        await keepTuning(directory, key, { threads, batch })
      }
      return vectors
    },
  }
}

/** What was measured on this machine, or `undefined`. */
export async function keptTuning(directory: string, key: string): Promise<Tuning | undefined> {
  return (await readKept(directory))[onThisMachine(key)]
}

async function keepTuning(directory: string, key: string, tuning: Tuning): Promise<void> {
  const kept = { ...(await readKept(directory)), [onThisMachine(key)]: tuning }
  // Where it cannot be written, the next run measures again.
  await mkdir(directory, { recursive: true })
    .then(() => writeCheckedJson(join(directory, TUNING_FILE), kept))
    .catch(() => {})
}

/** Its name in the folder of caches. */
export const TUNING_FILE = 'tuning.json'

/** The folder may be shared by several machines. */
function onThisMachine(key: string): string {
  return `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, ${key}`
}

/** A file that is missing or spoilt only means that it is measured again. */
async function readKept(directory: string): Promise<Record<string, Tuning>> {
  const schema = z.record(z.string(), tuningSchema)
  return schema.safeParse(await readCheckedJson(join(directory, TUNING_FILE))).data ?? {}
}
