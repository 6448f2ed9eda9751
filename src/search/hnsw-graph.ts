// Hierarchical navigable small world graph (Malkov & Yashunin 2016, arXiv:1603.09320) on
// hnswlib-node 3.0.0. It runs in a worker thread, because every call of the library is synchronous.
// What differs from plain use of the library:
// - A row of the graph is never updated or marked deleted in place. `markDelete` can crash the
//   process: once a search from the entry point meets only marked nodes, the next insertion reads
//   the last of zero neighbours (`mutuallyConnectNewElement`); `updatePoint` leaves stale links.
//   A replaced or removed content leaves its row behind as a waypoint, which is dropped from the
//   results here, and the graph is built anew when such rows outnumber the living ones.
// - The library forgets `ef` when it loads a file; asking for `ef` results has the same effect.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import { dot } from '../core/vector.ts'
import { openRowContents, type RowContents } from './row-contents.ts'
import { compareHits, topHits } from './top-hits.ts'
import type { Hit } from './vector-index.ts'

/** The part of hnswlib-node's class that is used; it takes plain arrays only. */
interface NativeGraph {
  initIndex(maxElements: number, m: number, efConstruction: number): void
  readIndexSync(path: string): void
  writeIndexSync(path: string): void
  resizeIndex(maxElements: number): void
  addPoint(vector: number[], label: number): void
  getPoint(label: number): number[]
  searchKnn(query: number[], k: number): { distances: number[]; neighbors: number[] }
  getMaxElements(): number
  getCurrentCount(): number
}
interface NativeModule {
  readonly HierarchicalNSW: new (space: 'ip', dimension: number) => NativeGraph
}

/** A graph whose label `row` stands for the content of that row. */
export interface HnswGraph {
  readonly dimension: number
  readonly native: NativeGraph
  readonly contents: RowContents
}

const FIRST_CAPACITY = 1024
/** Links per node and candidates per insertion: the defaults of hnswlib's ALGO_PARAMS.md. */
export const M = 16
export const EF_CONSTRUCTION = 200
/**
 * Fewest candidates per search. Measured with 300 captions as queries on pictures embedded by the
 * built-in model (256 dimensions): over 32,024 pictures recall@10 is 0.998 at 100 and 1.000 at 300.
 * Queries about things that no picture shows are harder: over the 6,500 pictures that were left
 * when those near 100 captions had been taken out, it is 0.95 at 200, 0.98 at 400 and 0.99 at 600,
 * for half a millisecond a search.
 */
const EF_SEARCH = 600
/**
 * Candidates grow with the root of the size, from 22,500 contents on: with as many for any size recall
 * falls as the collection grows (`npm run bench -- million`).
 */
const EF_PER_ROOT = 4
/** Candidates per wanted hit: recall@100 on the same pictures is 0.97 at 1 and 0.99 at 2. */
export const EF_PER_HIT = 2

/** Fewest candidates per search of so many contents. */
export function efFor(size: number): number {
  return Math.max(EF_SEARCH, Math.ceil(EF_PER_ROOT * Math.sqrt(size)))
}

/** Loads the native module; throws when it was not installed or does not suit this Node.js. */
export function loadHnswlib(): NativeModule {
  // An optional dependency: an import with a literal name would not compile without it.
  return createRequire(import.meta.url)('hnswlib-node') as NativeModule
}

/** A graph without rows for vectors of `dimension`. */
export function emptyGraph(dimension: number): HnswGraph {
  const native = new (loadHnswlib().HierarchicalNSW)('ip', dimension)
  native.initIndex(FIRST_CAPACITY, M, EF_CONSTRUCTION)
  return { dimension, native, contents: openRowContents() }
}

/**
 * The graph written by `writeGraph`; `labels` are its contents, packed, and become its own. Throws
 * `checksum_mismatch` when it does not fit them.
 */
export function readGraph(
  dimension: number,
  path: string,
  labels: Uint8Array<ArrayBuffer>,
): HnswGraph {
  const contents = openRowContents(labels)
  // The library would load an empty graph with room for nothing.
  if (contents.rows === 0) return emptyGraph(dimension)
  const native = new (loadHnswlib().HierarchicalNSW)('ip', dimension)
  native.readIndexSync(path)
  if (native.getCurrentCount() !== contents.rows) {
    throw new LucidaError('checksum_mismatch', `${path} does not hold ${contents.rows} vectors`)
  }
  return { dimension, native, contents }
}

/** Writes the vectors and their links. Throws `internal` when the disk took only a part. */
export function writeGraph({ native, contents }: HnswGraph, path: string): void {
  native.writeIndexSync(path)
  if (!isComplete(path, contents.rows)) {
    throw new LucidaError('internal', `${path} is incomplete; is the disk full?`)
  }
}

/** Adds a content, or moves it to a new row when its vector has changed. */
export function putInGraph(graph: HnswGraph, content: ContentHash, vector: Float32Array): void {
  const { native, contents } = graph
  const point = Array.from(vector)
  const old = contents.rowOf(content)
  // A change feed that is replayed after a crash must not fill the graph with left rows.
  if (old !== undefined && native.getPoint(old).every((value, i) => value === point[i])) return
  const { rows } = contents
  if (rows >= native.getMaxElements()) native.resizeIndex(2 * rows)
  const row = contents.push(content)
  if (old !== undefined) contents.leave(old)
  native.addPoint(point, row)
}

/** Takes a content out of all later results; does nothing when it is unknown. */
export function removeFromGraph({ contents }: HnswGraph, content: ContentHash): void {
  const row = contents.rowOf(content)
  if (row !== undefined) contents.leave(row)
}

/** Whether more rows were left than live: such a graph should be built anew. */
export function isWasteful({ contents }: HnswGraph): boolean {
  return contents.rows > 2 * contents.size
}

/** Copies the rows from `start` up to `end` that are alive into another graph. */
export function copyRows(from: HnswGraph, to: HnswGraph, start: number, end: number): void {
  for (let row = start; row < Math.min(end, from.contents.rows); row++) {
    const content = from.contents.contentAt(row)
    if (content) putInGraph(to, content, Float32Array.from(from.native.getPoint(row)))
  }
}

/** The nearest `k`, best first; always min(k, number of contents). */
export function searchGraph(graph: HnswGraph, query: Float32Array, k: number): Hit[] {
  const { native, contents } = graph
  const { rows, size } = contents
  const wanted = Math.min(k, size)
  if (!(wanted >= 1)) return []
  const point = Array.from(query)
  const ef = efFor(size)
  const live = Math.max(EF_PER_HIT * wanted, ef)
  // Left rows take up places among the candidates: as many as on average, or more near the query.
  // A quarter of the margin is enough then, because the walk has gone far beyond the wanted ones.
  const enough = Math.max(ef / 4, 1.5 * wanted)
  let candidates = Math.ceil((live * rows) / size)
  for (;;) {
    candidates = Math.min(candidates, rows)
    const { neighbors, distances } = native.searchKnn(point, candidates)
    const hits = () => bestHits(contents, neighbors, distances, wanted)
    // Some rows may be out of reach; many identical vectors, for one, link only to each other.
    if (neighbors.length < candidates) return scanRest(graph, query, wanted, neighbors, hits())
    if (candidates === rows || liveAmong(contents, neighbors) >= enough) return hits()
    candidates *= 2
  }
}

function liveAmong(contents: RowContents, found: readonly number[]): number {
  if (contents.rows === contents.size) return found.length
  return found.reduce((sum, row) => (contents.isLeft(row) ? sum : sum + 1), 0)
}

/** The best of what was found, which is in order; hashes are read of these only. */
function bestHits(
  contents: RowContents,
  found: readonly number[],
  distances: readonly number[],
  wanted: number,
): Hit[] {
  const hits: Hit[] = []
  for (const [i, row] of found.entries()) {
    const score = 1 - distances[i]!
    // Those that score like the last wanted one may come before it.
    if (hits.length >= wanted && score < hits.at(-1)!.score) break
    const content = contents.contentAt(row)
    if (content) hits.push({ content, score })
  }
  return hits.sort(compareHits).slice(0, wanted)
}

/** The nearest `k` of some contents, compared one by one: exact. Unknown ones are passed over. */
export function scanContents(
  { native, contents }: HnswGraph,
  query: Float32Array,
  k: number,
  some: readonly ContentHash[],
): Hit[] {
  const best = topHits(Math.max(1, Math.min(k, some.length)))
  for (const content of some) {
    const row = contents.rowOf(content)
    if (row === undefined) continue
    best.offer(content, dot(query, Float32Array.from(native.getPoint(row))))
  }
  return best.take()
}

/** Adds the rows that no link led to: slow (30 µs each), but complete. */
function scanRest(
  { native, contents }: HnswGraph,
  query: Float32Array,
  wanted: number,
  found: readonly number[],
  hits: readonly Hit[],
): Hit[] {
  const seen = new Set(found)
  const best = topHits(wanted)
  for (const { content, score } of hits) best.offer(content, score)
  for (let row = 0; row < contents.rows; row++) {
    const content = seen.has(row) ? null : contents.contentAt(row)
    if (content) best.offer(content, dot(query, Float32Array.from(native.getPoint(row))))
  }
  return best.take()
}

/**
 * Whether a file holds all its rows. hnswlib ignores failed writes, so that a full disk leaves a
 * file cut short. Layout (hnswalg.h, `saveIndex`): 96 bytes of parameters, the bytes per row at
 * 24; the rows; for each row the size of its upper links and those links.
 */
function isComplete(path: string, rows: number): boolean {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const parameters = Buffer.alloc(96)
    if (readSync(file, parameters, 0, 96, 0) < 96) return false
    const start = 96 + rows * Number(parameters.readBigUInt64LE(24))
    const links = Buffer.alloc(Math.max(0, size - start))
    readSync(file, links, 0, links.length, start)
    let end = 0
    for (let row = 0; row < rows; row++) {
      if (end + 4 > links.length) return false
      end += 4 + links.readUInt32LE(end)
    }
    return end === links.length
  } finally {
    closeSync(file)
  }
}
