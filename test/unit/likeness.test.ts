import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { differingBits, hashBits, mirrorBits } from '../../src/core/bits.ts'
import { dot, normalize, type UnitVector } from '../../src/core/vector.ts'
import { demoScenes } from '../../src/demo/scenes.ts'
import { describePicture } from '../../src/indexer/decode.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { likenessPage, pairLooks } from '../../src/search/duplicates.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { likenessOf, type Look, lookOf } from '../../src/search/likeness.ts'
import { overlap } from '../../src/search/overlap.ts'

/** One of the drawn scenes. */
async function draw(scene: string, width = 160, height = 160): Promise<Buffer> {
  return sharp(Buffer.from(demoScenes.get(scene)!()))
    .flatten()
    .resize(width, height, { fit: 'fill' })
    .png()
    .toBuffer()
}

async function look(picture: Buffer, id = ''): Promise<Look> {
  return lookOf(id, await describePicture(await openPicture(picture)))
}

const cut = (picture: Buffer, left: number, top: number, width: number, height: number) =>
  sharp(picture).extract({ left, top, width, height }).png().toBuffer()

const SCENES = [...demoScenes.keys()].filter((_, i) => i % 6 === 0)
const CORNERS = [
  [0, 0],
  [16, 16],
  [0, 16],
  [8, 8],
] as const

describe('a part', () => {
  test('correlates with nearly every whole, wherever it was cut, in a mirror too', async () => {
    const found: number[] = []
    for (const scene of SCENES) {
      const picture = await draw(scene)
      const whole = (await look(picture)).shape
      for (const [left, top] of CORNERS) {
        const part = await cut(picture, left, top, 144, 144)
        const shape = (await look(part)).shape
        found.push(overlap(whole, shape))
        expect(overlap(shape, whole)).toBeCloseTo(overlap(whole, shape), 5)
        const mirrored = (await look(await sharp(part).flop().png().toBuffer())).shape
        found.push(overlap(whole, mirrored))
      }
    }
    const share = found.filter((correlation) => correlation >= 0.94).length / found.length
    expect(share).toBeGreaterThan(0.8)
  })

  test('may be of another shape, by as much as was cut off', async () => {
    const picture = await draw('lighthouse', 240, 160)
    const whole = (await look(picture)).shape
    const part = (await look(await cut(picture, 48, 0, 192, 160))).shape
    expect(overlap(whole, part)).toBeGreaterThan(0.94)
    expect(overlap(whole, { ...part, aspect: 0.5 })).toBeLessThan(0.94)
  })

  test('is not found in another picture, nor in one of a single colour', async () => {
    const shapes = await Promise.all(
      SCENES.map(async (scene) => (await look(await draw(scene))).shape),
    )
    for (const [i, a] of shapes.entries()) {
      for (const b of shapes.slice(i + 1)) expect(overlap(a, b)).toBeLessThan(0.94)
    }
    const flat = await sharp({ create: { width: 90, height: 90, channels: 3, background: '#456' } })
      .png()
      .toBuffer()
    expect(overlap((await look(flat)).shape, shapes[0]!)).toBe(0)
    expect(overlap((await look(flat)).shape, (await look(flat)).shape)).toBe(0)
  })
})

test('the hash of a mirrored picture follows from the hash', async () => {
  for (const scene of SCENES) {
    const picture = await draw(scene)
    const hash = async (bytes: Buffer) =>
      hashBits((await describePicture(await openPicture(bytes))).perceptualHash)!
    const own = await hash(picture)
    const mirrored = await hash(await sharp(picture).flop().png().toBuffer())
    expect(differingBits(mirrorBits(own), mirrored)).toBeLessThanOrEqual(6)
    expect(differingBits(own, mirrored)).toBeGreaterThan(20)
  }
})

test('each pair has one label: near before look-alike, and a part only where the model agrees', async () => {
  const picture = await draw('lighthouse')
  const whole = await look(picture)
  const copy = await look(await sharp(picture).resize(80).jpeg({ quality: 40 }).toBuffer())
  const part = await look(await cut(picture, 16, 0, 144, 144))
  const other = await look(await draw('red-bicycle'))
  expect(likenessOf(whole, copy, undefined)?.kind).toBe('near')
  expect(likenessOf(whole, copy, 0.99)?.kind).toBe('near')
  expect(likenessOf(whole, part, 0.92)?.kind).toBe('near')
  expect(likenessOf(whole, part, 0.7)).toBeNull()
  expect(likenessOf(whole, other, 0.96)).toEqual({ kind: 'look-alike', similarity: 0.96 })
  expect(likenessOf(whole, other, 0.94)).toBeNull()
  expect(likenessOf(whole, other, 0.94, 0.9)?.kind).toBe('look-alike')
})

test('every pair is in one group of its kind, and a chain is no large group', async () => {
  const id = (i: number) => String(i).padStart(64, '0')
  const picture = await draw('lighthouse', 320, 320)
  // Each is nine tenths of the one before: neighbours are parts, the ends are not.
  const looks = new Map<string, Look>()
  const vectors = new Map<string, UnitVector>()
  for (let i = 0; i < 4; i++) {
    const side = Math.round(320 * 0.85 ** i)
    looks.set(id(i), await look(await cut(picture, 0, 0, side, side), id(i)))
    vectors.set(id(i), normalize([Math.cos(i * 0.1), Math.sin(i * 0.1)]))
  }
  const identity = { storeId: '', model: '', recipe: '', dimension: 2 }
  const index = await openExactIndex({ identity })
  await index.apply(
    [...vectors].map(([content, vector]) => ({ content, vector })),
    1,
  )
  const paired = await pairLooks(looks)
  const { groups } = await likenessPage([...looks.keys()], index, paired, {
    kind: 'near',
    limit: 9,
  })
  const isNear = (a: string, b: string) =>
    likenessOf(looks.get(a)!, looks.get(b)!, dot(vectors.get(a)!, vectors.get(b)!))?.kind === 'near'
  const pairs = groups.flatMap(({ contents: [first, ...rest] }) =>
    rest.map((one) => [first!, one] as const),
  )
  expect(new Set(pairs.map(String)).size).toBe(pairs.length)
  for (const pair of pairs) expect(isNear(...pair)).toBe(true)
  let [near, all] = [0, 0]
  for (const a of looks.keys()) {
    for (const b of looks.keys()) {
      if (a >= b) continue
      all++
      if (!isNear(a, b)) continue
      near++
      expect(groups.some(({ contents }) => contents.includes(a) && contents.includes(b))).toBe(true)
    }
  }
  expect(near).toBeGreaterThan(0)
  expect(near).toBeLessThan(all)
})
