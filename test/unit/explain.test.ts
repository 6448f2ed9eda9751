// Why a picture matches: what the parts and the terms add must be the score itself.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import sharp from 'sharp'
import { asUnitVector, dot, normalize, type UnitVector } from '../../src/core/vector.ts'
import { type ExplainContext, explainScore } from '../../src/explain/explain.ts'
import { type Clip, openClip } from '../../src/models/clip.ts'
import type { ModelSpec } from '../../src/models/manifest.ts'
import { type PixelTensor, seenArea } from '../../src/models/preprocess.ts'
import { findModel } from '../../src/models/registry.ts'
import { encodeQuery } from '../../src/search/query.ts'
import { paint } from '../helpers/pictures.ts'

let model: ModelSpec
let clip: Clip
let picture: Buffer
beforeAll(async () => {
  model = await findModel('lucida-clip-1')
  clip = openClip(model, { threads: 1 })
  picture = await paint(96, 64, (x) => (x < 0.5 ? [200, 20, 20] : [20, 40, 200]))
    .png()
    .toBuffer()
})
afterAll(() => clip.close())

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
const context = (of: Clip): ExplainContext => ({
  clip: of,
  pictures: { findVectors: async () => new Map() } as never,
  bank: async () => clip.embedTexts(['a dog', 'a house', 'two people', 'the sea']),
  readFile: async () => ({ bytes: picture, path: 'picture.png' }),
})
const TERMS = [
  { text: 'something red' },
  { text: 'the sea', weight: 0.5 },
  { text: 'a dog', weight: -2 },
]

describe('the built-in model', () => {
  test('gives cells whose mean is the vector of the picture', async () => {
    const pixels = await clip.preprocess(picture)
    const [vector] = await clip.embedPixels([pixels])
    const { width, height, vectors } = await clip.embedCells!(pixels)
    expect([width, height, vectors.length]).toEqual([5, 5, 25])
    const mean = vector!.map((_, i) => sum(vectors.map((cell) => cell[i]!)) / 25)
    expect(Math.max(...mean.map((value, i) => Math.abs(value - vector![i]!)))).toBeLessThan(1e-5)
  })

  test('without an output for cells where its manifest names one says so', async () => {
    const other = openClip({ ...model, cells: { output: 'nothing' } }, { threads: 1 })
    const pixels = await clip.preprocess(picture)
    await expect(other.embedCells!(pixels)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining('no output nothing'),
    })
    await other.close()
  })
})

describe.each(['cells', 'occlusion'] as const)('by %s', (method) => {
  const explain = (terms: Parameters<typeof explainScore>[2]) => {
    const { embedCells: _, ...without } = clip
    return explainScore(context(method === 'cells' ? clip : without), { picture }, terms)
  }

  test('the terms add up to the score of the search', async () => {
    const explained = await explain(TERMS)
    const query = await encodeQuery(clip, async () => undefined, TERMS)
    const [vector] = await clip.embedPixels([await clip.preprocess(picture)])
    expect(explained.method).toBe(method)
    expect(explained.score).toBeCloseTo(dot(query.vector, vector!), 5)
    expect(sum(explained.terms.map(({ contribution }) => contribution))).toBeCloseTo(
      explained.score,
      5,
    )
    for (const [i, { text }] of TERMS.entries()) {
      const [alone] = await clip.embedTexts([text])
      expect(explained.terms[i]!.cosine).toBeCloseTo(dot(alone!, vector!), 5)
    }
  })

  test('the maps of the terms add up to the map', async () => {
    const { map, terms } = await explain(TERMS)
    map.values.forEach((value, cell) => {
      expect(sum(terms.map(({ values }) => values[cell]!))).toBeCloseTo(value, 5)
    })
    expect(map.values).toHaveLength(map.width * map.height)
  })

  test('relevance is of texts only', async () => {
    expect((await explain([{ text: 'something red' }])).relevance).toBeGreaterThanOrEqual(0)
    expect((await explain([{ text: 'something red' }, { picture }])).relevance).toBeNull()
  })
})

test('what is said of a half is found in the cells of that half', async () => {
  const terms = [{ text: 'a red wall' }, { text: 'a blue wall', weight: -1 }]
  const { map } = await explainScore(context(clip), { picture }, terms)
  const share = (from: number, to: number) =>
    sum(map.values.filter((_, i) => i % map.width >= from && i % map.width < to))
  expect(share(0, 2)).toBeGreaterThan(share(3, 5))
})

test('the mean of the cells is the score', async () => {
  const { score, map } = await explainScore(context(clip), { picture }, TERMS)
  expect(sum(map.values) / map.values.length).toBeCloseTo(score, 5)
})

test('what is hidden where it counts costs the most', async () => {
  // A model that sees nothing but how bright the lower right corner is.
  const { widthPx } = model.pixels
  const corner = (pixels: PixelTensor) => Math.max(0, pixels[70 * widthPx + 70]!)
  const seeing: Clip = {
    ...clip,
    embedPixels: async (pictures) => pictures.map((each) => normalize([1, corner(each)])),
    embedTexts: async (texts) => texts.map(() => asUnitVector(Float32Array.of(0, 1))),
  }
  const { embedCells: _, ...withoutCells } = seeing
  const two = { ...context(withoutCells), bank: async () => [Float32Array.of(1, 0) as UnitVector] }
  const { map } = await explainScore(two, { picture: await white() }, [{ text: 'bright' }])
  const hot = map.values.flatMap((value, i) => (value > 0.01 ? [i] : []))
  const place = (i: number) => [i % map.width, Math.floor(i / map.width)]
  expect(hot.length).toBeGreaterThan(0)
  expect(hot.length).toBeLessThan(12)
  for (const i of hot) for (const at of place(i)) expect(at).toBeGreaterThan(map.width / 2)
})

const white = () =>
  sharp({ create: { width: 80, height: 80, channels: 3, background: '#fff' } })
    .png()
    .toBuffer()

test('only a picture can be explained', async () => {
  const asked = explainScore(context(clip), { text: 'a dog' }, TERMS)
  await expect(asked).rejects.toMatchObject({ code: 'bad_input' })
})

test('the grid lies over what the model sees', () => {
  const size = { widthPx: 400, heightPx: 200 }
  expect(seenArea(size, model.pixels)).toEqual({ left: 0, top: 0, width: 1, height: 1 })
  const cropped = { ...model.pixels, resize: 'cover', shortestEdgePx: 80 } as never
  expect(seenArea(size, cropped)).toEqual({ left: 0.25, top: 0, width: 0.5, height: 1 })
})
