import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Clip } from '../../src/models/clip.ts'
import { keptThreads, threadsFor, withMeasuredThreads } from '../../src/models/threads.ts'

let directory = ''
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'lucida-threads-'))))
afterEach(() => rm(directory, { recursive: true }))

const asked: number[] = []
function fakeClip(): Clip {
  asked.length = 0
  return {
    model: { recipe: 'recipe' },
    embedPixels: async (pictures: unknown[]) => pictures,
    useThreads: async (threads: number) => void asked.push(threads),
  } as unknown as Clip
}
const PICTURE = [new Float32Array(1)]

test.each([
  [1, 2, 2],
  [0.42, 2, 1],
  [0, 16, 1],
  [0.5, 16, 8],
])('inference busy for %f of the time with %i threads gets %i', (share, threads, expected) => {
  expect(threadsFor(share, threads)).toBe(expected)
})

test('eight batches decide, and the decision is kept', async () => {
  const embed = withMeasuredThreads(fakeClip(), directory)
  for (let i = 0; i < 7; i++) await embed(PICTURE)
  await embed([])
  expect(asked).toEqual([])
  expect(await keptThreads(directory, 'recipe')).toBeUndefined()
  expect(await embed(PICTURE)).toEqual(PICTURE)
  for (let i = 0; i < 9; i++) await embed(PICTURE)
  expect(asked).toHaveLength(1)
  expect(asked[0]).toBeLessThanOrEqual(availableParallelism())
  expect(await keptThreads(directory, 'recipe')).toBe(asked[0])
  expect(await keptThreads(directory, 'another')).toBeUndefined()
})

test('a spoilt file is as none, and is replaced', async () => {
  await writeFile(join(directory, 'threads.json'), '{"x":')
  expect(await keptThreads(directory, 'recipe')).toBeUndefined()
  const embed = withMeasuredThreads(fakeClip(), directory)
  for (let i = 0; i < 8; i++) await embed(PICTURE)
  expect(await readFile(join(directory, 'threads.json'), 'utf8')).toContain('recipe')
})
