// The thread that owns one HNSW graph: `hnsw-index.ts` calls it, `hnsw-graph.ts` does the work.
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import { serveWorker } from '../core/worker.ts'
import {
  type HnswGraph,
  copyRows,
  emptyGraph,
  isWasteful,
  putInGraph,
  readGraph,
  removeFromGraph,
  scanContents,
  searchGraph,
  writeGraph,
} from './hnsw-graph.ts'
import type { Hit } from './vector-index.ts'

/** Changes in order; `vectors` holds one after another those of the changes that are puts. */
export interface PackedChanges {
  readonly contents: readonly ContentHash[]
  readonly isPut: readonly boolean[]
  readonly vectors: Float32Array<ArrayBuffer> // [puts, d]
}

/** What the caller mirrors after each change. */
export interface GraphState {
  readonly size: number
  /** Call `compact` until this is false. */
  readonly wasteful: boolean
}

let graph: HnswGraph | undefined
/** The successor under construction and the number of rows that have been considered for it. */
let compacted: { graph: HnswGraph; rows: number } | undefined

const methods = {
  create(dimension: number): GraphState {
    graph = emptyGraph(dimension)
    return stateOf(graph)
  },

  read(dimension: number, path: string, labels: Uint8Array<ArrayBuffer>): GraphState {
    graph = readGraph(dimension, path, labels)
    return stateOf(graph)
  },

  apply({ contents, isPut, vectors }: PackedChanges): GraphState {
    const current = opened()
    // A successor that an error left half built does not know of these changes.
    compacted = undefined
    let start = 0
    for (const [i, content] of contents.entries()) {
      if (isPut[i]) {
        const end = start + current.dimension
        putInGraph(current, content, vectors.subarray(start, end))
        start = end
      } else {
        removeFromGraph(current, content)
      }
    }
    return stateOf(current)
  },

  /** Moves on by some rows; between two calls searches are answered from the old graph. */
  compact(rows: number): GraphState {
    const current = opened()
    compacted ??= { graph: emptyGraph(current.dimension), rows: 0 }
    copyRows(current, compacted.graph, compacted.rows, compacted.rows + rows)
    compacted.rows += rows
    if (compacted.rows < current.contents.rows) return stateOf(current)
    graph = compacted.graph
    compacted = undefined
    return stateOf(graph)
  },

  search(query: UnitVector, k: number): Hit[] {
    return searchGraph(opened(), query, k)
  },

  vectorsOf(some: readonly ContentHash[]): Map<ContentHash, UnitVector> {
    const { native, contents } = opened()
    const known = some.flatMap((content) => {
      const row = contents.rowOf(content)
      return row === undefined ? [] : [[content, Float32Array.from(native.getPoint(row))] as const]
    })
    return new Map(known) as Map<ContentHash, UnitVector>
  },

  scan(query: UnitVector, k: number, some: readonly ContentHash[]): Hit[] {
    return scanContents(opened(), query, k, some)
  },

  write(path: string): void {
    writeGraph(opened(), path)
  },

  labels(): Uint8Array {
    return opened().contents.pack()
  },
}

/** The methods, for the caller's types. */
export type HnswMethods = typeof methods

serveWorker(methods)

function opened(): HnswGraph {
  if (!graph) throw new LucidaError('internal', 'The graph has not been created or read')
  return graph
}

function stateOf(current: HnswGraph): GraphState {
  return { size: current.contents.size, wasteful: isWasteful(current) }
}
