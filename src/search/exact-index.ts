// Brute force over one block of vectors: exact answers at about a millisecond per million
// multiply-adds. The default while a collection is small, and the oracle that graphs are judged by.
import { setImmediate } from 'node:timers/promises'
import { writeFile } from '../core/durable-file.ts'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import { requireDimension } from './dimension.ts'
import { type IndexOptions, type SavedIndex, loadIndexFile, saveIndexFile } from './index-file.ts'
import { packContents, unpackContents } from './row-labels.ts'
import { serialQueue } from './serial.ts'
import { topHits } from './top-hits.ts'
import type { Hit, VectorIndex } from './vector-index.ts'

/** Rows lie side by side without gaps; the order of rows means nothing. */
interface Rows {
  vectors: Float32Array // [capacity, d]
  readonly contents: ContentHash[]
  readonly rowOf: Map<ContentHash, number>
}

const FIRST_CAPACITY = 256
/** After so many multiply-adds, about 2 ms, a search lets other work run. */
const SLICE_MULTIPLY_ADDS = 2_000_000

/**
 * Opens the index saved in `directory`, or an empty one at sequence 0 when there is none that
 * matches `identity`. Hits are exact; scores are computed in float64.
 */
export async function openExactIndex({ identity, directory }: IndexOptions): Promise<VectorIndex> {
  const { dimension } = identity
  const place = directory === undefined ? null : { directory, kind: 'exact' as const, identity }
  const loaded = place && (await loadIndexFile(place, (saved) => readRows(saved, dimension)))
  const rows = loaded?.rows ?? emptyRows(dimension)
  const inOrder = serialQueue()
  const savesInOrder = serialQueue()
  let sequence = loaded?.sequence ?? 0
  let unsaved = false

  return {
    kind: 'exact',
    dimension,
    get size() {
      return rows.contents.length
    },
    get sequence() {
      return sequence
    },
    apply: (changes, upTo) =>
      inOrder(() => {
        for (const { vector } of changes) if (vector) requireDimension(vector, dimension)
        if (changes.length === 0 && upTo === sequence) return
        unsaved = true
        for (const { content, vector } of changes) {
          if (vector) putRow(rows, content, vector)
          else removeRow(rows, content, dimension)
        }
        sequence = upTo
      }),
    async search(query, k, among) {
      requireDimension(query, dimension)
      const allowed = among && (await among.contents())
      return inOrder(() => searchRows(rows, query, k, allowed && rowsOf(rows, allowed)))
    },
    vectorsOf: (contents) =>
      inOrder(() => {
        const found = new Map<ContentHash, UnitVector>()
        for (const content of contents) {
          const start = (rows.rowOf.get(content) ?? -1) * dimension
          if (start < 0) continue
          found.set(content, rows.vectors.slice(start, start + dimension) as UnitVector)
        }
        return found
      }),
    save: () =>
      savesInOrder(async () => {
        if (!place) return
        // A copy, so that neither searches nor changes wait for the disk.
        const copy = await inOrder(() => {
          if (!unsaved) return null
          unsaved = false
          const used = rows.contents.length * dimension
          return { sequence, contents: [...rows.contents], vectors: rows.vectors.slice(0, used) }
        })
        if (!copy) return
        try {
          await saveIndexFile(place, {
            sequence: copy.sequence,
            labels: packContents(copy.contents),
            writeVectors: (path) => writeFile(path, bytesOf(copy.vectors)),
          })
        } catch (error) {
          unsaved = true
          throw error
        }
      }),
    close: () => savesInOrder(() => inOrder(() => undefined)),
  }
}

function emptyRows(dimension: number): Rows {
  return {
    vectors: new Float32Array(FIRST_CAPACITY * dimension),
    contents: [],
    rowOf: new Map(),
  }
}

async function readRows({ labels, vectors: saved, sequence }: SavedIndex, dimension: number) {
  const contents = unpackContents(labels)
  const vectors = new Float32Array(contents.length * dimension)
  await saved.readInto(bytesOf(vectors))
  const known = contents.filter((content) => content !== null)
  const rowOf = new Map(known.map((content, row) => [content, row]))
  return { sequence, rows: { vectors, contents: known, rowOf } }
}

function bytesOf(vectors: Float32Array): Uint8Array {
  return new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength)
}

function putRow(rows: Rows, content: ContentHash, vector: UnitVector): void {
  const d = vector.length
  let row = rows.rowOf.get(content)
  if (row === undefined) {
    row = rows.contents.push(content) - 1
    rows.rowOf.set(content, row)
    if (rows.vectors.length < (row + 1) * d) rows.vectors = grow(rows.vectors, (row + 1) * d)
  }
  rows.vectors.set(vector, row * d)
}

function grow(vectors: Float32Array, needed: number): Float32Array {
  const grown = new Float32Array(Math.max(2 * vectors.length, needed))
  grown.set(vectors)
  return grown
}

/** The last row moves into the gap. */
function removeRow({ vectors, contents, rowOf }: Rows, content: ContentHash, d: number): void {
  const row = rowOf.get(content)
  if (row === undefined) return
  rowOf.delete(content)
  const last = contents.length - 1
  const moved = contents.pop()!
  if (row === last) return
  vectors.copyWithin(row * d, last * d, (last + 1) * d)
  contents[row] = moved
  rowOf.set(moved, row)
}

/** The rows of those contents that are here, in the order in which they lie in memory. */
function rowsOf({ rowOf }: Rows, allowed: ReadonlySet<ContentHash>): Uint32Array {
  const found = new Uint32Array(allowed.size)
  let count = 0
  for (const content of allowed) {
    const row = rowOf.get(content)
    if (row !== undefined) found[count++] = row
  }
  return found.subarray(0, count).sort()
}

/** Compares the query with all rows, or with some. */
async function searchRows(
  { vectors, contents }: Rows,
  query: UnitVector,
  k: number,
  some?: Uint32Array,
): Promise<Hit[]> {
  const count = some?.length ?? contents.length
  const wanted = Math.min(k, count)
  if (!(wanted >= 1)) return []
  const best = topHits(wanted)
  const sliceRows = Math.max(1, Math.floor(SLICE_MULTIPLY_ADDS / query.length))
  for (let start = 0; start < count; start += sliceRows) {
    if (start > 0) await setImmediate()
    const end = Math.min(start + sliceRows, count)
    for (let i = start; i < end; i++) {
      const row = some ? some[i]! : i
      best.offer(contents[row]!, dotRow(vectors, row * query.length, query))
    }
  }
  return best.take()
}

/** Inner product of one row with the query: [d] · [d]. Four sums are 1.5 times as fast as one. */
function dotRow(vectors: Float32Array, offset: number, query: Float32Array): number {
  const d = query.length
  const unrolled = d - (d % 4)
  let a = 0
  let b = 0
  let c = 0
  let e = 0
  let i = 0
  for (; i < unrolled; i += 4) {
    a += vectors[offset + i]! * query[i]!
    b += vectors[offset + i + 1]! * query[i + 1]!
    c += vectors[offset + i + 2]! * query[i + 2]!
    e += vectors[offset + i + 3]! * query[i + 3]!
  }
  for (; i < d; i++) a += vectors[offset + i]! * query[i]!
  return a + b + c + e
}
