// The HNSW graph behind the port: packs changes for the worker thread that owns it, in pieces small
// enough for a search to get in between.
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import { startWorker, type WorkerClient } from '../core/worker.ts'
import { requireDimension } from './dimension.ts'
import { EF_PER_HIT, efFor, loadHnswlib } from './hnsw-graph.ts'
import type { HnswMethods, PackedChanges } from './hnsw-worker.ts'
import { type IndexOptions, loadIndexFile, saveIndexFile } from './index-file.ts'
import { serialQueue } from './serial.ts'
import type { Hit, VectorChange, VectorIndex } from './vector-index.ts'

/** Rows per call of the worker: an insertion takes 0.2 to 1 ms, so a search waits 50 ms at most. */
const ROWS_PER_CALL = 50

/**
 * What comparing one row costs, in candidates of the graph's walk: the library copies each vector
 * into a JavaScript array (50 µs at 256 dimensions), where the walk takes 2 to 3 µs a candidate.
 */
const STEPS_PER_SCANNED_ROW = 16

/** Whether hnswlib-node is installed and runs here; never throws. */
export async function hnswAvailable(): Promise<boolean> {
  try {
    return loadHnswlib().HierarchicalNSW !== undefined
  } catch {
    return false
  }
}

/**
 * Opens the graph saved in `directory`, or an empty one at sequence 0 when there is none that
 * matches `identity`. Hits are approximate (recall@10 above 0.99 with the built-in model); scores
 * are computed in float32. Throws `bad_input` when hnswlib-node is missing.
 */
export async function openHnswIndex({ identity, directory }: IndexOptions): Promise<VectorIndex> {
  if (!(await hnswAvailable())) {
    throw new LucidaError(
      'bad_input',
      'The hnsw index needs the optional package hnswlib-node, which is missing or does not load ' +
        'here; install a C++ compiler and reinstall, or use the exact index',
    )
  }
  const { dimension } = identity
  const place = directory === undefined ? null : { directory, kind: 'hnsw' as const, identity }
  const worker = startWorker<HnswMethods>(import.meta.url, 'hnsw-worker')
  const inOrder = serialQueue()
  const loaded =
    place &&
    (await loadIndexFile(place, async ({ sequence, vectors, labels }) => {
      await vectors.verify()
      const state = await worker.call('read', [dimension, vectors.path, labels], [labels.buffer])
      return { sequence, state }
    }))
  let state = loaded?.state ?? (await worker.call('create', [dimension]))
  let sequence = loaded?.sequence ?? 0
  let unsaved = false

  return {
    kind: 'hnsw',
    dimension,
    get size() {
      return state.size
    },
    get sequence() {
      return sequence
    },
    apply: (changes, upTo) =>
      inOrder(async () => {
        for (const { vector } of changes) if (vector) requireDimension(vector, dimension)
        if (changes.length === 0 && upTo === sequence) return
        unsaved = true
        for (let start = 0; start < changes.length; start += ROWS_PER_CALL) {
          const packed = pack(changes.slice(start, start + ROWS_PER_CALL), dimension)
          state = await worker.call('apply', [packed], [packed.vectors.buffer])
        }
        while (state.wasteful) state = await worker.call('compact', [ROWS_PER_CALL])
        sequence = upTo
      }),
    async search(query, k, among) {
      requireDimension(query, dimension)
      if (!among) return worker.call('search', [query, k])
      const allowed = await among.contents()
      return searchAmong(worker, () => state.size, { query, k, allowed })
    },
    vectorsOf: (contents) => worker.call('vectorsOf', [contents]),
    save: () =>
      inOrder(async () => {
        if (!place || !unsaved) return
        await saveIndexFile(place, {
          sequence,
          labels: await worker.call('labels', []),
          writeVectors: (path) => worker.call('write', [path]),
        })
        unsaved = false
      }),
    close: () =>
      // After the searches under way.
      inOrder(() => worker.end('vectorsOf', [[]])),
  }
}

/**
 * Few contents are scanned. For many, the graph is asked for so many hits that `k` allowed ones are
 * likely among them, then for twice as many until they are; at last for all that it holds.
 */
async function searchAmong(
  worker: WorkerClient<HnswMethods>,
  size: () => number,
  wanted: {
    readonly query: UnitVector
    readonly k: number
    readonly allowed: ReadonlySet<ContentHash>
  },
): Promise<Hit[]> {
  const { query, allowed } = wanted
  const k = Math.min(wanted.k, allowed.size)
  if (!(k >= 1)) return []
  const survivors = Math.max(k, efFor(size()) / EF_PER_HIT)
  for (let hits = Math.ceil((survivors * size()) / allowed.size); ; hits *= 2) {
    if (allowed.size * STEPS_PER_SCANNED_ROW <= hits * EF_PER_HIT) {
      return worker.call('scan', [query, k, [...allowed]])
    }
    const held = size()
    const found = await worker.call('search', [query, Math.min(hits, held)])
    const among = found.filter(({ content }) => allowed.has(content))
    if (among.length >= k || hits >= held) return among.slice(0, k)
  }
}

function pack(changes: readonly VectorChange[], dimension: number): PackedChanges {
  const puts = changes.flatMap(({ vector }) => (vector ? [vector] : []))
  const vectors = new Float32Array(puts.length * dimension)
  for (const [i, vector] of puts.entries()) vectors.set(vector, i * dimension)
  return {
    contents: changes.map(({ content }) => content),
    isPut: changes.map(({ vector }) => vector !== null),
    vectors,
  }
}
