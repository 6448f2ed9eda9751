// BMP files made by hand, since sharp writes none.

/** What a bitmap is made of; `rows` come as stored, that is from the bottom up. */
export interface BitmapParts {
  readonly widthPx: number
  /** Negative when the rows come from the top down. */
  readonly height: number
  readonly bits: number
  readonly compression?: number
  /** Blue, green, red, 0 for each. */
  readonly palette?: readonly number[]
  readonly masks?: readonly number[]
  readonly headerBytes?: 12 | 40 | 64 | 124
  readonly rows: readonly (readonly number[])[]
}

/** The file; rows are padded to four bytes, unless it is compressed. */
export function makeBmp(parts: BitmapParts): Buffer {
  const {
    widthPx,
    height,
    bits,
    compression = 0,
    palette = [],
    masks = [],
    headerBytes = 40,
  } = parts
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32LE(headerBytes)
  if (headerBytes === 12) {
    header.writeUInt16LE(widthPx, 4)
    header.writeUInt16LE(height, 6)
    header.writeUInt16LE(bits, 10)
  } else {
    header.writeInt32LE(widthPx, 4)
    header.writeInt32LE(height, 8)
    header.writeUInt16LE(bits, 14)
    header.writeUInt32LE(compression, 16)
  }
  const maskBytes = Buffer.alloc(headerBytes === 40 ? masks.length * 4 : 0)
  masks.forEach((mask, i) =>
    headerBytes === 40
      ? maskBytes.writeUInt32LE(mask, i * 4)
      : header.writeUInt32LE(mask, 40 + i * 4),
  )
  const isPacked = compression === 1 || compression === 2
  const rows = parts.rows.map((row) => {
    const padding = isPacked ? 0 : (4 - (row.length % 4)) % 4
    return Buffer.from([...row, ...Array<number>(padding).fill(0)])
  })
  const before = Buffer.concat([header, maskBytes, Buffer.from(palette)])
  const start = Buffer.alloc(14)
  start.write('BM', 'latin1')
  start.writeUInt32LE(14 + before.length, 10)
  return Buffer.concat([start, before, ...rows])
}
