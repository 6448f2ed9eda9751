import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { dot, normalize, slerp, type UnitVector } from '../../src/core/vector.ts'
import { type Idea, type IdeaContext, understand } from '../../src/develop/idea.ts'
import type { Clip } from '../../src/models/clip.ts'

// Four dimensions: two words and two pictures. What a text might look like is its meaning turned.
const CAT = normalize([1, 0, 0, 0])
const SNOW = normalize([0, 1, 0, 0])
const PHOTO = normalize([0.6, 0.8, 0, 0])
const FIRST = normalize([0, 0, 1, 0])
const SECOND = normalize([0, 0, 0, 1])
const WORDS: Record<string, UnitVector> = { cat: CAT, snow: SNOW, 'a photo': PHOTO }
const [A, B] = [sha256('a'), sha256('b')]

const imagined = ([x, y, z, w]: UnitVector) => normalize([-y!, x!, z!, w!])
const context: IdeaContext = {
  clip: {
    embedTexts: async (texts: readonly string[]) => texts.map((text) => WORDS[text]!),
  } as unknown as Clip,
  findVector: async (id) => ({ [A]: FIRST, [B]: SECOND })[id],
  findHits: async (_, count) =>
    [
      { id: A, vector: FIRST },
      { id: B, vector: SECOND },
    ].slice(0, count),
  imagine: async (meaning) => imagined(meaning),
}
const direction = (idea: Idea) => understand(context, idea)
const badInput = expect.objectContaining({ code: 'bad_input' })

/** The embedding that the decoder is given. */
async function embeddingOf(idea: Idea): Promise<UnitVector> {
  const { condition } = await direction(idea)
  if (!('embedding' in condition)) throw new Error('no embedding')
  return condition.embedding
}

describe('an idea', () => {
  test('of one text is drawn from the text and judged by it', async () => {
    const { condition, target, isText, record } = await direction({ text: ' cat ' })
    expect(condition).toEqual({ text: 'cat' })
    expect([...target]).toEqual([...CAT])
    expect(isText).toBe(true)
    expect(record).toEqual({ text: 'cat' })
  })

  test('of several texts is drawn from what they mean together', async () => {
    const { condition, target, isText, record } = await direction({
      mix: [{ text: 'cat' }, { text: 'snow', weight: -0.5 }],
    })
    expect(isText).toBe(true)
    expect(condition).toEqual({ meaning: target })
    expect([...target]).toEqual([...normalize([1, -0.5, 0, 0])])
    expect(record).toEqual({ mix: [{ text: 'cat' }, { text: 'snow', weight: -0.5 }] })
  })

  test('of one picture varies it', async () => {
    const { condition, target, isText, record } = await direction({ mix: [{ id: A }] })
    expect(condition).toEqual({ embedding: FIRST })
    expect([...target]).toEqual([...FIRST])
    expect(isText).toBe(false)
    expect(record).toEqual({ mix: [{ picture: A }] })
  })

  test('of pictures and texts adds what the texts might look like, and subtracts what they mean', async () => {
    const mixed = await embeddingOf({ mix: [{ id: A, weight: 2 }, { text: 'cat' }] })
    expect(dot(mixed, normalize([0, 1, 2, 0]))).toBeCloseTo(1, 6)
    const without = await embeddingOf({ mix: [{ id: A }, { text: 'snow', weight: -1 }] })
    expect(dot(without, normalize([0, -1, 1, 0]))).toBeCloseTo(1, 6)
  })

  test('between two pictures lies on the arc', async () => {
    const embedding = await embeddingOf({ between: [{ id: A }, { id: B }], at: 0.25 })
    expect(dot(embedding, slerp(FIRST, SECOND, 0.25))).toBeCloseTo(1, 6)
  })

  test('between a text and a picture begins at what the text might look like', async () => {
    const start = await embeddingOf({ between: [{ text: 'cat' }, { id: B }], at: 0 })
    expect(dot(start, imagined(CAT))).toBeCloseTo(1, 6)
  })

  test('of a change turns the picture toward the difference of two texts', async () => {
    const embedding = await embeddingOf({ change: { id: A }, to: 'snow', from: 'cat', by: 0.5 })
    const difference = normalize([-1, 1, 0, 0])
    expect(dot(embedding, slerp(FIRST, difference, 0.5))).toBeCloseTo(1, 6)
    const { record } = await direction({ change: { id: A }, to: 'snow' })
    expect(record).toEqual({ change: { picture: A }, to: 'snow', from: 'a photo', by: 0.35 })
  })

  test('of hits is their mean, and judged by the query', async () => {
    const idea = { hitsOf: [{ text: 'cat' }], count: 2 }
    expect(dot(await embeddingOf(idea), normalize([0, 0, 1, 1]))).toBeCloseTo(1, 6)
    const { target, record } = await direction(idea)
    expect([...target]).toEqual([...CAT])
    expect(record).toEqual({ hitsOf: [{ text: 'cat' }], hits: [A, B] })
  })

  test.each<[string, Idea]>([
    ['nothing', { mix: [] }],
    ['an empty text', { text: ' ' }],
    ['a text without end', { text: 'cat '.repeat(10_000) }],
    ['a place beyond the end', { between: [{ id: A }, { id: B }], at: 1.5 }],
    ['a place that is no number', { between: [{ id: A }, { id: B }], at: Number.NaN }],
    ['a change of a text', { change: { text: 'cat' }, to: 'snow' }],
    ['a change into the same', { change: { id: A }, to: 'cat', from: 'cat' }],
    ['a change into nothing', { change: { id: A }, to: '' }],
    ['no hits', { hitsOf: [{ text: 'cat' }], count: 0 }],
    ['too many hits', { hitsOf: [{ text: 'cat' }], count: 1000 }],
  ])('of %s is refused', async (_, idea) => {
    await expect(direction(idea)).rejects.toEqual(badInput)
  })

  test('of a picture that is not indexed is refused', async () => {
    await expect(direction({ mix: [{ id: sha256('c') }] })).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  test('of hits in an empty collection is refused', async () => {
    const empty = { ...context, findHits: async () => [] }
    await expect(understand(empty, { hitsOf: [{ text: 'cat' }] })).rejects.toMatchObject({
      code: 'not_found',
    })
  })
})
