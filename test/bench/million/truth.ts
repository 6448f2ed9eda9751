// The ten nearest vectors of every query, by comparing it with all of them: what recall is judged by.
import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DIMENSION, QUERIES, readVectors } from './vectors.ts'

/** Neighbours that count. */
export const K = 10
/** Rows in memory at once, and those that all queries are compared with while they lie in the cache. */
const BLOCK = 20_000
const TILE = 100

/** Rows of the nearest, best first: [queries, K]. Worked out once, then read. */
export async function exactNeighbours(folder: string): Promise<Uint32Array> {
  const path = join(folder, 'truth.u32')
  const known = await readFile(path).catch(() => null)
  if (known?.length === QUERIES * K * 4) return new Uint32Array(Uint8Array.from(known).buffer)
  const { size } = await stat(join(folder, 'vectors.f32'))
  const count = size / (DIMENSION * 4)
  console.error(`comparing ${QUERIES} queries with all ${count} vectors`)
  const queries = await readVectors(join(folder, 'queries.f32'), 0, QUERIES)
  const best = Array.from({ length: QUERIES }, () => new Best())
  for (let start = 0; start < count; start += BLOCK) {
    const rows = Math.min(BLOCK, count - start)
    const vectors = await readVectors(join(folder, 'vectors.f32'), start, start + rows)
    for (let tile = 0; tile < rows; tile += TILE) {
      const end = Math.min(tile + TILE, rows)
      for (let query = 0; query < QUERIES; query++) {
        compare(queries, query * DIMENSION, vectors, tile, end, start, best[query]!)
      }
    }
  }
  const found = new Uint32Array(best.flatMap(({ rows }) => rows))
  await writeFile(`${path}.tmp`, found)
  await rename(`${path}.tmp`, path)
  return found
}

/** Share of the neighbours that were found. */
export function recallOf(found: readonly (readonly number[])[], truth: Uint32Array): number {
  let right = 0
  for (const [query, rows] of found.entries()) {
    const wanted = new Set(truth.subarray(query * K, (query + 1) * K))
    right += rows.filter((row) => wanted.has(row)).length
  }
  return right / (found.length * K)
}

/** The best so far, in order; few enough for insertion. */
class Best {
  readonly rows: number[] = []
  readonly #scores: number[] = []
  lowest = Number.NEGATIVE_INFINITY

  offer(row: number, score: number): void {
    if (score <= this.lowest) return
    let at = this.rows.length
    while (at > 0 && this.#scores[at - 1]! < score) at--
    this.rows.splice(at, 0, row)
    this.#scores.splice(at, 0, score)
    if (this.rows.length > K) {
      this.rows.pop()
      this.#scores.pop()
    }
    if (this.rows.length === K) this.lowest = this.#scores[K - 1]!
  }
}

/** Four rows at a time: each number of the query is read once for them. */
function compare(
  queries: Float32Array,
  query: number,
  vectors: Float32Array,
  first: number,
  end: number,
  offset: number,
  best: Best,
): void {
  let row = first
  for (; row + 4 <= end; row += 4) {
    const at = row * DIMENSION
    let [a, b, c, d] = [0, 0, 0, 0]
    for (let j = 0; j < DIMENSION; j++) {
      const value = queries[query + j]!
      a += value * vectors[at + j]!
      b += value * vectors[at + DIMENSION + j]!
      c += value * vectors[at + 2 * DIMENSION + j]!
      d += value * vectors[at + 3 * DIMENSION + j]!
    }
    best.offer(offset + row, a)
    best.offer(offset + row + 1, b)
    best.offer(offset + row + 2, c)
    best.offer(offset + row + 3, d)
  }
  for (; row < end; row++) {
    let sum = 0
    for (let j = 0; j < DIMENSION; j++) sum += queries[query + j]! * vectors[row * DIMENSION + j]!
    best.offer(offset + row, sum)
  }
}
