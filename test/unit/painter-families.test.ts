// What is particular to the families of large pipelines, on toys with their tensors.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dot } from '../../src/core/vector.ts'
import { stretch } from '../../src/generate/canvas.ts'
import { openPainter } from '../../src/generate/painter.ts'
import { readPipeline } from '../../src/generate/pipeline-manifest.ts'
import type { DrawOrder } from '../../src/generate/types.ts'
import {
  drawAll,
  editManifest,
  embedText,
  hashesOf,
  noisePicture,
  openToy,
  withCopy,
} from '../helpers/toy-pipelines.ts'

const FAMILIES = ['toy-kandinsky', 'toy-karlo', 'toy-consistency'] as const
const DOG: DrawOrder = { condition: { text: 'a dog' }, seeds: [1] }

describe.each(FAMILIES)('%s', (name) => {
  let painter: Awaited<ReturnType<typeof openToy>>
  beforeAll(async () => {
    painter = await openToy(name)
  })
  afterAll(() => painter.close())

  const hashes = (changes: Partial<DrawOrder> = {}) => hashesOf(painter, { ...DOG, ...changes })

  test('draws the same picture in any company, and another for another seed, text, guidance', async () => {
    const together = await hashes({ seeds: [1, 2, 3] })
    expect(await hashes({ seeds: [3] })).toEqual(together.slice(2))
    expect(await hashes({ seeds: [2] })).toEqual(together.slice(1, 2))
    const others = [
      ...together,
      ...(await hashes({ condition: { text: 'a cat in the snow' } })),
      ...(await hashes({ guidance: 2 })),
    ]
    expect(new Set(others).size).toBe(5)
  })

  test('draws the same whether its networks stay in memory, and how many pictures a run takes', async () => {
    const other = await openToy(name, { sequential: false, batch: 4 })
    expect(await hashesOf(other, { ...DOG, seeds: [1, 2, 3] })).toEqual(
      await hashes({ seeds: [1, 2, 3] }),
    )
    await other.close()
  })

  test('begins with a picture and keeps what is masked, to the byte', async () => {
    const { widthPx, heightPx } = painter.pipeline.size
    const mask = new Uint8Array(50 * 40).map((_, i) => (i % 50 < 25 ? 0 : 255))
    const start = { picture: noisePicture(50, 40), strength: 0.7, mask }
    const { drawings } = await drawAll(painter, { ...DOG, start })
    const { picture } = drawings[0]!
    expect(picture).toMatchObject({ widthPx, heightPx })
    const canvas = stretch(start, painter.pipeline.size)
    let [kept, drawn] = [0, 0]
    picture.data.forEach((value, i) => {
      const wanted = canvas.mask![Math.floor(i / 3)]
      if (wanted === 0) expect(value).toBe(canvas.picture.data[i])
      if (wanted === 0) kept++
      if (wanted === 255 && value !== canvas.picture.data[i]) drawn++
    })
    expect(kept).toBeGreaterThan(300)
    expect(drawn).toBeGreaterThan(300)
  })

  test('ends between steps when it is told to, and draws again', async () => {
    const expected = await hashes()
    const controller = new AbortController()
    const drawing = (async () => {
      for await (const { step } of painter.draw({ ...DOG, signal: controller.signal })) {
        if (step === 2) controller.abort(new Error('enough'))
      }
    })()
    await expect(drawing).rejects.toThrow('enough')
    expect(await hashes()).toEqual(expected)
  })

  test('takes texts of any length', async () => {
    expect(await hashes({ condition: { text: '' } })).toHaveLength(1)
    const long = 'a dog on the beach '.repeat(50)
    expect(await hashes({ condition: { text: long } })).toHaveLength(1)
  })

  test('checks its tokenizer before it is used', async () => {
    await withCopy(name, async (directory) => {
      await editManifest(directory, ({ files }) => {
        files['tokenizer/tokenizer.json'].sha256 = '0'.repeat(64)
      })
      const embedTexts = async () => []
      const other = openPainter(await readPipeline(directory), { threads: 1, embedTexts })
      await expect(hashesOf(other, DOG)).rejects.toMatchObject({ code: 'checksum_mismatch' })
      await other.close()
    })
  })
})

describe('embeddings of any length', () => {
  test('are told as directions, and such a direction draws a picture much like it', async () => {
    const painter = await openToy('toy-kandinsky')
    const { drawings } = await drawAll(painter, DOG)
    const { embedding, picture } = drawings[0]!
    expect(dot(embedding!, embedding!)).toBeCloseTo(1, 5)
    const [again] = (await drawAll(painter, { ...DOG, condition: { embedding: embedding! } }))
      .drawings
    const [other] = (
      await drawAll(painter, { ...DOG, condition: { embedding: embedText('other') } })
    ).drawings
    await painter.close()
    const distance = (data: Uint8Array) =>
      data.reduce((sum, value, i) => sum + Math.abs(value - picture.data[i]!), 0)
    expect(distance(again!.picture.data)).toBeLessThan(distance(other!.picture.data))
  })

  test('are varied, and stayed away from', async () => {
    const painter = await openToy('toy-karlo')
    const others = [
      ...(await hashesOf(painter, DOG)),
      ...(await hashesOf(painter, { ...DOG, variation: 0.4 })),
      ...(await hashesOf(painter, { ...DOG, negative: { text: 'a cat' } })),
      ...(await hashesOf(painter, { ...DOG, negative: { embedding: embedText('a cat') } })),
    ]
    await painter.close()
    expect(new Set(others).size).toBe(4)
  })
})

test('steps of the network that enlarges are counted too', async () => {
  const painter = await openToy('toy-karlo')
  const { events, drawings } = await drawAll(painter, DOG)
  await painter.close()
  expect(events.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(events.every(({ steps }) => steps === 10)).toBe(true)
  expect(drawings[0]!.picture).toMatchObject({ widthPx: 32, heightPx: 32 })
})

test('a pipeline with an encoder of its own refuses what another one means', async () => {
  const painter = await openToy('toy-karlo')
  const meaning = embedText('a dog')
  const refusal = { code: 'bad_input', message: expect.stringContaining('encodes texts by itself') }
  await expect(hashesOf(painter, { ...DOG, condition: { meaning } })).rejects.toMatchObject(refusal)
  await expect(painter.imagine(meaning, 1)).rejects.toMatchObject(refusal)
  expect(painter.spec.space).toBeNull()
  await painter.close()
})

test('a pipeline that draws from texts refuses embeddings, variation and negatives', async () => {
  const painter = await openToy('toy-consistency')
  const orders: [Partial<DrawOrder>, string][] = [
    [{ condition: { embedding: embedText('a dog') } }, 'draws from texts only'],
    [{ variation: 0.5 }, 'variation'],
    [{ negative: { text: 'a cat' } }, 'cannot stay away'],
    [{ steps: 51 }, 'at most 50 for steps'],
  ]
  for (const [changes, words] of orders) {
    await expect(hashesOf(painter, { ...DOG, ...changes })).rejects.toMatchObject({
      code: 'bad_input',
      message: expect.stringContaining(words),
    })
  }
  await painter.close()
})

// oxlint-disable-next-line typescript/no-explicit-any -- these break what the types promise
test.each<[string, (manifest: any) => void, string]>([
  ['a tokenizer that is not listed', (it) => delete it.files['tokenizer/tokenizer.json'], 'list'],
  ['an embedding without a prior', (it) => delete it.prior, 'go together'],
  ['a text of nobody’s', (it) => (it.text = 'somebody'), 'text'],
  ['a decoder that takes no embedding', (it) => delete it.project, 'input embedding'],
  ['a nothing that is too short', (it) => (it.decoder.guidance.nothing = [1]), '8 numbers'],
  ['a size that cannot be reached', (it) => (it.size.widthPx = 30), 'multiple of 4'],
  ['a last network that is not listed', (it) => (it.upsampler.last.file = 'x'), 'must list x'],
])('with %s a manifest is model_invalid', async (_, edit, words) => {
  await withCopy('toy-karlo', async (directory) => {
    await editManifest(directory, edit)
    await expect(readPipeline(directory)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining(words),
    })
  })
})
