// What a result shows of each picture, in a file that is read a few rows at a time, so that a search
// need not open the database. Derived: written from the store, checked, and made again at will.
//
// Layout, little-endian: 8 bytes of magic, n (float64); n sorted SHA-256 hashes; n + 1 offsets
// (float64) into the rows; the rows, each a CRC-32 (uint32) and one JSON array.
import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { writeFile } from '../core/durable-file.ts'
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'

/** What a result shows of a picture. */
export interface PictureRow {
  readonly hash: ContentHash
  /** Where it lies, in byte order; never empty. */
  readonly paths: readonly string[]
  readonly widthPx: number
  readonly heightPx: number
  /** Wall time at the camera, or `null`. */
  readonly takenAt: string | null
  /** Whether the file says that a trained algorithm made it. */
  readonly generated: boolean
  /** Known to the store, not to the table. */
  readonly thumbHash?: Uint8Array
}

/** An open table. */
export interface PictureTable {
  readonly count: number
  /** The rows of those hashes that are in the table. Throws `index_stale` for a spoilt row. */
  find(hashes: readonly ContentHash[]): Promise<Map<ContentHash, PictureRow>>
  close(): Promise<void>
}

/** Changes with the layout. */
const MAGIC = 'LUCIDAT3'
const HASH_BYTES = 32
const HEAD_BYTES = 16
const NUMBER_BYTES = 8
const CRC_BYTES = 4

/** What tells a table from others. */
export interface TableSeal {
  readonly sizeBytes: number
  /** Of all but the rows. */
  readonly crc32: number
}

/** Writes a table under a name of its own; `rows` come in any order. */
export async function writePictureTable(
  path: string,
  rows: readonly PictureRow[],
): Promise<TableSeal> {
  const sorted = [...rows].sort((a, b) => (a.hash < b.hash ? -1 : 1))
  const hashes = Buffer.alloc(sorted.length * HASH_BYTES)
  const offsets = new Float64Array(sorted.length + 1)
  const texts = sorted.map(({ hash, paths, widthPx, heightPx, takenAt, generated }, i) => {
    hashes.write(hash, i * HASH_BYTES, 'hex')
    const text = Buffer.from(JSON.stringify([paths, widthPx, heightPx, takenAt, generated]))
    const row = Buffer.alloc(CRC_BYTES + text.length)
    row.writeUInt32LE(crc32(text))
    row.set(text, CRC_BYTES)
    offsets[i + 1] = offsets[i]! + row.length
    return row
  })
  const head = Buffer.alloc(HEAD_BYTES)
  head.write(MAGIC, 0, 'latin1')
  head.writeDoubleLE(sorted.length, NUMBER_BYTES)
  const index = Buffer.concat([head, hashes, Buffer.from(offsets.buffer)])
  await writeFile(path, [index, Buffer.concat(texts)])
  return { sizeBytes: index.length + offsets.at(-1)!, crc32: crc32(index) }
}

/** Opens a table, or returns null when it is missing or not the one that was written. */
export async function openPictureTable(
  path: string,
  expected: TableSeal & { readonly count: number },
): Promise<PictureTable | null> {
  const file = await open(path, 'r').catch(() => null)
  if (!file) return null
  const index = await readIndex(file, expected).catch(() => null)
  if (!index) {
    await file.close()
    return null
  }
  return {
    count: expected.count,
    async find(hashes) {
      const found = new Map<ContentHash, PictureRow>()
      for (const hash of hashes) {
        const row = index.rowOf(hash)
        if (row >= 0) found.set(hash, await readRow(file, hash, index.extentOf(row)))
      }
      return found
    },
    close: () => file.close(),
  }
}

interface TableIndex {
  /** Row of a hash, -1 when there is none. */
  rowOf(hash: ContentHash): number
  extentOf(row: number): { position: number; length: number }
}

async function readIndex(
  file: FileHandle,
  expected: TableSeal & { readonly count: number },
): Promise<TableIndex | null> {
  const { count } = expected
  const start = HEAD_BYTES + count * HASH_BYTES + (count + 1) * NUMBER_BYTES
  if ((await file.stat()).size !== expected.sizeBytes || expected.sizeBytes < start) return null
  const bytes = Buffer.alloc(start)
  await file.read(bytes, 0, start, 0)
  const isTable =
    crc32(bytes) === expected.crc32 &&
    bytes.toString('latin1', 0, NUMBER_BYTES) === MAGIC &&
    bytes.readDoubleLE(NUMBER_BYTES) === count
  if (!isTable) return null
  const hashes = bytes.subarray(HEAD_BYTES, HEAD_BYTES + count * HASH_BYTES)
  const offsetAt = (row: number) =>
    bytes.readDoubleLE(HEAD_BYTES + count * HASH_BYTES + row * NUMBER_BYTES)
  return {
    rowOf: (hash) => findHash(hashes, Buffer.from(hash, 'hex')),
    extentOf: (row) => ({
      position: start + offsetAt(row),
      length: offsetAt(row + 1) - offsetAt(row),
    }),
  }
}

/** Binary search among sorted hashes; -1 when it is not there. */
function findHash(hashes: Buffer, wanted: Buffer): number {
  let low = 0
  let high = hashes.length / HASH_BYTES - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const order = hashes.compare(
      wanted,
      0,
      HASH_BYTES,
      middle * HASH_BYTES,
      (middle + 1) * HASH_BYTES,
    )
    if (order === 0) return middle
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return -1
}

async function readRow(
  file: FileHandle,
  hash: ContentHash,
  { position, length }: { position: number; length: number },
): Promise<PictureRow> {
  const bytes = Buffer.alloc(length)
  await file.read(bytes, 0, length, position)
  const text = bytes.subarray(CRC_BYTES)
  if (length < CRC_BYTES || crc32(text) !== bytes.readUInt32LE()) {
    throw new LucidaError('index_stale', `The table of pictures is spoilt at ${hash}`)
  }
  const [paths, widthPx, heightPx, takenAt, generated] = JSON.parse(text.toString())
  return { hash, paths, widthPx, heightPx, takenAt, generated }
}
