import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dot, type UnitVector } from '../../src/core/vector.ts'
import { stretch } from '../../src/generate/canvas.ts'
import type { PipelineSpec } from '../../src/generate/pipeline-manifest.ts'
import type { DrawOrder, Painter } from '../../src/generate/types.ts'
import { drawAll, embedText, hashesOf, noisePicture, openToy } from '../helpers/toy-pipelines.ts'

let painter: Painter & { readonly pipeline: PipelineSpec }
beforeAll(async () => {
  painter = await openToy('toy-unclip')
})
afterAll(() => painter.close())

const DOG: DrawOrder = { condition: { text: 'a dog' }, seeds: [1] }

const hashes = (changes: Partial<DrawOrder> = {}) => hashesOf(painter, { ...DOG, ...changes })
const hashOf = async (changes: Partial<DrawOrder> = {}) => (await hashes(changes))[0]!

const SMALL = { widthPx: 16, heightPx: 16 }
/** Twice the toy's size, its right half to be drawn anew. */
const PICTURE = noisePicture(32, 32)
const RIGHT_HALF = new Uint8Array(32 * 32).map((_, i) => (i % 32 < 16 ? 0 : 255))

describe('a drawing', () => {
  test('has the pipeline’s size, three channels, and an embedding of unit length', async () => {
    const { drawings } = await drawAll(painter, { ...DOG, seeds: [7, 3] })
    expect(drawings.map(({ seed }) => seed)).toEqual([7, 3])
    for (const { picture, embedding } of drawings) {
      expect(picture).toMatchObject({ ...SMALL, channels: 3 })
      expect(picture.data).toHaveLength(16 * 16 * 3)
      expect(dot(embedding!, embedding!)).toBeCloseTo(1, 5)
    }
  })

  test('is the same to the byte for the same seed, also by another painter', async () => {
    const first = await hashOf()
    expect(await hashOf()).toBe(first)
    const other = await openToy('toy-unclip')
    expect(await hashesOf(other, DOG)).toEqual([first])
    await other.close()
  })

  test('is another for another seed, text, guidance, variation, negative, number of steps', async () => {
    const others = [
      await hashOf(),
      await hashOf({ seeds: [2] }),
      await hashOf({ condition: { text: 'a cat' } }),
      await hashOf({ guidance: 4 }),
      await hashOf({ variation: 0.5 }),
      await hashOf({ negative: { text: 'a cat' } }),
      await hashOf({ steps: 11 }),
    ]
    expect(new Set(others).size).toBe(others.length)
  })

  test('is the same in whatever company it is drawn', async () => {
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 4294967295]
    const extras: Partial<DrawOrder>[] = [
      {},
      { variation: 0.4, negative: { text: 'a cat' } },
      { start: { picture: PICTURE, strength: 0.6, mask: RIGHT_HALF } },
    ]
    for (const extra of extras) {
      const together = await hashes({ ...extra, seeds })
      expect(new Set(together).size).toBe(seeds.length)
      for (const i of [0, 2, 8, 10]) {
        expect(await hashOf({ ...extra, seeds: [seeds[i]!] })).toBe(together[i])
      }
    }
  })

  test('does not depend on how many pictures a run takes', async () => {
    const seeds = [1, 2, 3]
    const together = await hashes({ seeds })
    const single = await openToy('toy-unclip', { batch: 1 })
    expect(await hashesOf(single, { ...DOG, seeds })).toEqual(together)
    await single.close()
  })

  test('nor on whether one network at a time is in memory', async () => {
    const sequential = await openToy('toy-unclip', { sequential: true })
    const { drawings, events } = await drawAll(sequential, DOG)
    expect(await hashesOf(sequential, DOG)).toEqual([await hashOf()])
    expect(drawings).toHaveLength(1)
    expect(events.some(({ previews }) => previews)).toBe(false)
    await sequential.close()
  })

  test('comes again from its embedding and its seed', async () => {
    const seeds = [5, 6]
    const { drawings } = await drawAll(painter, { ...DOG, seeds, variation: 0.3 })
    for (const { seed, embedding, picture } of drawings) {
      const again = { condition: { embedding: embedding! }, seeds: [seed], variation: 0.3 }
      const { drawings } = await drawAll(painter, again)
      expect(drawings[0]!.picture).toEqual(picture)
    }
  })

  test('takes of the prior’s samples the one nearest to the text', async () => {
    const text = embedText('a dog')
    const nearness = async (samples: number) => {
      const { prior } = painter.pipeline
      if (prior?.kind !== 'diffusion') throw new Error('the toy has another prior')
      const other = await openToy('toy-unclip', { prior: { ...prior, samples } })
      const { drawings } = await drawAll(other, { ...DOG, seeds: [1, 2, 3, 4, 5, 6, 7, 8] })
      await other.close()
      return drawings.reduce((sum, { embedding }) => sum + dot(embedding!, text), 0)
    }
    expect(await nearness(16)).toBeGreaterThan(await nearness(1))
  })

  test('by a regression is of one embedding for all seeds', async () => {
    const regression = await openToy('toy-regression')
    const { drawings } = await drawAll(regression, { ...DOG, seeds: [1, 2] })
    await regression.close()
    expect(drawings[0]!.embedding).toEqual(drawings[1]!.embedding)
    expect(drawings[0]!.picture).not.toEqual(drawings[1]!.picture)
  })

  test('of a text is that of its meaning, and its embedding what is imagined for it', async () => {
    const meaning = embedText('a dog')
    const [ofText] = (await drawAll(painter, { ...DOG, seeds: [4] })).drawings
    const order = { condition: { meaning }, seeds: [4] }
    expect((await drawAll(painter, order)).drawings).toEqual([ofText])
    expect(await painter.imagine(meaning, 4)).toEqual(ofText!.embedding)
    expect(await painter.imagine(meaning, 5)).not.toEqual(ofText!.embedding)
  })

  test('with guidance 1 knows no negative', async () => {
    const guidance = 1
    expect(await hashOf({ guidance, negative: { text: 'a cat' } })).toBe(await hashOf({ guidance }))
  })
})

describe('variation', () => {
  test('strays further from the picture the more of it there is', async () => {
    const pixelsOf = async (variation: number) => {
      const seeds = [1, 2, 3, 4]
      const { drawings } = await drawAll(painter, { ...DOG, seeds, variation, guidance: 1 })
      return drawings.map(({ picture }) => picture.data)
    }
    const plain = await pixelsOf(0)
    const distance = async (variation: number) => {
      const strayed = await pixelsOf(variation)
      let sum = 0
      for (const [i, pixels] of strayed.entries()) {
        pixels.forEach((value, j) => (sum += Math.abs(value - plain[i]![j]!)))
      }
      return sum
    }
    const distances = [await distance(0.05), await distance(0.3), await distance(0.9)]
    expect(distances).toEqual([...distances].sort((a, b) => a - b))
    expect(distances[0]).toBeGreaterThan(0)
  })
})

describe('a start', () => {
  const start = { picture: PICTURE, strength: 0.5 }

  test('is kept the more, the less strength there is', async () => {
    // What the codec alone makes of it is as near as one can get.
    const { drawings: faint } = await drawAll(painter, {
      ...DOG,
      start: { ...start, strength: 0.001 },
    })
    const distance = async (strength: number) => {
      const { drawings } = await drawAll(painter, { ...DOG, start: { ...start, strength } })
      const pixels = drawings[0]!.picture.data
      return pixels.reduce((sum, v, i) => sum + Math.abs(v - faint[0]!.picture.data[i]!), 0)
    }
    const distances = [await distance(0.2), await distance(0.5), await distance(0.9)]
    expect(distances).toEqual([...distances].sort((a, b) => a - b))
  })

  test('of full strength keeps nothing', async () => {
    expect(await hashOf({ start: { ...start, strength: 1 } })).toBe(await hashOf())
  })

  test.each([0.3, 1])('with a mask keeps what is not drawn, to the byte (%d)', async (strength) => {
    const masked = { picture: PICTURE, strength, mask: RIGHT_HALF }
    const order = { ...DOG, seeds: [1, 2], start: masked }
    const { drawings, events } = await drawAll(painter, order)
    const canvas = stretch(masked, SMALL)
    const previews = events.flatMap(({ previews }) => previews ?? [])
    expect(canvas.mask).toContain(0)
    for (const picture of [...drawings.map(({ picture }) => picture), ...previews]) {
      const wrong = { kept: 0, drawn: 0 }
      picture.data.forEach((value, i) => {
        const same = value === canvas.picture.data[i]
        const mask = canvas.mask![Math.floor(i / 3)]
        if (mask === 0 && !same) wrong.kept++
        if (mask === 255 && same) wrong.drawn++
      })
      expect(wrong.kept).toBe(0)
      expect(wrong.drawn).toBeLessThan(40)
    }
  })

  test('what is drawn goes with what is kept', async () => {
    // The network sees the kept half in every step, so that another picture there changes this half.
    const rightHalf = async (picture: typeof PICTURE) => {
      const masked = { picture, strength: 1, mask: RIGHT_HALF }
      const { drawings } = await drawAll(painter, { ...DOG, start: masked })
      return drawings[0]!.picture.data.filter((_, i) => Math.floor(i / 3) % 16 > 9)
    }
    expect(await rightHalf(noisePicture(32, 32, 1))).not.toEqual(
      await rightHalf(noisePicture(32, 32, 2)),
    )
  })

  test('nothing masked gives the picture itself', async () => {
    const nothing = { picture: PICTURE, strength: 1, mask: new Uint8Array(32 * 32) }
    const { drawings } = await drawAll(painter, { ...DOG, start: nothing })
    expect(drawings[0]!.picture).toEqual(stretch(nothing, SMALL).picture)
  })

  test('may have any size and be transparent', async () => {
    const data = new Uint8Array(5 * 3 * 4).fill(200)
    const picture = { data, widthPx: 5, heightPx: 3, channels: 4 } as const
    expect(await hashes({ start: { picture, strength: 0.4 } })).toHaveLength(1)
  })
})

describe('events', () => {
  test('count the steps, with previews every few of them but not after the last', async () => {
    const { events } = await drawAll(painter, { ...DOG, seeds: [1, 2], steps: 8 })
    expect(events.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(events.every(({ steps }) => steps === 8)).toBe(true)
    expect(events.filter(({ previews }) => previews).map(({ step }) => step)).toEqual([4])
    expect(events[3]!.previews).toHaveLength(2)
    expect(events[3]!.previews![0]).toMatchObject({ ...SMALL, channels: 3 })
  })

  test('of a drawing that begins with a picture are so much fewer', async () => {
    const start = { picture: PICTURE, strength: 0.5 }
    const { events } = await drawAll(painter, { ...DOG, steps: 10, start })
    expect(events.map(({ steps }) => steps)).toEqual([5, 5, 5, 5, 5])
  })
})

describe('orders', () => {
  test('are ended by their signal between steps, with its reason; the next is drawn as ever', async () => {
    const expected = await hashOf()
    const controller = new AbortController()
    const reason = new Error('enough')
    const steps: number[] = []
    const drawing = (async () => {
      for await (const { step } of painter.draw({ ...DOG, signal: controller.signal })) {
        steps.push(step)
        if (step === 3) controller.abort(reason)
      }
    })()
    await expect(drawing).rejects.toBe(reason)
    expect(steps).toEqual([1, 2, 3])
    expect(await hashOf()).toBe(expected)
  })

  test('that nobody waits for any longer make way', async () => {
    for await (const { step } of painter.draw(DOG)) if (step === 2) break
    expect(await hashes()).toHaveLength(1)
  })

  test('wait in line, are drawn in turn, and may be called off while they wait', async () => {
    const first = painter.draw(DOG)
    await first.next()
    const order: string[] = []
    const controller = new AbortController()
    const second = hashes({ seeds: [2], signal: controller.signal })
    const third = hashes({ seeds: [3] }).then(() => order.push('third'))
    controller.abort(new Error('called off'))
    await expect(second).rejects.toThrow('called off')
    // As long as a whole drawing takes elsewhere, the third has not got ahead of the first.
    const other = await openToy('toy-unclip')
    await hashesOf(other, { ...DOG, seeds: [1, 2, 3] })
    await other.close()
    order.push('first')
    for await (const _ of first);
    await third
    expect(order).toEqual(['first', 'third'])
  })

  test('with a signal that is already set are not begun', async () => {
    await expect(hashes({ signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no')
  })

  test('end when the painter is closed', async () => {
    const closing = await openToy('toy-unclip')
    const drawing = (async () => {
      for await (const { step } of closing.draw(DOG)) if (step === 2) await closing.close()
    })()
    await expect(drawing).rejects.toMatchObject({ code: 'internal' })
  })

  test('after closing are refused', async () => {
    const closed = await openToy('toy-unclip')
    await closed.close()
    await expect(hashesOf(closed, DOG)).rejects.toMatchObject({ code: 'internal' })
  })

  const unit = embedText('a dog')
  const bad = (picture: object, changes: object = {}) => ({
    start: { picture: { ...PICTURE, ...picture }, strength: 0.5, ...changes },
  })
  test.each<[string, object, string]>([
    ['no seed', { seeds: [] }, '1 to 64 seeds'],
    ['too many seeds', { seeds: Array.from({ length: 65 }, (_, i) => i) }, '1 to 64 seeds'],
    ['a negative seed', { seeds: [0, -1] }, 'seeds[1] but received -1'],
    ['a seed that is too large', { seeds: [2 ** 32] }, 'seeds[0]'],
    ['half a seed', { seeds: [0.5] }, 'seeds[0]'],
    ['NaN for a seed', { seeds: [Number.NaN] }, 'seeds[0]'],
    ['no step', { steps: 0 }, 'steps'],
    ['too many steps', { steps: 1001 }, 'integer between 1 and 1000 for steps'],
    ['half a step', { steps: 1.5 }, 'steps'],
    ['guidance below 0', { guidance: -0.1 }, 'guidance'],
    ['guidance above 50', { guidance: 51 }, 'guidance'],
    ['NaN for guidance', { guidance: Number.NaN }, 'guidance'],
    ['variation above 1', { variation: 1.01 }, 'variation'],
    ['NaN for variation', { variation: Number.NaN }, 'variation'],
    ['an embedding that is too short', { condition: { embedding: unit.slice(1) } }, '8 numbers'],
    [
      'an embedding that is too long',
      { negative: { embedding: unit.map((v) => 2 * v) } },
      'length',
    ],
    [
      'NaN in an embedding',
      { condition: { embedding: unit.map(() => Number.NaN) as UnitVector } },
      'condition.embedding',
    ],
    ['a meaning that is too long', { condition: { meaning: unit.map((v) => 2 * v) } }, 'length'],
    ['a text that is none', { condition: { text: 3 } }, 'condition.text'],
    ['strength 0', bad({}, { strength: 0 }), 'start.strength'],
    ['strength above 1', bad({}, { strength: 1.5 }), 'start.strength'],
    ['NaN for strength', bad({}, { strength: Number.NaN }), 'start.strength'],
    ['a picture of no pixels', bad({ widthPx: 0 }), 'start.picture'],
    ['a picture of too few bytes', bad({ data: new Uint8Array(5) }), '3072 bytes'],
    ['a mask of another size', bad({}, { mask: new Uint8Array(5) }), '1024 bytes for start.mask'],
  ])('with %s are bad_input', async (_, changes, words) => {
    await expect(hashes(changes as Partial<DrawOrder>)).rejects.toMatchObject({
      code: 'bad_input',
      message: expect.stringContaining(words),
    })
  })

  test('that a pipeline cannot fill are bad_input', async () => {
    const { encode: _, ...codec } = painter.pipeline.codec
    const other = await openToy('toy-unclip', {
      codec,
      decoder: { ...painter.pipeline.decoder, guidance: { mode: 'none', scale: 1 } },
    })
    const orders = [{ start: { picture: PICTURE, strength: 0.5 } }, { negative: { text: 'a cat' } }]
    for (const order of orders) {
      await expect(hashesOf(other, { ...DOG, ...order })).rejects.toMatchObject({
        code: 'bad_input',
        message: expect.stringContaining('toy-unclip'),
      })
    }
    await other.close()
  })
})
