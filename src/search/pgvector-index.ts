// The index inside the database, on pgvector: vectors, graph and filters are where the pictures are,
// and all processes share them. Here is only what is decided for each search: walk or scan.
import type { ContentHash } from '../core/hash.ts'
import { dot, type UnitVector } from '../core/vector.ts'
import type { Database } from '../store/database.ts'
import {
  MAX_CANDIDATES,
  type NearestOptions,
  type NearRow,
  readFromTable,
  scanTable,
  walkTable,
} from '../store/nearest.ts'
import { partsOf } from '../store/citus.ts'
import { requirePgvector } from '../store/pgvector.ts'
import { inChunks } from '../store/statements.ts'
import {
  applyToTable,
  buildGraph,
  type GraphKind,
  prepareTable,
  readState,
  tableName,
  type VectorTable,
} from '../store/vector-table.ts'
import { requireDimension } from './dimension.ts'
import { compareHits } from './top-hits.ts'
import type { Hit, IndexIdentity, VectorIndex } from './vector-index.ts'

export interface PgvectorOptions {
  readonly db: Database
  readonly identity: IndexIdentity
  readonly graph: GraphKind
  /** Takes out what an earlier process has put in. */
  readonly fresh?: boolean
  /** Rows that a scan compares in the time of one step of a walk: see `ROWS_PER_STEP`. */
  readonly rowsPerStep?: number
}

/**
 * Measured on 50,000 vectors of 256 dimensions: a step of a walk takes 20 µs, a row of a scan 1 µs.
 * So below 4,000 pictures there is no graph, and what passes a filter is scanned below 2.4 % of them.
 */
const ROWS_PER_STEP = 20

/** A longer walk is not begun: half of what pgvector allows one (`hnsw.max_scan_tuples`). */
const MAX_STEPS = 10_000

/**
 * Fewest candidates of a walk, and how many for each hit. On 50,000 pictures with 1,000 captions
 * recall@10 is 0.999 at 200 float16 vectors; of signs it takes 400 for 0.99.
 */
const CANDIDATES = {
  half: { least: 200, perHit: 2 },
  bits: { least: 400, perHit: 8 },
} as const

/** Places by which rounding to float16 may move a picture: so many more are scored exactly. */
const MARGIN = 50

/**
 * Opens the table of this space in the database, and makes it if need be. Scores are computed from
 * the exact vectors. Throws `database_unavailable` where pgvector is missing, `bad_input` for more
 * dimensions than it can index.
 */
export async function openPgvectorIndex(options: PgvectorOptions): Promise<VectorIndex> {
  const { db, identity, graph, fresh = false, rowsPerStep = ROWS_PER_STEP } = options
  const { model, recipe, dimension } = identity
  const space = { model, recipe }
  const table: VectorTable = { name: tableName(space, dimension), space, dimension, graph }
  await requirePgvector(db)
  let state = await prepareTable(db, table, fresh)
  // Each part of a table that is spread over nodes has a graph of its own, and all are walked.
  const parts = await partsOf(db, table.name)

  /** Whether so many steps are less work than a scan, which reads all rows whatever the filter. */
  const isWalk = (steps: number) => steps <= MAX_STEPS && steps * parts * rowsPerStep <= state.size

  const ensureGraph = async () => {
    if (state.hasGraph || !isWalk(CANDIDATES[graph].least)) return
    if (await buildGraph(db, table)) state = { ...state, hasGraph: true }
  }

  return {
    kind: 'pgvector',
    dimension,
    get size() {
      return state.size
    },
    get sequence() {
      return state.sequence
    },
    async refresh() {
      state = (await readState(db, table)) ?? (await prepareTable(db, table, true))
    },
    async apply(changes, sequence) {
      for (const { vector } of changes) if (vector) requireDimension(vector, dimension)
      const last = new Map(changes.map(({ content, vector }) => [content, vector]))
      state = await applyToTable(db, table, { changes: last, after: state.sequence, sequence })
    },
    async search(query, k, among) {
      requireDimension(query, dimension)
      if (!(k >= 1)) return []
      await ensureGraph()
      const rows = among ? Math.min(await among.count(), state.size) : state.size
      const limit = k + MARGIN
      const wanted: NearestOptions = { limit, filter: among?.filter }
      const candidates = Math.max(CANDIDATES[graph].least, CANDIDATES[graph].perHit * k)
      // One step for each candidate, or for each row that must be passed over to find enough.
      const enough = graph === 'half' ? limit : candidates
      const steps = Math.max(candidates, (enough * state.size) / Math.max(rows, 1))
      if (state.hasGraph && limit <= MAX_CANDIDATES && isWalk(steps)) {
        const found = await walkTable(db, table, query, { ...wanted, candidates })
        if (found.length >= Math.min(limit, rows)) return rank(found, query, k)
      }
      return rank(await scanTable(db, table, query, wanted), query, k)
    },
    async vectorsOf(contents) {
      const found = new Map<ContentHash, UnitVector>()
      await inChunks(contents, async (some) => {
        for (const { content, vector } of await readFromTable(db, table, some)) {
          found.set(content, vector)
        }
      })
      return found
    },
    save: ensureGraph,
    close: async () => {},
  }
}

function rank(found: readonly NearRow[], query: UnitVector, k: number): Hit[] {
  return found
    .map(({ content, vector }) => ({ content, score: dot(vector, query) }))
    .sort(compareHits)
    .slice(0, k)
}
