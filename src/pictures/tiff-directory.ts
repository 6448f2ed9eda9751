// Directories of a TIFF file (TIFF 6.0, section 2), of which most cameras' raw files are made.
// Reads what is there and never throws: a file that lies about itself merely has fewer directories.

/** One directory: the numbers of each tag, and where a tag's bytes are. */
export interface Directory {
  /** Unsigned integers of a tag; empty where it is absent or of another type. */
  numbers(tag: number): readonly number[]
  /** Offset and length of a tag's bytes. */
  span(tag: number): { readonly at: number; readonly length: number } | undefined
}

/** An open TIFF structure. */
export interface TiffFile {
  /** Offset of the first directory. */
  readonly first: number
  /** A directory and the offset of the one that follows it, 0 for none. */
  directory(at: number): { readonly directory: Directory; readonly next: number } | undefined
}

/** Bytes of one value by type number; 13 is an offset of a directory. */
const SIZES: readonly number[] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4]
const [BYTE, SHORT, LONG, IFD] = [1, 3, 4, 13]

/** Values of one tag that are read; strips of a large picture are a few thousand. */
const MAX_VALUES = 10_000

/** The structure in `bytes`; `base` is what its offsets count from. Null when there is none. */
export function openTiff(bytes: Uint8Array, base = 0): TiffFile | null {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(base)
  if (view.length < 8) return null
  const order = view.toString('latin1', 0, 2)
  if (order !== 'II' && order !== 'MM') return null
  const first = order === 'II' ? view.readUInt32LE(4) : view.readUInt32BE(4)
  return { first, directory: (at) => readDirectory(view, at, order === 'II') }
}

/** One directory at `at` of `view`. */
export function readDirectory(view: Buffer, at: number, isLittle: boolean) {
  const u16 = (p: number) => (isLittle ? view.readUInt16LE(p) : view.readUInt16BE(p))
  const u32 = (p: number) => (isLittle ? view.readUInt32LE(p) : view.readUInt32BE(p))
  if (at < 8 || at + 2 > view.length) return undefined
  const count = u16(at)
  const end = at + 2 + count * 12
  if (count === 0 || end > view.length) return undefined
  const entries = new Map<number, { type: number; count: number; at: number }>()
  for (let p = at + 2; p < end; p += 12) {
    const [type, values] = [u16(p + 2), u32(p + 4)]
    const bytes = (SIZES[type] ?? 0) * values
    const valueAt = bytes <= 4 ? p + 8 : u32(p + 8)
    if (bytes > 0) entries.set(u16(p), { type, count: values, at: valueAt })
  }
  const directory: Directory = {
    numbers(tag) {
      const entry = entries.get(tag)
      if (!entry || ![BYTE, SHORT, LONG, IFD].includes(entry.type)) return []
      const size = SIZES[entry.type]!
      const length = Math.min(entry.count, MAX_VALUES)
      if (entry.at + length * size > view.length) return []
      const read = size === 1 ? (p: number) => view[p]! : size === 2 ? u16 : u32
      return Array.from({ length }, (_, i) => read(entry.at + i * size))
    },
    span(tag) {
      const entry = entries.get(tag)
      return entry && { at: entry.at, length: entry.count * SIZES[entry.type]! }
    },
  }
  return { directory, next: end + 4 <= view.length ? u32(end) : 0 }
}
