// Camera raw files are made by hand here (see test/helpers/raw-files.ts): what is tested is the
// structure as it is publicly described, not what a certain camera writes.
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { readExif } from '../../src/indexer/exif.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { box, makeCr3, makeOrf, makeRaf, makeTiff, strip, thumbnail } from '../helpers/raw-files.ts'

const makeJpeg = (width: number, height: number, background = '#c86432') =>
  sharp({ create: { width, height, channels: 3, background } })
    .jpeg()
    .toBuffer()

let [small, large, portrait]: Buffer[] = []
/** What the sensor saw, in lossless JPEG: larger than any preview, and not for viewers. */
let lossless: Buffer
beforeAll(async () => {
  ;[small, large, portrait] = [
    await makeJpeg(160, 120),
    await makeJpeg(480, 320),
    await makeJpeg(320, 480),
  ]
  lossless = await makeJpeg(900, 600)
  lossless[lossless.indexOf(Buffer.from([0xff, 0xc0])) + 1] = 0xc3
})

const camera = { 0x010f: 'Lucida', 0x0110: 'Drawing' }
const photo = { 0x9003: '2024:05:06 07:08:09', 0xa434: 'Lens 35mm' }
const withPhoto = { ...camera, 0x8769: { directories: [photo] } }
const CAMERA = {
  takenAt: '2024-05-06T07:08:09',
  cameraMake: 'Lucida',
  cameraModel: 'Drawing',
  lens: 'Lens 35mm',
}

describe('the largest preview is shown, with the raw file’s own EXIF', () => {
  const kinds: Record<string, () => Buffer> = {
    'a.arw': () => makeTiff([{ ...withPhoto, ...thumbnail(large!) }, thumbnail(small!)]),
    'a.cr2': () =>
      makeTiff([{ ...withPhoto, ...strip(large!) }, thumbnail(small!), {}, strip(lossless)]),
    'a.nef': () =>
      makeTiff(
        [{ ...withPhoto, 0x014a: { directories: [thumbnail(large!), strip(lossless)] } }],
        'MM',
      ),
    'a.dng': () =>
      makeTiff([
        {
          ...withPhoto,
          ...strip(small!, 7),
          0x014a: { directories: [strip(lossless, 7), strip(large!, 7)] },
        },
      ]),
    'a.pef': () => makeTiff([withPhoto, thumbnail(small!), thumbnail(large!)], 'MM'),
    'a.rw2': () => makeTiff([{ ...withPhoto, 0x002e: large! }], 'II', 0x55),
    'a.cr3': () =>
      makeCr3({
        thumbnail: small!,
        preview: large!,
        full: lossless,
        blocks: [makeTiff([camera]), makeTiff([photo]), makeTiff([{}])],
      }),
  }
  test.each(Object.keys(kinds))('%s', async (name) => {
    const picture = await openPicture(kinds[name]!(), `/photos/${name.toUpperCase()}`)
    expect(picture).toMatchObject({ format: 'raw', widthPx: 480, heightPx: 320, orientation: 1 })
    expect(readExif(picture.exif)).toMatchObject(CAMERA)
    const { dominant } = await picture.image().stats()
    expect(dominant.r).toBeGreaterThan(dominant.b)
  })

  test('a.orf', async () => {
    const picture = await openPicture(makeOrf(large!), 'a.orf')
    expect(picture).toMatchObject({ format: 'raw', widthPx: 480, heightPx: 320 })
    expect(readExif(picture.exif)).toMatchObject({ cameraMake: 'OLYMPUS', takenAt: CAMERA.takenAt })
  })

  test('a.raf, whose EXIF is in the preview', async () => {
    const jpeg = await sharp(large)
      .withExif({ IFD0: { Make: 'FUJIFILM' }, IFD2: { DateTimeOriginal: photo[0x9003] } })
      .withMetadata({ orientation: 8 })
      .toBuffer()
    const picture = await openPicture(makeRaf(jpeg))
    expect(picture).toMatchObject({ format: 'raw', widthPx: 320, heightPx: 480, orientation: 8 })
    expect(readExif(picture.exif)).toMatchObject({
      cameraMake: 'FUJIFILM',
      takenAt: CAMERA.takenAt,
    })
  })

  test('a.cr3 with a full-size picture and a position', async () => {
    const rational = (...values: number[]) => {
      const bytes = Buffer.alloc(values.length * 4)
      values.forEach((value, i) => bytes.writeUInt32LE(value, i * 4))
      return bytes
    }
    const degrees = (value: number) => rational(value, 1, 0, 1, 0, 1)
    const gps = makeTiff([{ 1: 'N', 2: degrees(48), 3: 'E', 4: degrees(11) }])
    // Positions are fractions, which the helper does not write: their type is put right here.
    for (const at of [10 + 12, 10 + 36]) {
      gps.writeUInt16LE(5, at + 2)
      gps.writeUInt32LE(3, at + 4)
    }
    const blocks = [makeTiff([{ ...camera, 0x0112: [6] }]), makeTiff([photo]), gps] as const
    const full = await makeJpeg(900, 600)
    const picture = await openPicture(makeCr3({ thumbnail: small!, preview: large!, full, blocks }))
    expect(picture).toMatchObject({ format: 'raw', widthPx: 600, heightPx: 900, orientation: 6 })
    expect(readExif(picture.exif)).toMatchObject({ ...CAMERA, latitude: 48, longitude: 11 })
  })
})

describe('orientation', () => {
  test('of the raw file turns a preview that has none', async () => {
    for (const order of ['II', 'MM'] as const) {
      const raw = makeTiff([{ ...camera, 0x0112: [8], ...thumbnail(large!) }], order)
      expect(await openPicture(raw, 'a.nef')).toMatchObject({
        widthPx: 320,
        heightPx: 480,
        orientation: 8,
      })
    }
  })

  test('of the preview comes first', async () => {
    const own = await sharp(portrait).withMetadata({ orientation: 6 }).jpeg().toBuffer()
    const raw = makeTiff([{ ...camera, 0x0112: [8], ...thumbnail(own) }])
    expect(await openPicture(raw, 'a.nef')).toMatchObject({
      widthPx: 480,
      heightPx: 320,
      orientation: 6,
    })
  })

  test('that means nothing counts as none', async () => {
    const raw = makeTiff([{ ...camera, 0x0112: [9], ...thumbnail(large!) }])
    expect(await openPicture(raw, 'a.nef')).toMatchObject({ widthPx: 480, orientation: 1 })
  })
})

describe('without a preview', () => {
  test.each<[string, string, () => Buffer, string]>([
    [
      'one that is too small',
      'unsupported_format',
      () => makeTiff([thumbnail(small!)]),
      'preview is too small: 160 x 120 pixels, and its shorter side must have 256',
    ],
    [
      'only the sensor’s data',
      'unsupported_format',
      () => makeTiff([strip(lossless)]),
      'no JPEG preview',
    ],
    ['no directory', 'unsupported_format', () => makeTiff([]), 'no JPEG preview'],
    ['a directory that points at itself', 'unsupported_format', loop, 'no JPEG preview'],
    [
      'the end cut off',
      'corrupt_image',
      () => makeTiff([thumbnail(large!)]).subarray(0, -600),
      'ends early',
    ],
  ])('%s', async (_, code, make, message) => {
    const opening = openPicture(make(), 'a.nef')
    await expect(opening).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  function loop(): Buffer {
    const raw = makeTiff([{ 0x014a: [8, 8, 8] }])
    raw.writeUInt32LE(8, 8 + 2 + 12)
    return raw
  }

  test('a Sigma, Minolta or old Canon file says so', async () => {
    for (const start of ['FOVb', '\0MRM', 'II\x1a\0\0\0HEAPCCDR']) {
      const opening = openPicture(Buffer.from(start.padEnd(400, '\0'), 'latin1'))
      await expect(opening).rejects.toMatchObject({ code: 'unsupported_format' })
    }
  })

  test('a file cut anywhere is a failure of its own, never an exception of another kind', async () => {
    const blocks = [makeTiff([camera]), makeTiff([photo]), makeTiff([{}])] as const
    const files: [string, Buffer][] = [
      ['a.cr3', makeCr3({ thumbnail: small!, preview: large!, full: large!, blocks })],
      ['a.orf', makeOrf(large!)],
      ['a.raf', makeRaf(large!)],
      ['a.dng', makeTiff([{ ...withPhoto, 0x014a: { directories: [strip(large!, 7)] } }])],
    ]
    for (const [name, bytes] of files) {
      for (let length = 16; length < bytes.length; length += 97) {
        const cut = bytes.subarray(0, length)
        const outcome = await openPicture(cut, name).then(
          () => 'opened',
          (error: { code?: string }) => error.code,
        )
        expect(['opened', 'corrupt_image', 'unsupported_format'], `${name} ${length}`).toContain(
          outcome,
        )
      }
    }
  })

  test('a box that claims no size or the whole world ends the search', async () => {
    const start = box('ftyp', Buffer.from('crx \0\0\0\x01crx isom', 'latin1'))
    for (const size of [2, 7, 0xffffffff]) {
      const bad = box('moov', Buffer.alloc(40))
      bad.writeUInt32BE(size)
      const opening = openPicture(Buffer.concat([start, bad]))
      await expect(opening).rejects.toMatchObject({ code: 'unsupported_format' })
    }
  })
})
