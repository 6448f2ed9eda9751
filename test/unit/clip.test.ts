import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dot, type UnitVector } from '../../src/core/vector.ts'
import { type Clip, openClip } from '../../src/models/clip.ts'
import { TEXT_MODEL } from '../../src/models/manifest.ts'
import type { PixelTensor } from '../../src/models/preprocess.ts'
import { findModel } from '../../src/models/registry.ts'
import { GOLDEN_PICTURES, GOLDEN_TEXTS, type Golden } from '../golden/golden-inputs.ts'
import { SMALL_PICTURES } from '../helpers/pictures.ts'

let clip: Clip
let pictures: PixelTensor[]
beforeAll(async () => {
  clip = openClip(await findModel('lucida-clip-1'), { threads: 1 })
  pictures = await Promise.all(
    Object.values(SMALL_PICTURES).map(async (draw) =>
      clip.preprocess(await draw().png().toBuffer()),
    ),
  )
})
afterAll(() => clip.close())

function expectUnit(vectors: readonly UnitVector[]): void {
  for (const vector of vectors) {
    expect(vector).toHaveLength(256)
    expect(dot(vector, vector)).toBeCloseTo(1, 5)
  }
}

/** Largest difference of any component. */
const distance = (a: UnitVector, b: UnitVector) => Math.max(...a.map((v, i) => Math.abs(v - b[i]!)))

async function oneByOne<T>(
  embed: (items: readonly T[]) => Promise<UnitVector[]>,
  items: readonly T[],
): Promise<UnitVector[]> {
  const vectors = []
  for (const item of items) vectors.push(...(await embed([item])))
  return vectors
}

function expectSame(batch: readonly UnitVector[], single: readonly UnitVector[]): void {
  expect(batch).toHaveLength(single.length)
  batch.forEach((vector, i) => expect(distance(vector, single[i]!)).toBeLessThan(1e-4))
}

describe('texts', () => {
  test('become unit vectors, in order, alone as in a batch, whatever the padding', async () => {
    // More than one run of the model takes, of very different lengths.
    const texts = Array.from({ length: 70 }, (_, i) => `${i} dogs ${'on the beach '.repeat(i % 9)}`)
    const batch = await clip.embedTexts(texts)
    expectUnit(batch)
    const some = [0, 1, 8, 31, 32, 63, 64, 69]
    expectSame(
      some.map((i) => batch[i]!),
      await oneByOne(
        clip.embedTexts,
        some.map((i) => texts[i]!),
      ),
    )
  })

  test('that are the same have the same vector, and others another', async () => {
    const [a, b, c] = await clip.embedTexts(['a red car', 'a red car', 'a blue boat'])
    expect(a).toEqual(b)
    expect(dot(a!, c!)).toBeLessThan(0.99)
  })

  test('of no words at all have a vector', async () => {
    expectUnit(await clip.embedTexts([' ', '鳥']))
    expect(await clip.embedTexts([])).toEqual([])
  })
})

describe('pictures', () => {
  test('become unit vectors, in order, alone as in a batch', async () => {
    const batch = await clip.embedPixels(pictures)
    expectUnit(batch)
    expectSame(batch, await oneByOne(clip.embedPixels, pictures))
  })

  test('that are the same have exactly the same vector', async () => {
    const [first] = await clip.embedPixels([pictures[2]!])
    const [again] = await clip.embedPixels([pictures[2]!])
    expect(again).toEqual(first)
    expect(await clip.embedPixels([])).toEqual([])
  })

  test('and texts share one space', async () => {
    const [red, green] = await clip.embedTexts(['red', 'green'])
    const [redPicture, greenPicture] = await clip.embedPixels(pictures)
    const right = dot(red!, redPicture!) + dot(green!, greenPicture!)
    expect(right).toBeGreaterThan(dot(red!, greenPicture!) + dot(green!, redPicture!))
  })
})

describe('golden vectors', () => {
  let golden: Golden
  beforeAll(async () => {
    const file = new URL('../golden/lucida-clip-1.json', import.meta.url)
    golden = JSON.parse(await readFile(file, 'utf8')) as Golden
  })

  const expectGolden = (
    vectors: readonly UnitVector[],
    expected: readonly { vector: readonly number[] }[],
  ) => {
    expect(vectors).toHaveLength(expected.length)
    vectors.forEach((vector, i) => {
      const cosine = dot(vector, Float32Array.from(expected[i]!.vector))
      expect(cosine).toBeGreaterThanOrEqual(0.999)
    })
  }

  test('are of this model and this preprocessing', () => {
    expect(golden).toMatchObject({ model: clip.model.name, recipe: clip.model.recipe })
  })

  test('of texts are met', async () => {
    expect(golden.texts.map(({ text }) => text)).toEqual(GOLDEN_TEXTS)
    expectGolden(await clip.embedTexts(GOLDEN_TEXTS), golden.texts)
  })

  test('of pictures are met', async () => {
    expect(golden.pictures.map(({ name }) => name)).toEqual(Object.keys(GOLDEN_PICTURES))
    const pixels = Object.values(GOLDEN_PICTURES).map(async (draw) =>
      clip.preprocess(await draw().png().toBuffer()),
    )
    expectGolden(await clip.embedPixels(await Promise.all(pixels)), golden.pictures)
  })
})

describe('a model that is not what it says', () => {
  test('is refused before it is loaded when its weights are others, and asked again each time', async () => {
    const { model } = clip
    const wrong = { ...model.files[TEXT_MODEL]!, sha256: '0'.repeat(64) }
    const broken = openClip(
      { ...model, files: { ...model.files, [TEXT_MODEL]: wrong } },
      { threads: 1 },
    )
    try {
      for (let i = 0; i < 2; i++) {
        await expect(broken.embedTexts(['a dog'])).rejects.toMatchObject({
          code: 'checksum_mismatch',
        })
      }
      // The other tower is as it should be.
      expectUnit(await broken.embedPixels([pictures[0]!]))
    } finally {
      await broken.close()
    }
  })

  test('is refused when its vectors are of another length', async () => {
    const other = openClip({ ...clip.model, dimension: 512 }, { threads: 1 })
    try {
      await expect(other.embedTexts(['a dog'])).rejects.toMatchObject({
        code: 'model_invalid',
        message: expect.stringContaining('[1, 256]'),
      })
    } finally {
      await other.close()
    }
  })

  test('works no more once it is closed', async () => {
    const closed = openClip(clip.model, { threads: 1 })
    await closed.embedTexts(['a dog'])
    await closed.close()
    await closed.close()
    await expect(closed.embedTexts(['a dog'])).rejects.toMatchObject({ code: 'internal' })
  })
})
