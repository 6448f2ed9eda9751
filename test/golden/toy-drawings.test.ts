// The engine's pictures against those of another implementation (training/generate/toy_reference.py).
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { normalize } from '../../src/core/vector.ts'
import { openPainter } from '../../src/generate/painter.ts'
import { readPipeline } from '../../src/generate/pipeline-manifest.ts'
import type { Painter } from '../../src/generate/types.ts'
import { drawAll, PIPELINES } from '../helpers/toy-pipelines.ts'

interface Golden {
  readonly text: number[]
  readonly otherText: number[]
  readonly drawings: readonly {
    readonly seed: number
    readonly guidance?: number
    readonly steps?: number
    readonly variation?: number
    readonly negative?: boolean
    readonly embedding: readonly number[]
    readonly pixels: readonly number[]
  }[]
}

let golden: Golden
let painter: Painter
beforeAll(async () => {
  const file = new URL('./toy-unclip.json', import.meta.url)
  golden = JSON.parse(await readFile(file, 'utf8')) as Golden
  const vectors: Record<string, number[]> = { text: golden.text, other: golden.otherText }
  painter = openPainter(await readPipeline(`${PIPELINES}/toy-unclip`), {
    threads: 1,
    embedTexts: async (texts) => texts.map((text) => normalize(vectors[text]!)),
  })
})
afterAll(() => painter.close())

test('are those of PyTorch, give or take the rounding of a byte', async () => {
  expect(golden.drawings).toHaveLength(3)
  for (const { seed, negative, embedding, pixels, ...settings } of golden.drawings) {
    const { drawings } = await drawAll(painter, {
      condition: { text: 'text' },
      seeds: [seed],
      ...settings,
      ...(negative && { negative: { text: 'other' } }),
    })
    const [{ picture, embedding: found }] = drawings as [(typeof drawings)[0]]
    embedding.forEach((value, i) => expect(found![i]).toBeCloseTo(value, 4))
    expect(picture.data).toHaveLength(pixels.length)
    const off = pixels.map((value, i) => Math.abs(value - picture.data[i]!))
    expect(Math.max(...off)).toBeLessThanOrEqual(1)
    expect(off.filter((value) => value > 0).length).toBeLessThan(pixels.length / 20)
  }
})
