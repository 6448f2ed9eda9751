import * as fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { NO_EXIF, readExif } from '../../src/indexer/exif.ts'

type Value = { readonly type: number; readonly count: number; readonly data: Buffer }
type Directory = Record<number, Value>

const ascii = (text: string | Buffer, end = '\0'): Value => {
  const data = Buffer.concat([Buffer.from(text), Buffer.from(end)])
  return { type: 2, count: data.length, data }
}
const rationals = (...pairs: [number, number][]): Value => ({
  type: 5,
  count: pairs.length,
  data: Buffer.from(new Uint32Array(pairs.flat()).buffer),
})
const byte = (value: number): Value => ({ type: 1, count: 1, data: Buffer.from([value]) })
const long = (value: number): Value => ({
  type: 4,
  count: 1,
  data: Buffer.from(new Uint32Array([value]).buffer),
})

const TAG = {
  make: 0x010f,
  model: 0x0110,
  dateTime: 0x0132,
  photo: 0x8769,
  gps: 0x8825,
  original: 0x9003,
  digitized: 0x9004,
  offset: 0x9010,
  offsetOriginal: 0x9011,
  lens: 0xa434,
} as const

/** Little-endian EXIF with three directories, byte for byte, so that it may also hold nonsense. */
function exif(parts: { image?: Directory; photo?: Directory; gps?: Directory }): Buffer {
  const chunks: Buffer[] = [Buffer.from('Exif\0\0II*\0\x08\0\0\0', 'latin1')]
  const sizeOf = (directory: Directory) => {
    const values = Object.values(directory)
    return 6 + values.length * 12 + values.reduce((sum, { data }) => sum + data.length, 0)
  }
  const image = { ...parts.image, [TAG.photo]: long(0), [TAG.gps]: long(0) }
  const photoAt = 8 + sizeOf(image)
  const photo = parts.photo ?? {}
  image[TAG.photo] = long(photoAt)
  image[TAG.gps] = long(photoAt + sizeOf(photo))
  let at = 8
  for (const directory of [image, photo, parts.gps ?? {}]) {
    const entries = Object.entries(directory)
    let dataAt = at + 6 + entries.length * 12
    const head = Buffer.alloc(6 + entries.length * 12)
    head.writeUInt16LE(entries.length)
    entries.forEach(([tag, { type, count, data }], i) => {
      head.writeUInt16LE(Number(tag), 2 + i * 12)
      head.writeUInt16LE(type, 4 + i * 12)
      head.writeUInt32LE(count, 6 + i * 12)
      if (data.length <= 4) data.copy(head, 10 + i * 12)
      else head.writeUInt32LE(dataAt, 10 + i * 12)
      dataAt += data.length
    })
    chunks.push(head, ...entries.map(([, { data }]) => data))
    at = dataAt
  }
  return Buffer.concat(chunks)
}

const altitude = (value: Value, below: number) =>
  readExif(exif({ gps: { 5: byte(below), 6: value } })).altitudeM
/** A directory entry that claims to hold 4 GiB. */
function hugeEntry(tag: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt16LE(tag)
  bytes.writeUInt16LE(1, 2) // bytes
  bytes.writeUInt32LE(0xffffffff, 4)
  return bytes
}

const taken = (photo: Directory) => {
  const { takenAt, takenOffsetMinutes } = readExif(exif({ photo }))
  return [takenAt, takenOffsetMinutes]
}

test('the fields that sharp writes come back, from every format that carries them', async () => {
  const jpeg = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
    .withExif({
      IFD0: { Make: 'Canon', Model: 'EOS R5' },
      IFD2: {
        DateTimeOriginal: '2024:05:06 07:08:09',
        OffsetTimeOriginal: '+05:30',
        LensModel: 'RF24-70mm F2.8 L IS USM',
      },
      IFD3: {
        GPSLatitudeRef: 'S',
        GPSLatitude: '33/1 51/1 30/1',
        GPSLongitudeRef: 'E',
        GPSLongitude: '151/1 12/1 36/1',
        GPSAltitude: '350/10',
      },
    })
    .jpeg()
    .toBuffer()
  for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
    const { exif } = await sharp(
      await sharp(jpeg).keepExif().toFormat(format).toBuffer(),
    ).metadata()
    expect(readExif(exif)).toEqual({
      takenAt: '2024-05-06T07:08:09',
      takenOffsetMinutes: 330,
      cameraMake: 'Canon',
      cameraModel: 'EOS R5',
      lens: 'RF24-70mm F2.8 L IS USM',
      latitude: -(33 + 51 / 60 + 30 / 3600),
      longitude: 151 + 12 / 60 + 36 / 3600,
      altitudeM: 35,
    })
  }
})

test('a picture without EXIF knows nothing', () => {
  expect(readExif(undefined)).toEqual(NO_EXIF)
})

describe('the time', () => {
  test('is that of exposure, else of digitisation, never of the last edit', () => {
    const original = ascii('2024:05:06 07:08:09')
    const digitized = ascii('2023:01:01 00:00:00')
    expect(taken({ [TAG.original]: original, [TAG.digitized]: digitized })[0]).toBe(
      '2024-05-06T07:08:09',
    )
    expect(taken({ [TAG.digitized]: digitized })[0]).toBe('2023-01-01T00:00:00')
    expect(readExif(exif({ image: { [TAG.dateTime]: original } })).takenAt).toBeNull()
  })

  test.each([
    '0000:00:00 00:00:00',
    '2023:02:29 12:00:00',
    '2024:04:31 12:00:00',
    '2024:13:01 12:00:00',
    '2024:01:01 24:00:00',
    '2024:01:01 12:60:00',
    '0050:01:01 12:00:00',
    '    :  :     :  :  ',
    '2024-01-01 12:00:00',
    '',
  ])('%j is no date', (text) => {
    expect(taken({ [TAG.original]: ascii(text) })).toEqual([null, null])
  })

  test('a leap day and the earliest date of a reset clock are dates', () => {
    expect(taken({ [TAG.original]: ascii('2024:02:29 23:59:59') })[0]).toBe('2024-02-29T23:59:59')
    expect(taken({ [TAG.original]: ascii('1970:01:01 00:00:00') })[0]).toBe('1970-01-01T00:00:00')
  })

  test.each<[string, number | null]>([
    ['+02:00', 120],
    ['-03:30', -210],
    ['+14:00', 840],
    ['-00:00', 0],
    ['+15:00', null],
    ['+02:60', null],
    ['   :  ', null],
    ['CEST', null],
  ])('an offset of %j is %s minutes', (text, minutes) => {
    const date = ascii('2024:05:06 07:08:09')
    expect(taken({ [TAG.original]: date, [TAG.offsetOriginal]: ascii(text) })[1]).toBe(minutes)
    expect(taken({ [TAG.original]: date, [TAG.offset]: ascii(text) })[1]).toBe(minutes)
  })

  test('an offset without a time says nothing', () => {
    expect(taken({ [TAG.offset]: ascii('+02:00') })).toEqual([null, null])
  })
})

describe('text', () => {
  test.each<[string | Buffer, string | null]>([
    ['NIKON CORPORATION\0\0\0', 'NIKON CORPORATION'],
    ['Canon      ', 'Canon'],
    ['  Apple', 'Apple'],
    ['Canon\0garbage', 'Canon'],
    ['two\r\nlines\tand\x1bmore', 'two lines and more'],
    ['', null],
    ['\0\0\0', null],
    ['     ', null],
    ['Caméra', 'Caméra'],
    [Buffer.from('Caméra', 'latin1'), 'Caméra'],
    ['x'.repeat(1000), 'x'.repeat(200)],
  ])('%j is read as %j', (written, read) => {
    expect(readExif(exif({ image: { [TAG.make]: ascii(written) } })).cameraMake).toBe(read)
  })

  test('a number where text belongs is nothing', () => {
    const image = { [TAG.make]: long(7), [TAG.model]: rationals([1, 2]) }
    expect(readExif(exif({ image, photo: { [TAG.lens]: byte(1) } }))).toEqual(NO_EXIF)
  })
})

describe('the position', () => {
  const position = (
    latitude: Value | undefined,
    longitude: Value | undefined,
    halves: [string, string] = ['N', 'E'],
  ) => {
    const gps: Directory = { 1: ascii(halves[0]), 3: ascii(halves[1]) }
    if (latitude) gps[2] = latitude
    if (longitude) gps[4] = longitude
    const read = readExif(exif({ gps }))
    return [read.latitude, read.longitude]
  }
  const east = rationals([2, 1], [30, 1], [0, 1])

  test('is in degrees, north and east positive', () => {
    const north = rationals([48, 1], [45, 1], [36, 1])
    expect(position(north, east)).toEqual([48.76, 2.5])
    expect(position(north, east, ['S', 'W'])).toEqual([-48.76, -2.5])
    expect(position(rationals([0, 1], [0, 1], [0, 1]), east, ['S', 'E'])).toEqual([0, 2.5])
  })

  test.each<[string, Value | undefined]>([
    ['not a number', rationals([0, 0], [0, 0], [0, 0])],
    ['infinite', rationals([1, 0], [0, 1], [0, 1])],
    ['beyond the pole', rationals([90, 1], [0, 1], [1, 1])],
    ['60 minutes', rationals([10, 1], [60, 1], [0, 1])],
    ['incomplete', rationals([10, 1], [5, 1])],
    ['text', ascii('48.76')],
    ['missing', undefined],
  ])('a latitude that is %s makes it unknown', (_name, latitude) => {
    expect(position(latitude, east)).toEqual([null, null])
  })

  test('is unknown without the half of the globe', () => {
    expect(position(east, east, ['', 'E'])).toEqual([null, null])
    expect(position(east, east, ['N', 'x'])).toEqual([null, null])
  })

  test('is unknown at 0/0, which receivers without a fix write', () => {
    const zero = rationals([0, 1], [0, 1], [0, 1])
    expect(position(zero, zero)).toEqual([null, null])
  })

  test('has an altitude above or below the sea', () => {
    expect(altitude(rationals([3501, 10]), 0)).toBe(350.1)
    expect(altitude(rationals([42, 1]), 1)).toBe(-42)
    expect(altitude(rationals([0, 1]), 1)).toBe(0)
    expect(altitude(rationals([0, 0]), 0)).toBeNull()
    expect(altitude(rationals([4_294_967_295, 1]), 0)).toBeNull()
    expect(altitude(rationals([1, 1], [2, 1]), 0)).toBeNull()
  })
})

describe('garbage', () => {
  const good = exif({
    image: { [TAG.make]: ascii('Canon') },
    photo: { [TAG.original]: ascii('2024:05:06 07:08:09') },
    gps: { 1: ascii('N'), 2: rationals([1, 1], [2, 1], [3, 1]) },
  })

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        readExif(bytes)
        readExif(Buffer.concat([Buffer.from('Exif\0\0II*\0\x08\0\0\0', 'latin1'), bytes]))
      }),
    )
  })

  test('never throws, wherever a good block is cut or damaged', () => {
    for (let at = 0; at < good.length; at++) {
      readExif(good.subarray(0, at))
      for (const value of [0, 0x7f, 0xff]) {
        const damaged = Buffer.from(good)
        damaged[at] = value
        readExif(damaged)
      }
    }
  })

  test('a small block that claims millions of values costs neither time nor memory', () => {
    const head = Buffer.from('Exif\0\0II*\0\x08\0\0\0\x88\x13', 'latin1')
    const bomb = Buffer.concat([head, ...Array.from({ length: 5000 }, (_, i) => hugeEntry(i))])
    const startedAt = performance.now()
    expect(readExif(bomb)).toEqual(NO_EXIF)
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})
