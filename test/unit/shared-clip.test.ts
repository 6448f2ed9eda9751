import { expect, test } from 'vitest'
import { normalize } from '../../src/core/vector.ts'
import type { Clip } from '../../src/models/clip.ts'
import { type EncodeRun, measureClip, shareClip } from '../../src/models/shared-clip.ts'

/** Encodes a text as its length, and counts its runs. */
function countingClip() {
  const runs: string[][] = []
  const clip = {
    async embedTexts(texts: readonly string[]) {
      runs.push([...texts])
      return texts.map((text) => normalize([text.length, 1]))
    },
    async embedPixels(pictures: readonly Float32Array[]) {
      runs.push(pictures.map((pixels) => `picture ${pixels[0]}`))
      return pictures.map((pixels) => normalize([pixels[0]!, 1]))
    },
  } as unknown as Clip
  return { clip, runs }
}

test('texts that come again are not encoded again', async () => {
  const { clip, runs } = countingClip()
  const shared = shareClip(clip)
  const [a, b] = await shared.embedTexts(['a', 'bb'])
  expect(await shared.embedTexts(['bb', 'a', 'ccc'])).toEqual([b, a, normalize([3, 1])])
  expect(runs).toEqual([['a', 'bb'], ['ccc']])
})

test('a text that is asked for twice at once is encoded once', async () => {
  const { clip, runs } = countingClip()
  const shared = shareClip(clip)
  const [[a], [b]] = await Promise.all([shared.embedTexts(['x']), shared.embedTexts(['x'])])
  expect(a).toEqual(b)
  expect(runs.flat()).toEqual(['x'])
})

test('a failure is not remembered', async () => {
  let fails = true
  const { clip } = countingClip()
  const shared = shareClip({
    ...clip,
    async embedTexts(texts) {
      if (fails) throw new Error('no memory')
      return clip.embedTexts(texts)
    },
  })
  await expect(shared.embedTexts(['x'])).rejects.toThrow('no memory')
  fails = false
  expect(await shared.embedTexts(['x'])).toHaveLength(1)
})

test('no pictures at all only load the model', async () => {
  const { clip, runs } = countingClip()
  await shareClip(clip).embedPixels([])
  expect(runs).toEqual([[]])
})

test('every run is told of, with its tower and its items', async () => {
  const { clip } = countingClip()
  const told: EncodeRun[] = []
  const measured = measureClip(clip, (run) => told.push(run))
  await measured.embedTexts(['a', 'b'])
  await measured.embedPixels([new Float32Array([1])])
  expect(told).toEqual([
    { tower: 'text', items: 2, ms: expect.any(Number) },
    { tower: 'image', items: 1, ms: expect.any(Number) },
  ])
})
