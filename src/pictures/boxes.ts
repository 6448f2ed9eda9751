// Boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2): Canon CR3, JPEG XL, HEIF.

/** One box; `start` and `end` bound its content. */
export interface Box {
  readonly type: string
  readonly start: number
  readonly end: number
}

/** The boxes that follow one another in a part of a file. Ends at the first that makes no sense. */
export function* boxesOf(bytes: Uint8Array, from = 0, to = bytes.length): Generator<Box> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = from; at + 8 <= to; ) {
    const type = view.toString('latin1', at + 4, at + 8)
    const short = view.readUInt32BE(at)
    // 1: the size follows in 8 bytes. 0: up to the end.
    const isLong = short === 1
    if (isLong && at + 16 > to) return
    const size = isLong ? Number(view.readBigUInt64BE(at + 8)) : short === 0 ? to - at : short
    const start = at + (isLong ? 16 : 8)
    if (at + size < start) return
    yield { type, start, end: Math.min(at + size, to) }
    at += size
  }
}
