// The engine's pictures against those of another implementation (training/generate/toy_reference.py).
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { normalize } from '../../src/core/vector.ts'
import { openPainter } from '../../src/generate/painter.ts'
import { readPipeline } from '../../src/generate/pipeline-manifest.ts'
import { drawAll, PIPELINES } from '../helpers/toy-pipelines.ts'

interface Golden {
  /** Embeddings where the pipeline takes the search's, else what is encoded. */
  readonly text: number[]
  readonly otherText: number[]
  readonly prompt: string
  readonly otherPrompt: string
  readonly drawings: readonly {
    readonly pipeline: string
    readonly seed: number
    readonly guidance?: number
    readonly steps?: number
    readonly variation?: number
    readonly negative?: boolean
    readonly embedding: readonly number[] | null
    readonly pixels: readonly number[]
  }[]
}

const file = new URL('./toy-drawings.json', import.meta.url)
const golden = JSON.parse(await readFile(file, 'utf8')) as Golden
const embeddings: Record<string, number[]> = {
  '': golden.text,
  [golden.prompt]: golden.text,
  [golden.otherPrompt]: golden.otherText,
}

test.each(golden.drawings)(
  'picture $seed of $pipeline is that of PyTorch, give or take the rounding of a byte',
  async ({ pipeline, negative, seed, embedding, pixels, ...settings }) => {
    const painter = openPainter(await readPipeline(`${PIPELINES}/${pipeline}`), {
      threads: 1,
      embedTexts: async (texts) => texts.map((text) => normalize(embeddings[text]!)),
    })
    const { drawings } = await drawAll(painter, {
      condition: { text: golden.prompt },
      seeds: [seed],
      ...settings,
      ...(negative && { negative: { text: golden.otherPrompt } }),
    })
    await painter.close()
    const [{ picture, embedding: found }] = drawings as [(typeof drawings)[0]]
    if (embedding === null) expect(found).toBeNull()
    embedding?.forEach((value, i) => expect(found![i]).toBeCloseTo(value, 4))
    expect(picture.data).toHaveLength(pixels.length)
    const off = pixels.map((value, i) => Math.abs(value - picture.data[i]!))
    expect(Math.max(...off)).toBeLessThanOrEqual(1)
    expect(off.filter((value) => value > 0).length).toBeLessThan(pixels.length / 20)
  },
)
