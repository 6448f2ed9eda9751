import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { PixelRule } from '../../src/models/pixel-rule.ts'
import { preprocess } from '../../src/models/preprocess.ts'
import { paint, pixels } from '../helpers/pictures.ts'

/** Gives bytes as they are: no scaling, no normalisation. */
function squash(widthPx: number, heightPx: number, filter: PixelRule['filter'] = 'cubic') {
  const shortestEdgePx = Math.min(widthPx, heightPx)
  const values = { filter, rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const
  return { resize: 'squash', widthPx, heightPx, shortestEdgePx, ...values } as const
}

function shortestEdge(edgePx: number, cropPx = edgePx): PixelRule {
  return { ...squash(cropPx, cropPx), resize: 'shortest-edge', shortestEdgePx: edgePx }
}

const RED = [255, 0, 0]
const FOUR = [
  [
    [255, 0, 0],
    [0, 255, 0],
  ],
  [
    [0, 0, 255],
    [10, 20, 30],
  ],
]

describe('values', () => {
  test('are planes of red, green and blue, row by row', async () => {
    const tensor = await preprocess(await pixels(FOUR).png().toBuffer(), squash(2, 2))
    expect([...tensor]).toEqual([255, 0, 0, 10, 0, 255, 0, 20, 0, 0, 255, 30])
  })

  test('are scaled and normalised per channel', async () => {
    const rule: PixelRule = {
      ...squash(2, 2),
      rescale: 1 / 255,
      mean: [0.5, 0.25, 0],
      std: [0.5, 1, 2],
    }
    const tensor = await preprocess(await pixels(FOUR).png().toBuffer(), rule)
    const expected = [1, -1, -1, 10 / 127.5 - 1]
      .concat([-0.25, 0.75, -0.25, 20 / 255 - 0.25])
      .concat([0, 0, 0.5, 30 / 510])
    expected.forEach((value, i) => expect(tensor[i]).toBeCloseTo(value, 6))
  })
})

describe('colours', () => {
  const valuesOf = async (bytes: Buffer) => [...(await preprocess(bytes, squash(2, 1)))]

  test('of a grey picture are the same in all channels', async () => {
    const grey = await pixels([[[7], [200]]])
      .toColourspace('b-w')
      .png()
      .toBuffer()
    expect(await sharp(grey).metadata()).toMatchObject({ channels: 1 })
    expect(await valuesOf(grey)).toEqual([7, 200, 7, 200, 7, 200])
  })

  test('of 16 bits lose only their lower byte', async () => {
    const deep = await pixels([[RED, [10, 20, 30]]])
      .toColourspace('rgb16')
      .png()
      .toBuffer()
    expect(await sharp(deep).metadata()).toMatchObject({ depth: 'ushort' })
    expect(await valuesOf(deep)).toEqual([255, 10, 0, 20, 0, 30])
  })

  test('of 16-bit grey come out as grey', async () => {
    const deep = await pixels([[[7], [200]]])
      .toColourspace('grey16')
      .png()
      .toBuffer()
    expect(await sharp(deep).metadata()).toMatchObject({ channels: 1, depth: 'ushort' })
    expect(await valuesOf(deep)).toEqual([7, 200, 7, 200, 7, 200])
  })

  test('of CMYK are those that a person sees', async () => {
    const cmyk = await paint(16, 16, () => [200, 60, 40])
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer()
    expect(await sharp(cmyk).metadata()).toMatchObject({ space: 'cmyk' })
    const [red, green, blue] = await preprocess(cmyk, squash(1, 1))
    expect(red).toBeGreaterThan(150)
    expect(green).toBeLessThan(110)
    expect(blue).toBeLessThan(110)
  })

  test('that are transparent stand on white', async () => {
    const bytes = await pixels([
      [
        [255, 0, 0, 128],
        [0, 0, 0, 0],
      ],
    ])
      .png()
      .toBuffer()
    const [red, white, green, , blue] = await valuesOf(bytes)
    expect(red).toBe(255)
    expect(white).toBe(255)
    expect(Math.abs(green! - 127)).toBeLessThanOrEqual(1)
    expect(blue).toBe(green)
  })

  test('of transparent grey stand on white', async () => {
    const bytes = await pixels([
      [
        [0, 0, 0, 128],
        [0, 0, 0, 0],
      ],
    ])
      .toColourspace('b-w')
      .png()
      .toBuffer()
    expect(await sharp(bytes).metadata()).toMatchObject({ channels: 2 })
    const values = await valuesOf(bytes)
    expect(values[1]).toBe(255)
    for (const i of [0, 2, 4]) expect(Math.abs(values[i]! - 127)).toBeLessThanOrEqual(1)
  })

  test('of an animation are those of its first frame', async () => {
    const frames = await Promise.all(
      [RED, [0, 0, 255]].map((colour) =>
        pixels([[colour, colour]])
          .png()
          .toBuffer(),
      ),
    )
    const animation = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer()
    expect((await sharp(animation).metadata()).pages).toBe(2)
    expect(await valuesOf(animation)).toEqual([255, 255, 0, 0, 0, 0])
  })
})

describe('the picture', () => {
  const scene = () => paint(6, 4, (x, y) => [255 * x, 255 * y, 200])

  test('is turned upright by its EXIF orientation', async () => {
    const turned = await scene().withMetadata({ orientation: 6 }).png().toBuffer()
    expect((await sharp(turned).metadata()).orientation).toBe(6)
    const rotated = await scene().rotate(90).png().toBuffer()
    for (const rule of [squash(4, 6), shortestEdge(4)]) {
      expect(await preprocess(turned, rule)).toEqual(await preprocess(rotated, rule))
    }
  })

  test('is squashed whatever its aspect ratio', async () => {
    const wide = await pixels([[RED, RED, RED, [0, 0, 255], [0, 0, 255], [0, 0, 255]]])
      .png()
      .toBuffer()
    const [left, right] = await preprocess(wide, squash(2, 1, 'linear'))
    // Each half holds a little of the other, since the filter is as wide as the picture.
    expect([left, right]).toEqual([223, 32])
  })

  // Both filters as PIL widens them when it makes a picture smaller.
  test.each([
    ['linear', (d: number) => Math.max(0, 1 - d)],
    [
      'cubic',
      (d: number) =>
        d < 1
          ? 1.5 * d ** 3 - 2.5 * d ** 2 + 1
          : d < 2
            ? -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2
            : 0,
    ],
  ] as const)('made smaller by the %s filter is free of aliases', async (kernel, weightOf) => {
    const row = [30, 200, 90, 40, 160, 220, 120, 60, 180, 100, 140, 70, 210, 50, 80, 150]
    const bytes = await pixels([row.map((v) => [v, v, v])])
      .png()
      .toBuffer()
    const tensor = await preprocess(bytes, squash(8, 1, kernel))
    for (const x of [2, 3, 4, 5]) {
      const weights = row.map((_, i) => weightOf(Math.abs(i + 0.5 - (2 * x + 1)) / 2))
      const total = weights.reduce((a, b) => a + b)
      const value = row.reduce((sum, v, i) => sum + v * weights[i]!, 0) / total
      expect(Math.abs(tensor[x]! - value)).toBeLessThanOrEqual(1)
    }
  })
})

describe('the crop of the middle', () => {
  /** Columns (or rows) that hold their own number. */
  const numbered = (count: number, side: number) =>
    paint(count, side, (x) => [Math.round(x * count), 0, 0])

  // The rule of Hugging Face's center_crop: (size - crop) // 2.
  test.each([
    [4, 0],
    [5, 0],
    [6, 1],
    [7, 1],
    [8, 2],
    [9, 2],
  ])('of %i columns to 4 leaves out %i on the left', async (columns, left) => {
    const wide = await numbered(columns, 4).png().toBuffer()
    const tensor = await preprocess(wide, shortestEdge(4))
    expect([...tensor.subarray(0, 4)]).toEqual([left, left + 1, left + 2, left + 3])

    const tall = await sharp(wide).rotate(90).png().toBuffer()
    const turned = await preprocess(tall, shortestEdge(4))
    expect([0, 4, 8, 12].map((i) => turned[i])).toEqual([left, left + 1, left + 2, left + 3])
  })

  test('takes off all sides what the shorter side was resized beyond it', async () => {
    const tensor = await preprocess(await numbered(8, 6).png().toBuffer(), shortestEdge(6, 2))
    expect([...tensor.subarray(0, 4)]).toEqual([3, 4, 3, 4])
  })

  // 224 / 55 * 55 is less than 224 in floating point.
  test.each([1, 2, 49, 55, 71, 154])('works on a square of %i px', async (side) => {
    const bytes = await paint(side, side, (x, y) => [255 * x, 255 * y, 0])
      .png()
      .toBuffer()
    for (const edge of [80, 224, 256]) {
      expect(await preprocess(bytes, shortestEdge(edge))).toHaveLength(3 * edge * edge)
    }
  })
})

describe('damage', () => {
  const half = async () => {
    const whole = await paint(64, 64, (x, y) => [255 * x, 255 * y, (9999 * x * y) % 255])
      .jpeg()
      .toBuffer()
    return whole.subarray(0, whole.length / 2)
  }

  test.each([
    ['half a JPEG', 'corrupt_image', half],
    ['text', 'unsupported_format', async () => Buffer.from('not a picture at all')],
    ['nothing', 'corrupt_image', async () => Buffer.alloc(0)],
  ])('%s is %s, in one line', async (_, code, make) => {
    const bytes = await make()
    for (const rule of [squash(8, 8), shortestEdge(8)]) {
      await expect(preprocess(bytes, rule)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(/^[^\n]+$/),
      })
    }
  })
})
