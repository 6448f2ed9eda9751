import { beforeEach, describe, expect, test, vi } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { dot, normalize, type UnitVector } from '../../src/core/vector.ts'
import type { Clip } from '../../src/models/clip.ts'
import { encodeQuery, type QueryTerm } from '../../src/search/query.ts'

// A model of three dimensions that knows two words and one picture.
const X = normalize([1, 0, 0])
const Y = normalize([0, 1, 0])
const Z = normalize([0, 0, 1])
const WORDS: Record<string, UnitVector> = { cat: X, night: Y }
const PICTURE = Buffer.from('the bytes of a picture')

const clip = {
  model: {} as Clip['model'],
  embedTexts: vi.fn(async (texts: readonly string[]) => texts.map((text) => WORDS[text]!)),
  embedPixels: vi.fn(async (pictures: readonly Float32Array[]) => pictures.map(() => Z)),
  preprocess: vi.fn(async () => new Float32Array(3)),
  useThreads: async () => {},
  provider: async () => ({ used: 'cpu' as const, refused: [] }),
  close: async () => {},
} satisfies Clip

const stored = new Map<string, UnitVector>()
const encode = (...terms: QueryTerm[]) => encodeQuery(clip, async (hash) => stored.get(hash), terms)

beforeEach(() => {
  stored.clear()
  vi.clearAllMocks()
})

describe('texts', () => {
  test('are encoded together, without the spaces around them', async () => {
    const { vector, isText } = await encode({ text: ' cat ' }, { text: 'night', weight: -0.5 })
    expect(clip.embedTexts.mock.calls).toEqual([[['cat', 'night']]])
    expect(dot(vector, normalize([1, -0.5, 0]))).toBeCloseTo(1, 6)
    expect(isText).toBe(true)
  })

  test('keep their vectors between other terms', async () => {
    const terms = [{ text: 'cat', weight: 3 }, { picture: PICTURE }, { text: 'night', weight: 2 }]
    const { vector, isText } = await encode(...terms)
    expect(dot(vector, normalize([3, 2, 1]))).toBeCloseTo(1, 6)
    expect(isText).toBe(false)
  })

  test.each(['', '  '])('that say nothing are refused: "%s"', async (text) => {
    await expect(encode({ text: 'cat' }, { text })).rejects.toMatchObject({ code: 'bad_input' })
    expect(clip.embedTexts).not.toHaveBeenCalled()
  })
})

describe('a picture', () => {
  const id = sha256(PICTURE)

  test('is encoded, and is known as the query itself', async () => {
    const { vector, isText, ownContents } = await encode({ picture: PICTURE })
    expect(vector).toEqual(Z)
    expect(isText).toBe(false)
    expect([...ownContents]).toEqual([id])
    expect(clip.embedTexts).not.toHaveBeenCalled()
  })

  test('that is indexed is not encoded again', async () => {
    stored.set(id, Y)
    const { vector, ownContents } = await encode({ picture: PICTURE })
    expect(vector).toEqual(Y)
    expect([...ownContents]).toEqual([id])
    expect(clip.preprocess).not.toHaveBeenCalled()
  })

  test('that is indexed may be named by its id', async () => {
    stored.set(id, Y)
    const { vector, isText, ownContents } = await encode({ id })
    expect(vector).toEqual(Y)
    expect(isText).toBe(false)
    expect([...ownContents]).toEqual([id])
  })

  test('whose id is unknown is not_found', async () => {
    await expect(encode({ text: 'cat' }, { id: 'feed' })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('feed'),
    })
  })
})

test('a vector stands for itself, and belongs to no picture', async () => {
  const { vector, isText, ownContents } = await encode({ vector: Y, weight: 2 })
  expect(vector).toEqual(Y)
  expect(isText).toBe(false)
  expect(ownContents.size).toBe(0)
})

describe('weights', () => {
  test.each([0, Number.NaN, Number.POSITIVE_INFINITY, 101, -101])(
    'of %d are refused before anything is encoded',
    async (weight) => {
      await expect(encode({ text: 'cat', weight })).rejects.toMatchObject({
        code: 'bad_input',
        message: `Expected a number other than 0 between -100 and 100 for weight but received ${weight}`,
      })
      expect(clip.embedTexts).not.toHaveBeenCalled()
    },
  )

  test('of one term say only whether it is wanted', async () => {
    expect((await encode({ text: 'cat', weight: 7 })).vector).toEqual(X)
    expect(dot((await encode({ text: 'cat', weight: -7 })).vector, X)).toBeCloseTo(-1, 6)
  })

  test('that cancel out are refused', async () => {
    const terms = [{ text: 'cat' }, { text: 'cat', weight: -1 }]
    await expect(encode(...terms)).rejects.toMatchObject({ code: 'bad_input' })
  })
})

test('no terms at all are refused, and so are vectors of another model', async () => {
  await expect(encode()).rejects.toMatchObject({ code: 'bad_input' })
  const terms = [{ text: 'cat' }, { vector: normalize([1, 0]) }]
  await expect(encode(...terms)).rejects.toMatchObject({ code: 'dimension_mismatch' })
})
