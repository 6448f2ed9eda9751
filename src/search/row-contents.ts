// Which content each row of a graph stands for, and which row a content has. Hashes lie packed one
// after another, and a table of row numbers finds them: 40 to 48 bytes for a content, where an array of
// strings and a Map of them take 120, and end at 2^24 contents.
import { invalidInput } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import { countContents, HASH_BYTES, isHash } from './row-labels.ts'

/** Rows are numbered from 0 and never used again. */
export interface RowContents {
  /** Rows, those that were left included. */
  readonly rows: number
  /** Contents. */
  readonly size: number
  /** The row of a content; undefined when it has none. */
  rowOf(content: ContentHash): number | undefined
  /** The content of a row; null when it was left. */
  contentAt(row: number): ContentHash | null
  isLeft(row: number): boolean
  /** Gives a content that has no row the next one. Throws `bad_input` unless it is a SHA-256. */
  push(content: ContentHash): number
  /** Takes its content from a row. */
  leave(row: number): void
  /** The hashes, packed: see `row-labels.ts`. */
  pack(): Uint8Array<ArrayBuffer>
}

const FIRST_CAPACITY = 256

/** The rows that `labels` were packed from; they are kept, not copied. */
export function openRowContents(labels: Uint8Array<ArrayBuffer> = new Uint8Array()): RowContents {
  let bytes = Buffer.from(labels.buffer, labels.byteOffset, labels.byteLength)
  let rows = labels.length / HASH_BYTES
  let size = countContents(labels)
  // One more than the row, at the first free place from where the hash says; 0 where it is free. A row
  // that was left stays in its place, where it equals no hash.
  let table = tableFor(rows)
  const wanted = Buffer.alloc(HASH_BYTES)

  const startOf = (hash: Buffer, at: number) => hash.readUInt32LE(at) % table.length
  const enter = (row: number) => {
    let place = startOf(bytes, row * HASH_BYTES)
    while (table[place] !== 0) place = (place + 1) % table.length
    table[place] = row + 1
  }
  const isLeft = (row: number) => {
    const start = row * HASH_BYTES
    for (let at = start; at < start + HASH_BYTES; at++) if (bytes[at] !== 0) return false
    return true
  }
  const fillTable = () => {
    for (let row = 0; row < rows; row++) if (!isLeft(row)) enter(row)
  }
  const equalsWanted = (row: number) => {
    const start = row * HASH_BYTES
    return wanted.compare(bytes, start, start + HASH_BYTES) === 0
  }
  const rowOf = (content: ContentHash) => {
    if (!isHash(content)) return undefined
    wanted.write(content, 'hex')
    for (let place = startOf(wanted, 0); ; place = (place + 1) % table.length) {
      const row = table[place]! - 1
      if (row < 0) return undefined
      if (equalsWanted(row)) return row
    }
  }
  fillTable()

  return {
    get rows() {
      return rows
    },
    get size() {
      return size
    },
    rowOf,
    contentAt(row) {
      return isLeft(row) ? null : bytes.toString('hex', row * HASH_BYTES, (row + 1) * HASH_BYTES)
    },
    isLeft,
    push(content) {
      if (!isHash(content)) throw invalidInput('content', 'a SHA-256', content)
      const row = rows
      const end = (row + 1) * HASH_BYTES
      if (end > bytes.length) {
        const grown = Buffer.from(
          new ArrayBuffer(Math.max(2 * bytes.length, FIRST_CAPACITY * HASH_BYTES)),
        )
        bytes.copy(grown)
        bytes = grown
      }
      bytes.write(content, row * HASH_BYTES, 'hex')
      rows++
      size++
      if (2 * rows > table.length) {
        table = tableFor(2 * rows)
        fillTable()
      } else {
        enter(row)
      }
      return row
    },
    leave(row) {
      if (isLeft(row)) return
      bytes.fill(0, row * HASH_BYTES, (row + 1) * HASH_BYTES)
      size--
    },
    pack: () => Uint8Array.from(bytes.subarray(0, rows * HASH_BYTES)),
  }
}

/** An empty table that stays at most half full. */
function tableFor(rows: number): Uint32Array {
  return new Uint32Array(2 * Math.max(rows, FIRST_CAPACITY))
}
