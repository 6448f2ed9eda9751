import sharp, { type Sharp } from 'sharp'
import { thumbHashToApproximateAspectRatio, thumbHashToAverageRGBA } from 'thumbhash'
import { beforeAll, describe, expect, test } from 'vitest'
import { describePicture as describeOpened } from '../../src/indexer/decode.ts'
import { hammingDistance } from '../../src/indexer/perceptual-hash.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { decodeError } from '../../src/pictures/picture-error.ts'
import type { SupportedFormat } from '../../src/pictures/sniff.ts'

const describePicture = async (bytes: Uint8Array, pathHint?: string) =>
  describeOpened(await openPicture(bytes, pathHint))

const WIDTH = 300
const HEIGHT = 200
const FORMATS = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const

/** A picture without symmetry: soft waves, a dark corner and enough grain to fill some kilobytes. */
function scene(): Sharp {
  let seed = 1
  const data = Buffer.alloc(WIDTH * HEIGHT * 3)
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [(Math.floor(i / 3) % WIDTH) / WIDTH, Math.floor(i / 3 / WIDTH) / HEIGHT]
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
    const wave = 120 + 60 * Math.sin(7 * x + 2 * y) + 40 * Math.cos(9 * y * x + (i % 3))
    data[i] = (x < 0.3 && y < 0.4 ? 0.2 : 1) * wave + ((seed >> 16) & 15)
  }
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
}

const plain = (background: string, channels: 3 | 4 = 3) =>
  sharp({ create: { width: WIDTH, height: HEIGHT, channels, background } })

const averageOf = async (bytes: Uint8Array) =>
  thumbHashToAverageRGBA((await describePicture(bytes)).thumbHash)

let reference = ''
beforeAll(async () => {
  reference = (await describePicture(await scene().png().toBuffer())).perceptualHash
})

describe('formats', () => {
  test.each(FORMATS)('%s is described', async (format) => {
    const picture = await describePicture(await scene().toFormat(format).toBuffer())
    expect(picture).toMatchObject({ format, widthPx: WIDTH, heightPx: HEIGHT, orientation: 1 })
    expect(thumbHashToApproximateAspectRatio(picture.thumbHash)).toBeCloseTo(1.5, 0)
    expect(hammingDistance(picture.perceptualHash, reference)).toBeLessThanOrEqual(6)
  })

  test('SVG is drawn at its own size', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><rect width="60" height="40" fill="#00f"/></svg>'
    const picture = await describePicture(Buffer.from(svg))
    expect(picture).toMatchObject({ format: 'svg', widthPx: 60, heightPx: 40, orientation: 1 })
    expect(thumbHashToAverageRGBA(picture.thumbHash)).toMatchObject({ a: 1 })
    expect(thumbHashToAverageRGBA(picture.thumbHash).b).toBeGreaterThan(0.9)
  })

  test('the content decides, not the name', async () => {
    const jpeg = await scene().jpeg().toBuffer()
    expect((await describePicture(jpeg, '/a/picture.png')).format).toBe('jpeg')
  })

  test('only the first frame of an animation counts', async () => {
    const frames = await Promise.all(
      ['#f00', '#0f0', '#00f'].map((colour) => plain(colour).png().toBuffer()),
    )
    for (const format of ['gif', 'webp'] as const) {
      const animation = await sharp(frames, { join: { animated: true } })
        .toFormat(format, { loop: 0 })
        .toBuffer()
      const picture = await describePicture(animation)
      expect(picture).toMatchObject({ format, widthPx: WIDTH, heightPx: HEIGHT })
      const { r, g } = thumbHashToAverageRGBA(picture.thumbHash)
      expect([r > 0.9, g < 0.1]).toEqual([true, true])
    }
  })
})

describe('EXIF orientation', () => {
  /** What a camera held that way stores: the transformation that undoes what viewers will do. */
  const stored: Record<number, (upright: Sharp) => Sharp> = {
    1: (s) => s,
    2: (s) => s.flop(),
    3: (s) => s.rotate(180),
    4: (s) => s.flip(),
    5: (s) => s.flop().rotate(270),
    6: (s) => s.rotate(270),
    7: (s) => s.flop().rotate(90),
    8: (s) => s.rotate(90),
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('%i is undone', async (orientation) => {
    const turned = await stored[orientation]!(scene()).png().toBuffer()
    for (const format of ['jpeg', 'png', 'webp'] as const) {
      const bytes = await sharp(turned).withMetadata({ orientation }).toFormat(format).toBuffer()
      const picture = await describePicture(bytes)
      expect(picture).toMatchObject({ widthPx: WIDTH, heightPx: HEIGHT, orientation })
      expect(hammingDistance(picture.perceptualHash, reference)).toBeLessThanOrEqual(6)
    }
  })

  test('is part of decoding in AVIF', async () => {
    const turned = await stored[6]!(scene()).png().toBuffer()
    const bytes = await sharp(turned).withMetadata({ orientation: 6 }).avif().toBuffer()
    expect(await describePicture(bytes)).toMatchObject({
      widthPx: WIDTH,
      heightPx: HEIGHT,
      orientation: 1,
    })
  })

  test('outside 1 to 8 counts as 1', async () => {
    const bytes = await scene().withMetadata({ orientation: 6 }).jpeg().toBuffer()
    const at = bytes.indexOf(Buffer.from([0x12, 0x01, 3, 0])) + 8
    for (const orientation of [0, 9, 255]) {
      bytes[at] = orientation
      expect(await describePicture(bytes)).toMatchObject({ widthPx: WIDTH, orientation: 1 })
    }
  })
})

describe('every kind of pixel becomes 8-bit sRGB', () => {
  const kinds: Record<string, () => Sharp> = {
    'CMYK JPEG': () => plain('#c86432').toColourspace('cmyk').jpeg(),
    '16-bit PNG': () => plain('#c86432').toColourspace('rgb16').png(),
    '16-bit TIFF': () => plain('#c86432').toColourspace('rgb16').tiff({ compression: 'lzw' }),
    '10-bit AVIF': () => plain('#c86432').avif({ bitdepth: 10 }),
    'palette PNG': () => plain('#c86432').png({ palette: true }),
    'JPEG with a profile': () => plain('#c86432').withIccProfile('p3').jpeg(),
  }
  test.each(Object.keys(kinds))('%s', async (kind) => {
    const { r, g, b, a } = await averageOf(await kinds[kind]!().toBuffer())
    // ThumbHash keeps the average in 6 bits a channel, CMYK loses some colour.
    expect(Math.abs(r - 200 / 255)).toBeLessThan(0.08)
    expect(Math.abs(g - 100 / 255)).toBeLessThan(0.08)
    expect(Math.abs(b - 50 / 255)).toBeLessThan(0.16)
    expect(a).toBe(1)
  })

  const greys: Record<string, () => Sharp> = {
    'grey JPEG': () => plain('#fff').greyscale().jpeg(),
    '16-bit grey PNG': () => plain('#fff').toColourspace('grey16').png(),
    '1-bit PNG': () => plain('#fff').threshold().png({ palette: true, colours: 2 }),
    '1-bit TIFF': () => plain('#fff').threshold().toColourspace('b-w').tiff({ bitdepth: 1 }),
  }
  test.each(Object.keys(greys))('%s', async (kind) => {
    const { r, g, b, a } = await averageOf(await greys[kind]!().toBuffer())
    for (const channel of [r, g, b, a]) expect(channel).toBeGreaterThan(0.95)
  })

  test('the thumbnail hash keeps transparency', async () => {
    for (const space of ['srgb', 'rgb16'] as const) {
      const bytes = await plain('rgba(200,100,50,0.5)', 4).toColourspace(space).png().toBuffer()
      const { r, a } = await averageOf(bytes)
      expect(a).toBeCloseTo(0.5, 1)
      expect(r).toBeCloseTo(200 / 255, 1)
    }
  })

  test('the perceptual hash sees the picture on white', async () => {
    const mark = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"><circle cx="60" cy="90" r="50"/></svg>',
    )
    const transparent = await sharp(mark).png().toBuffer()
    const onWhite = await sharp(mark).flatten({ background: '#fff' }).png().toBuffer()
    const [a, b] = await Promise.all([transparent, onWhite].map((bytes) => describePicture(bytes)))
    expect(hammingDistance(a!.perceptualHash, b!.perceptualHash)).toBeLessThanOrEqual(2)
    expect(b!.perceptualHash).not.toBe('0000000000000000')
  })

  test.each([
    [1, 1],
    [5000, 1],
    [1, 5000],
  ])('%i x %i px', async (width, height) => {
    const create = { width, height, channels: 3, background: 'red' } as const
    const picture = await describePicture(await sharp({ create }).png().toBuffer())
    expect(picture).toMatchObject({ widthPx: width, heightPx: height })
  })
})

test('camera data comes along, from TIFF too', async () => {
  const jpeg = await scene()
    .withExif({
      IFD0: { Make: 'Canon' },
      IFD2: { DateTimeOriginal: '2024:05:06 07:08:09' },
    })
    .jpeg()
    .toBuffer()
  expect(await describePicture(jpeg)).toMatchObject({
    takenAt: '2024-05-06T07:08:09',
    cameraMake: 'Canon',
    latitude: null,
  })

  // A TIFF is an EXIF block with pixels: one directory of the few tags that make a picture.
  const entries = [
    [256, 3, 1, 4], // width
    [257, 3, 1, 1], // height
    [258, 3, 1, 8], // bits
    [259, 3, 1, 1], // no compression
    [262, 3, 1, 1], // black is zero
    [271, 2, 6, 0x200], // make
    [273, 4, 1, 0x210], // pixels
    [277, 3, 1, 1],
    [278, 3, 1, 1],
    [279, 4, 1, 4],
  ] as const
  const tiff = Buffer.alloc(0x214)
  tiff.write('II*\0\x08\0\0\0', 'latin1')
  tiff.writeUInt16LE(entries.length, 8)
  entries.forEach(([tag, type, count, value], i) => {
    tiff.writeUInt16LE(tag, 10 + i * 12)
    tiff.writeUInt16LE(type, 12 + i * 12)
    tiff.writeUInt32LE(count, 14 + i * 12)
    tiff.writeUInt32LE(value, 18 + i * 12)
  })
  tiff.write('Epson\0', 0x200, 'latin1')
  expect(await describePicture(tiff)).toMatchObject({ format: 'tiff', cameraMake: 'Epson' })
})

describe('damage', () => {
  const isCorrupt = { code: 'corrupt_image' }

  test.each(FORMATS)('%s that ends early is corrupt, wherever it is cut', async (format) => {
    const bytes = await scene().toFormat(format).toBuffer()
    for (const share of [0.995, 0.5, 0.1]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * share))
      await expect(describePicture(cut)).rejects.toMatchObject(isCorrupt)
    }
  })

  test.each([
    ['a progressive JPEG', () => scene().jpeg({ progressive: true })],
    ['an interlaced PNG', () => scene().png({ progressive: true })],
    ['an uncompressed TIFF', () => scene().tiff({ compression: 'none' })],
  ])('%s that ends early is corrupt', async (_name, encode) => {
    const bytes = await encode().toBuffer()
    const error = await describePicture(bytes.subarray(0, -500)).catch((e: unknown) => e)
    expect(error).toMatchObject(isCorrupt)
    expect((error as Error).message).toMatch(/^The file is damaged and cannot be decoded as .+\)$/)
  })

  test('damage in the middle of PNG and TIFF is noticed', async () => {
    for (const bytes of [
      await scene().png().toBuffer(),
      await scene().tiff({ compression: 'lzw' }).toBuffer(),
    ]) {
      bytes.fill(0xa5, bytes.length >> 1, (bytes.length >> 1) + 64)
      await expect(describePicture(bytes)).rejects.toMatchObject(isCorrupt)
    }
  })

  test('the reason is one line in the words of the decoder', async () => {
    const bytes = await scene().jpeg().toBuffer()
    await expect(describePicture(bytes.subarray(0, 2000))).rejects.toThrow(
      'The file is damaged and cannot be decoded as JPEG (VipsJpeg: premature end of JPEG image)',
    )
    const avif = await scene().avif().toBuffer()
    const error = (await describePicture(avif.subarray(0, -50)).catch((e: unknown) => e)) as Error
    expect(error.message).toContain('Unexpected end of file')
    expect(error.message).not.toMatch(/\n|bad seek/)
  })

  test.each([
    [
      'VipsJpeg: premature end\nVipsJpeg: Bogus table\nVipsJpeg: premature end',
      'VipsJpeg: premature end',
    ],
    ['Input buffer has corrupt header: ', 'its header is wrong or ends early'],
    ['', 'its data is wrong or ends early'],
  ])('the reason is the first of what libvips has left: %j', (said, reason) => {
    expect(decodeError(new Error(said), 'jpeg').message).toContain(`(${reason})`)
  })

  test('a long reason is cut between characters', () => {
    const { message } = decodeError(new Error(`${'x'.repeat(199)}🦊🦊`), 'svg')
    expect(message).toContain('x🦊)')
    expect(message).not.toMatch(/\p{Surrogate}/u)
  })

  test('bytes after the end do no harm', async () => {
    const bytes = Buffer.concat([await scene().jpeg().toBuffer(), Buffer.from('appended video')])
    expect(await describePicture(bytes)).toMatchObject({ widthPx: WIDTH })
  })

  test('a file without a byte is empty', async () => {
    await expect(describePicture(new Uint8Array())).rejects.toThrow('The file is empty')
    await expect(describePicture(new Uint8Array())).rejects.toMatchObject(isCorrupt)
  })

  test('an SVG that is not well formed is corrupt', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect ')
    await expect(describePicture(svg)).rejects.toMatchObject(isCorrupt)
  })
})

describe('too large', () => {
  test('a small SVG that asks for a huge picture', async () => {
    for (const size of ['width="1e6" height="1e6"', 'width="100000" height="1"']) {
      const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${size}/>`)
      await expect(describePicture(svg)).rejects.toMatchObject({ code: 'too_large' })
    }
  })

  test('a small JPEG that claims more pixels than the limit', async () => {
    const bytes = await plain('red').jpeg().toBuffer()
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]))
    bytes.writeUInt16BE(17_000, frame + 5) // height
    bytes.writeUInt16BE(17_000, frame + 7) // width
    await expect(describePicture(bytes)).rejects.toMatchObject({
      code: 'too_large',
      message: expect.stringMatching(
        /^The picture has 17000 x 17000 = 289000000 pixels, more than the \d+ that /,
      ),
    })
  })
})

describe('what cannot be decoded', () => {
  test.each<[string, string | Buffer, string]>([
    ['text named .jpg', 'Dear diary,\n', 'not a picture: its content is text'],
    ['HTML', '<!doctype html><html></html>', 'not a picture: its content is text'],
    ['PDF', '%PDF-1.7\n', 'its content is a PDF document'],
    ['ZIP', 'PK\x03\x04\x14', 'its content is a ZIP archive'],
    ['video', '\0\0\0\x18ftypisom\0\0\0\0isom', 'its content is a video'],
    ['zeros', Buffer.alloc(5000), 'its content is nothing but zeros'],
    ['noise', '\x01\x02\x03\x04\x05', 'its content is unknown data'],
    ['Photoshop', '8BPS\0\x01', 'is a Photoshop document'],
    ['JPEG 2000', '\0\0\0\x0cjP  \r\n\x87\n', 'is a JPEG 2000 picture'],
  ])('%s', async (_name, content, message) => {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
    const error = await describePicture(bytes, 'a.jpg').catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'unsupported_format' })
    expect((error as Error).message).toContain(message)
  })

  test('a TIFF named like a camera raw file', async () => {
    const tiff = await scene().tiff().toBuffer()
    await expect(describePicture(tiff, 'DSC_0001.nef')).rejects.toThrow('is a camera raw file')
    expect((await describePicture(tiff, 'scan.tif')).format satisfies SupportedFormat).toBe('tiff')
  })

  test('an SVG in a form that the decoder does not recognise', async () => {
    const svg = '<s:svg xmlns:s="http://www.w3.org/2000/svg" width="9" height="9"/>'
    await expect(describePicture(Buffer.from(svg))).rejects.toMatchObject({
      code: 'unsupported_format',
    })
  })
})
