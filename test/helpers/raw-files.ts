// Camera raw files made by hand: the directories and boxes in which cameras keep their previews,
// without any sensor data. No file of a real camera is free enough to be kept here.

/** A value of a TIFF tag: numbers of 4 bytes, text, bytes, or directories to point at. */
export type TagValue =
  | readonly number[]
  | string
  | Uint8Array
  | { readonly directories: readonly Tags[] }
  /** Where bytes are put, as a number of 4 bytes. */
  | { readonly offsetOf: Uint8Array }
export type Tags = Readonly<Record<number, TagValue>>

const SHORT_TAGS = new Set([0x0103, 0x0112])

/** A TIFF structure of these chained directories. `magic` takes the place of 42. */
export function makeTiff(chain: readonly Tags[], order: 'II' | 'MM' = 'II', magic = 42): Buffer {
  const isLittle = order === 'II'
  let file = Buffer.alloc(8)
  const u16 = (value: number, at: number) =>
    isLittle ? file.writeUInt16LE(value, at) : file.writeUInt16BE(value, at)
  const u32 = (value: number, at: number) =>
    isLittle ? file.writeUInt32LE(value, at) : file.writeUInt32BE(value, at)
  const append = (bytes: Uint8Array) => {
    const at = file.length
    file = Buffer.concat([file, bytes, Buffer.alloc(bytes.length % 2)])
    return at
  }
  const writeDirectory = (tags: Tags): { at: number; end: number } => {
    const entries = Object.entries(tags)
    const at = append(Buffer.alloc(2 + entries.length * 12 + 4))
    u16(entries.length, at)
    entries.forEach(([tag, value], i) => writeEntry(at + 2 + i * 12, Number(tag), value))
    return { at, end: at + 2 + entries.length * 12 }
  }
  const writeNumbers = (numbers: readonly number[], p: number) => {
    u32(numbers.length, p + 4)
    const at = numbers.length > 1 ? append(Buffer.alloc(numbers.length * 4)) : p + 8
    numbers.forEach((number, i) => u32(number, at + i * 4))
    if (numbers.length > 1) u32(at, p + 8)
  }
  const writeEntry = (p: number, tag: number, value: TagValue) => {
    u16(tag, p)
    if (Array.isArray(value) && SHORT_TAGS.has(tag)) {
      u16(3, p + 2)
      u32(1, p + 4)
      u16(value[0] as number, p + 8)
    } else if (Array.isArray(value)) {
      u16(4, p + 2)
      writeNumbers(value as number[], p)
    } else if (typeof value === 'object' && 'directories' in value) {
      u16(4, p + 2)
      writeNumbers(
        value.directories.map((tags) => writeDirectory(tags).at),
        p,
      )
    } else if (typeof value === 'object' && 'offsetOf' in value) {
      u16(4, p + 2)
      writeNumbers([append(value.offsetOf)], p)
    } else {
      const bytes = typeof value === 'string' ? Buffer.from(`${value}\0`) : (value as Uint8Array)
      u16(typeof value === 'string' ? 2 : 7, p + 2)
      u32(bytes.length, p + 4)
      if (bytes.length > 4) u32(append(bytes), p + 8)
      else file.set(bytes, p + 8)
    }
  }
  file.write(order, 'latin1')
  u16(magic, 2)
  let link = 4
  for (const tags of chain) {
    const { at, end } = writeDirectory(tags)
    u32(at, link)
    link = end
  }
  return file
}

/** Tags of a JPEG in a directory of its own. */
export const thumbnail = (jpeg: Uint8Array): Tags => ({
  0x0201: { offsetOf: jpeg },
  0x0202: [jpeg.length],
})

/** Tags of a JPEG as a picture's only strip. */
export const strip = (jpeg: Uint8Array, compression = 6): Tags => ({
  0x0103: [compression],
  0x0111: { offsetOf: jpeg },
  0x0117: [jpeg.length],
})

/** One box of an ISO base media file. */
export function box(type: string, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(body.length + 8)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, body])
}

const u32be = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, i) => bytes.writeUInt32BE(value, i * 4))
  return bytes
}

/** A CR3 with a thumbnail, a preview, a full-size JPEG and three blocks of metadata. */
export function makeCr3(parts: {
  readonly thumbnail: Uint8Array
  readonly preview: Uint8Array
  readonly full?: Uint8Array
  readonly blocks: readonly [image: Buffer, photo: Buffer, gps: Buffer]
}): Buffer {
  const { thumbnail: small, preview, full = Buffer.alloc(0), blocks } = parts
  const canon = box(
    'uuid',
    Buffer.from('85c0b687820f11e08111f4ce462b6a48', 'hex'),
    ...blocks.map((block, i) => box(`CMT${[1, 2, 4][i]}`, block)),
    box('THMB', u32be(0, 0x00a00078, small.length, 0), small),
  )
  const sizes = box('stsz', u32be(0, full.length, 1))
  const moov = (fullAt: number) => {
    const track = box('mdia', box('minf', box('stbl', sizes, box('co64', u32be(0, 1, 0, fullAt)))))
    return box('moov', canon, box('trak', track))
  }
  const file = (fullAt: number) => [
    box('ftyp', Buffer.from('crx \0\0\0\x01crx isom', 'latin1')),
    moov(fullAt),
    box(
      'uuid',
      Buffer.from('eaf42b5e1c984b88b9fbb7dc406e4d16', 'hex'),
      u32be(0, 1),
      box('PRVW', u32be(0, 1, 0x06540438, 1, preview.length), preview),
    ),
  ]
  const before = Buffer.concat(file(0)).length
  return Buffer.concat([...file(before + 8), box('mdat', full)])
}

/** A RAF: the preview's place stands at byte 84. */
export function makeRaf(jpeg: Uint8Array): Buffer {
  const head = Buffer.alloc(148)
  head.write('FUJIFILMCCD-RAW 0201FF000000X-T0', 'latin1')
  head.writeUInt32BE(head.length, 84)
  head.writeUInt32BE(jpeg.length, 88)
  return Buffer.concat([head, jpeg, Buffer.alloc(100)])
}

/** An ORF: the preview is described in the maker's note, by offsets from the note's start. */
export function makeOrf(jpeg: Uint8Array): Buffer {
  const note = Buffer.alloc(12 + 18 + 30)
  note.write('OLYMPUS\0II\x03\0', 'latin1')
  const entry = (at: number, tag: number, type: number, value: number) => {
    note.writeUInt16LE(tag, at)
    note.writeUInt16LE(type, at + 2)
    note.writeUInt32LE(1, at + 4)
    note.writeUInt32LE(value, at + 8)
  }
  note.writeUInt16LE(1, 12)
  entry(14, 0x2020, 13, 30)
  note.writeUInt16LE(2, 30)
  entry(32, 0x0101, 4, note.length)
  entry(44, 0x0102, 4, jpeg.length)
  const exif = { 0x9003: '2024:05:06 07:08:09', 0x927c: Buffer.concat([note, jpeg]) }
  return makeTiff([{ 0x010f: 'OLYMPUS', 0x8769: { directories: [exif] } }], 'II', 0x4f52)
}
