// HEIC and JPEG XL are tested with real files (see test/fixtures); BMP and PNM are made by hand.
import { readFile } from 'node:fs/promises'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, test } from 'vitest'
import { LucidaError } from '../../src/core/errors.ts'
import { demoScenes } from '../../src/demo/scenes.ts'
import { readExif } from '../../src/indexer/exif.ts'
import { preprocess } from '../../src/models/preprocess.ts'
import { beforeDeadline, decodeInThread } from '../../src/pictures/decoder-threads.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { pixelLimitFor } from '../../src/pictures/pixel-limit.ts'
import { makeBmp } from '../helpers/bitmaps.ts'

const fixture = (name: string) => readFile(new URL(`../fixtures/${name}`, import.meta.url))

/** Bytes as a person sees them. [h, w, 4] */
const bytesOf = (image: Sharp) =>
  image.toColourspace('srgb').ensureAlpha().raw({ depth: 'uchar' }).toBuffer()

/** Red, green, blue and alpha of every pixel. */
async function pixelsOf(encoded: Uint8Array): Promise<number[][]> {
  const bytes = await bytesOf((await openPicture(encoded)).image())
  return Array.from({ length: bytes.length / 4 }, (_, i) => [...bytes.subarray(4 * i, 4 * i + 4)])
}

const errorOf = (encoded: Uint8Array, pathHint?: string) =>
  openPicture(encoded, pathHint).then(
    () => undefined,
    (error: unknown) => error as LucidaError,
  )

/** How far two pictures of one size lie apart on average, in steps of 256. */
async function distance(a: Sharp, b: Sharp): Promise<number> {
  const [left, right] = [await bytesOf(a), await bytesOf(b)]
  expect(left.length).toBe(right.length)
  return left.reduce((sum, value, i) => sum + Math.abs(value - right[i]!), 0) / left.length
}

const balloon = (width: number, height: number) =>
  sharp(Buffer.from(demoScenes.get('hot-air-balloon')!()))
    .flatten()
    .resize(width, height, { fit: 'cover' })

describe.each([
  ['balloon.heic', 'heic', 192, 128],
  ['balloon-10bit.heic', 'heic', 192, 128],
  ['balloon.jxl', 'jxl', 192, 128],
  ['balloon-turned.jxl', 'jxl', 96, 64],
] as const)('%s', (name, format, widthPx, heightPx) => {
  test('looks like the drawing that it was made from', async () => {
    const picture = await openPicture(await fixture(name))
    expect(picture).toMatchObject({ format, widthPx, heightPx, orientation: 1 })
    expect(await distance(picture.image(), balloon(widthPx, heightPx).clone())).toBeLessThan(8)
  })

  test('is corrupt where it ends early, wherever that is', async () => {
    const bytes = await fixture(name)
    for (const share of [0.99, 0.5, 0.1]) {
      const error = await errorOf(bytes.subarray(0, bytes.length * share))
      expect(error).toMatchObject({ code: 'corrupt_image' })
      expect(error!.message).toMatch(/^The file is damaged and cannot be decoded as [A-Z]+ \(.+\)$/)
    }
  })

  test('is too large before it is decoded', async () => {
    const opening = openPicture(await fixture(name), undefined, { maxPixels: 5000 })
    await expect(opening).rejects.toMatchObject({
      code: 'too_large',
      message: expect.stringContaining(`= ${widthPx * heightPx} pixels, more than the 5000 `),
    })
  })

  test('gives the model a tensor', async () => {
    const rule = { resize: 'squash', widthPx: 2, heightPx: 2, shortestEdgePx: 2 } as const
    const scale = { filter: 'cubic', rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const
    const tensor = await preprocess(await fixture(name), { ...rule, ...scale })
    const drawn = await preprocess(await balloon(widthPx, heightPx).png().toBuffer(), {
      ...rule,
      ...scale,
    })
    tensor.forEach((value, i) => expect(Math.abs(value - drawn[i]!)).toBeLessThan(8))
  })
})

describe('EXIF', () => {
  const CAMERA = { takenAt: '2024-05-06T07:08:09', cameraMake: 'Lucida', cameraModel: 'Drawing' }

  test('of HEIC', async () => {
    const { exif } = await openPicture(await fixture('balloon.heic'))
    expect(readExif(exif)).toMatchObject(CAMERA)
  })

  test('of JPEG XL', async () => {
    const { exif } = await openPicture(await fixture('balloon-turned.jxl'))
    expect(readExif(exif)).toMatchObject(CAMERA)
  })
})

test('HEIC is turned by its own rotation, and never by EXIF', async () => {
  const bytes = await fixture('balloon-10bit.heic')
  // The box that tells the bits becomes one that turns the picture left; its length stays.
  const at = bytes.indexOf('pixi')
  bytes.write('irot', at)
  bytes[at + 4] = 1
  const picture = await openPicture(bytes)
  expect(picture).toMatchObject({ widthPx: 128, heightPx: 192, orientation: 1 })
  const turned = sharp(await balloon(192, 128).png().toBuffer()).rotate(270)
  expect(await distance(picture.image(), turned)).toBeLessThan(8)
})

test('HEIF of a codec that is not built in is unsupported, not corrupt', async () => {
  const avif = await balloon(32, 32).avif().toBuffer()
  // The file no longer says that it is AVIF, as files of a neutral brand do.
  for (let at = avif.indexOf('avif'); at >= 0; at = avif.indexOf('avif')) avif.write('mif1', at)
  expect(await errorOf(avif)).toMatchObject({ code: 'unsupported_format' })
})

describe('BMP', () => {
  // Two rows of two, as seen: red, green; blue, white. Bitmaps store blue first, bottom row first.
  const [RED, GREEN, BLUE, WHITE] = [
    [255, 0, 0, 255],
    [0, 255, 0, 255],
    [0, 0, 255, 255],
    [255, 255, 255, 255],
  ]
  const palette = [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0]
  const size = { widthPx: 2, height: 2 }
  const bottomUp = {
    24: [
      [255, 0, 0, 255, 255, 255],
      [0, 0, 255, 0, 255, 0],
    ],
    32: [
      [255, 0, 0, 0, 255, 255, 255, 0],
      [0, 0, 255, 0, 0, 255, 0, 0],
    ],
  }
  const kinds = {
    '4 bits': makeBmp({ ...size, bits: 4, palette, rows: [[0x23], [0x01]] }),
    '8 bits': makeBmp({
      ...size,
      bits: 8,
      palette,
      rows: [
        [2, 3],
        [0, 1],
      ],
    }),
    '8 bits, top down': makeBmp({
      ...size,
      height: -2,
      bits: 8,
      palette,
      rows: [
        [0, 1],
        [2, 3],
      ],
    }),
    '8 bits, run lengths': makeBmp({
      ...size,
      bits: 8,
      compression: 1,
      palette,
      rows: [
        [1, 2, 1, 3, 0, 0],
        [1, 0, 1, 1, 0, 1],
      ],
    }),
    '4 bits, run lengths, absolute and a jump': makeBmp({
      ...size,
      bits: 4,
      compression: 2,
      palette,
      rows: [
        [2, 0x23, 0, 2, 0, 0, 0, 0],
        [1, 0x00, 1, 0x10, 0, 1],
      ],
    }),
    '16 bits, 5-5-5': makeBmp({
      ...size,
      bits: 16,
      rows: [
        [0x1f, 0, 0xff, 0x7f],
        [0, 0x7c, 0xe0, 0x03],
      ],
    }),
    '16 bits, 5-6-5': makeBmp({
      ...size,
      bits: 16,
      compression: 3,
      masks: [0xf800, 0x7e0, 0x1f],
      rows: [
        [0x1f, 0, 0xff, 0xff],
        [0, 0xf8, 0xe0, 0x07],
      ],
    }),
    '24 bits': makeBmp({ ...size, bits: 24, rows: bottomUp[24] }),
    '24 bits, OS/2': makeBmp({ ...size, bits: 24, headerBytes: 12, rows: bottomUp[24] }),
    '32 bits': makeBmp({ ...size, bits: 32, rows: bottomUp[32] }),
    '32 bits, alpha declared and left 0': makeBmp({
      ...size,
      bits: 32,
      compression: 3,
      headerBytes: 124,
      masks: [0xff0000, 0xff00, 0xff, 0xff000000],
      rows: bottomUp[32],
    }),
  }
  test.each(Object.entries(kinds))('%s', async (_, bmp) => {
    expect(await pixelsOf(bmp)).toEqual([RED, GREEN, BLUE, WHITE])
  })

  test('1 bit, over more than one byte', async () => {
    const bmp = makeBmp({
      widthPx: 9,
      height: 1,
      bits: 1,
      palette: [0, 0, 0, 0, 255, 255, 255, 0],
      rows: [[0b10100000, 0b10000000]],
    })
    const white = (await pixelsOf(bmp)).map(([red]) => red === 255)
    expect(white.map(Number)).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 1])
  })

  test('32 bits with alpha', async () => {
    const bmp = makeBmp({
      ...size,
      height: 1,
      bits: 32,
      compression: 3,
      headerBytes: 124,
      masks: [0xff0000, 0xff00, 0xff, 0xff000000],
      rows: [[0, 0, 255, 128, 0, 255, 0, 255]],
    })
    expect(await pixelsOf(bmp)).toEqual([[255, 0, 0, 128], GREEN])
  })

  test('that ends early is corrupt', async () => {
    for (const bmp of Object.values(kinds)) {
      for (const length of [20, bmp.readUInt32LE(10) + 1]) {
        expect(await errorOf(bmp.subarray(0, length))).toMatchObject({ code: 'corrupt_image' })
      }
    }
  })

  test('that claims too many pixels is too large', async () => {
    const bmp = makeBmp({ widthPx: 60_000, height: 60_000, bits: 24, rows: [[]] })
    expect(await errorOf(bmp)).toMatchObject({
      code: 'too_large',
      message: expect.stringContaining('60000 x 60000 = 3600000000 pixels, more than the '),
    })
  })

  test('of a kind that nobody decodes is unsupported', async () => {
    const png = makeBmp({ ...size, bits: 24, compression: 5, rows: [[]] })
    const os2 = makeBmp({ ...size, bits: 24, compression: 4, headerBytes: 64, rows: [[]] })
    for (const bmp of [png, os2])
      expect(await errorOf(bmp)).toMatchObject({ code: 'unsupported_format' })
  })
})

describe('PNM', () => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1')
  const grey = (...values: number[]) => values.map((value) => [value, value, value, 255])

  test.each([
    ['P1, digits in a heap', latin1('P1\n3 1\n# black is 1\n101\n'), grey(0, 255, 0)],
    ['P2, any maximum', latin1('P2 3 1 4\n0 2\n4\n'), grey(0, 128, 255)],
    ['P3', latin1('P3\n1 1\n255\n1 2 3\n'), [[1, 2, 3, 255]]],
    ['P4', latin1('P4\n9 1\n\x80\x80'), grey(0, ...Array<number>(7).fill(255), 0)],
    ['P5', latin1('P5\n# made by hand\n2 1\n255\n\x07\xc8'), grey(7, 200)],
    ['P5, 16 bits', latin1('P5\n2 1\n65535\n\x07\x07\xc8\xc8'), grey(7, 200)],
    ['P6', latin1('P6 1 1 255\n\x0a\x14\x1e'), [[10, 20, 30, 255]]],
    ['P6, 12 bits', latin1('P6 1 1 4095\n\x0f\xff\0\0\x0f\xff'), [[255, 0, 255, 255]]],
  ])('%s', async (_, pnm, pixels) => {
    expect(await pixelsOf(pnm)).toEqual(pixels)
  })

  test.each([
    ['P6 2 1 255\n\0\0\0', 'corrupt_image'],
    ['P2 2 1 255\n1', 'corrupt_image'],
    ['P1 2 1 \n1', 'corrupt_image'],
    ['P4 9 2 \n1', 'corrupt_image'],
    ['P2 2 1 255\n1 x', 'corrupt_image'],
    ['P5 0 1 255\n', 'corrupt_image'],
    ['P5 1 1 70000\n\0\0', 'corrupt_image'],
    [`P5 1 1${'0'.repeat(100)} 255\n`, 'too_large'],
    ['P7\nWIDTH 1\nHEIGHT 1\nENDHDR\n\0', 'unsupported_format'],
    ['Pf 1 1 -1.0\n\0\0\0\0', 'unsupported_format'],
  ])('%j is %s', async (text, code) => {
    expect(await errorOf(latin1(text))).toMatchObject({ code })
  })
})

describe('the pixel limit', () => {
  const [GIB, PIL] = [2 ** 30, 89_478_485]

  test('is half of the free memory, shared by all decodes', () => {
    expect(pixelLimitFor(16 * GIB, 16)).toBe((8 * GIB) / 4 / 16)
  })

  test('is never below PIL’s nor above sharp’s', () => {
    expect(pixelLimitFor(0, 16)).toBe(PIL)
    expect(pixelLimitFor(1024 * GIB, 1)).toBe(16_383 ** 2)
  })

  test.each(['png', 'webp', 'gif', 'tiff', 'avif', 'jpeg'] as const)(
    'holds for %s',
    async (format) => {
      const encoded = await balloon(60, 40).toFormat(format).toBuffer()
      await expect(openPicture(encoded, undefined, { maxPixels: 2399 })).rejects.toMatchObject({
        code: 'too_large',
        message: expect.stringContaining('60 x 40 = 2400 pixels, more than the 2399 '),
      })
      expect(await openPicture(encoded, undefined, { maxPixels: 2400 })).toMatchObject({ format })
    },
  )
})

describe('time', () => {
  test('a decoder that takes too long loses its thread, and the next picture gets another', async () => {
    const slow = Buffer.concat([Buffer.from('P5 6000 6000 7\n'), Buffer.alloc(6000 * 6000)])
    await expect(decodeInThread('pnm', slow, { maxPixels: 1e9 }, 5)).rejects.toMatchObject({
      code: 'too_large',
      message: 'The file takes more than 0.005 s to decode',
    })
    expect(await openPicture(await fixture('balloon.heic'))).toMatchObject({ widthPx: 192 })
  })

  test('what is late and then fails troubles nobody', async () => {
    const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('late')), 20))
    await expect(beforeDeadline(late, 1)).rejects.toMatchObject({ code: 'too_large' })
    await expect(late).rejects.toThrow('late')
  })
})

test('many pictures at once each get their own pixels', async () => {
  const names = ['balloon.heic', 'balloon.jxl', 'balloon-turned.jxl', 'balloon-10bit.heic']
  const widths = await Promise.all(
    [...names, ...names, ...names].map(
      async (name) => (await openPicture(await fixture(name))).widthPx,
    ),
  )
  expect(widths).toEqual([192, 192, 96, 192, 192, 192, 96, 192, 192, 192, 96, 192])
})
