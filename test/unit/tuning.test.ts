import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Clip } from '../../src/models/clip.ts'
import { type BatchEncoder, batchFor, keptTuning } from '../../src/models/tuning.ts'
import { threadsFor, tunedEncoder } from '../../src/models/tuning.ts'

let directory = ''
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'lucida-tuning-'))))
afterEach(() => rm(directory, { recursive: true }))

const asked: number[] = []
function fakeClip(): Clip {
  asked.length = 0
  return {
    embedPixels: async (pictures: unknown[]) => pictures,
    useThreads: async (threads: number) => void asked.push(threads),
  } as unknown as Clip
}
const pictures = (count: number) => Array.from({ length: count }, () => new Float32Array(1))
const FREE = { fixedThreads: false, key: 'recipe' }

/** Batches as the pipeline makes them, `n` of them. */
async function runBatches({ embedPixels, batchSize }: BatchEncoder, n: number): Promise<number[]> {
  const sizes: number[] = []
  for (let i = 0; i < n; i++) {
    const some = pictures(batchSize())
    sizes.push(some.length)
    expect(await embedPixels(some)).toEqual(some)
  }
  return sizes
}

test.each([
  [1, 2, 2],
  [0.42, 2, 1],
  [0, 16, 1],
  [0.5, 16, 8],
])('inference busy for %f of the time with %i threads gets %i', (share, threads, expected) => {
  expect(threadsFor(share, threads)).toBe(expected)
})

test.each<[string, [number, number[]][], number]>([
  [
    'the fastest',
    [
      [4, [9, 9, 9]],
      [8, [5, 5, 5]],
      [16, [7, 7, 7]],
    ],
    8,
  ],
  [
    'a smaller one that is nearly as fast',
    [
      [4, [9]],
      [8, [5.2]],
      [32, [5]],
    ],
    8,
  ],
  [
    'by the median, whatever one sample was',
    [
      [4, [5, 5, 90]],
      [8, [6, 6, 1]],
    ],
    4,
  ],
])('the size of a batch is %s', (_, samples, expected) => {
  expect(batchFor(new Map(samples))).toBe(expected)
})

test('eighteen batches of real work decide, and the decision is kept', async () => {
  const encoder = await tunedEncoder(fakeClip(), directory, FREE)
  const sizes = await runBatches(encoder, 17)
  expect(new Set(sizes)).toEqual(new Set([4, 8, 16, 32]))
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(300)
  // What is too small to tell, or only loads the model, decides nothing.
  await encoder.embedPixels([])
  await encoder.embedPixels(pictures(1))
  expect(asked).toEqual([])
  expect(await keptTuning(directory, 'recipe')).toBeUndefined()
  await runBatches(encoder, 1)
  const [batch] = new Set(await runBatches(encoder, 5))
  expect(asked).toHaveLength(1)
  expect(asked[0]).toBeLessThanOrEqual(availableParallelism())
  expect(await keptTuning(directory, 'recipe')).toEqual({ threads: asked[0], batch })
  expect(await keptTuning(directory, 'another')).toBeUndefined()
})

test('the next run begins with what is kept, and measures nothing', async () => {
  await runBatches(await tunedEncoder(fakeClip(), directory, FREE), 18)
  const kept = await keptTuning(directory, 'recipe')
  const clip = fakeClip()
  const again = await tunedEncoder(clip, directory, FREE)
  expect(new Set(await runBatches(again, 20))).toEqual(new Set([kept!.batch]))
  expect(asked).toEqual([])
})

test('threads that the user has set stay', async () => {
  const encoder = await tunedEncoder(fakeClip(), directory, { fixedThreads: true, key: 'recipe' })
  await runBatches(encoder, 20)
  expect(asked).toEqual([])
  expect(await keptTuning(directory, 'recipe')).toBeDefined()
})

test('a spoilt file is as none, and is replaced', async () => {
  await writeFile(join(directory, 'tuning.json'), '{"x":')
  expect(await keptTuning(directory, 'recipe')).toBeUndefined()
  await runBatches(await tunedEncoder(fakeClip(), directory, FREE), 18)
  expect(await readFile(join(directory, 'tuning.json'), 'utf8')).toContain('recipe')
})
