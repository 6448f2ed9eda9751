// The port behind which every nearest-neighbour index lives.
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import type { PictureFilter } from '../store/filters.ts'

/** A nearest neighbour: `score` is the cosine in [-1, 1], higher is closer. */
export interface Hit {
  readonly content: ContentHash
  readonly score: number
}

/** One step of the store's change feed: a vector put in place, or (null) taken away. */
export interface VectorChange {
  readonly content: ContentHash
  readonly vector: UnitVector | null
}

/** The contents that pass a filter. An index in the database filters there, others ask for them. */
export interface Among {
  readonly filter: PictureFilter
  /** How many pass. */
  count(): Promise<number>
  /** Those that pass; an index may know fewer of them. */
  contents(): Promise<ReadonlySet<ContentHash>>
}

/** Exactly these contents. */
export function amongContents(contents: ReadonlySet<ContentHash>): Among {
  return {
    filter: { contents: [...contents] },
    count: async () => contents.size,
    contents: async () => contents,
  }
}

/**
 * Nearest-neighbour index over unit vectors, one entry per distinct content.
 * Derived data: may be deleted and rebuilt from the store at any time.
 */
export interface VectorIndex {
  readonly kind: 'exact' | 'hnsw' | 'pgvector'
  readonly dimension: number
  /** Number of vectors held. */
  readonly size: number
  /** Sequence number of the last change applied; 0 when nothing was. */
  readonly sequence: number
  /** Only where other processes change the index too: looks up its size and sequence. */
  refresh?(): Promise<void>
  /**
   * Applies puts and removals, and moves to `sequence`. A put replaces an earlier vector;
   * removing an unknown content does nothing. Throws `dimension_mismatch`. A shared index may be
   * elsewhere afterwards: further, or back at 0.
   */
  apply(changes: readonly VectorChange[], sequence: number): Promise<void>
  /**
   * At most `k` hits, best first, ties by content hash; fewer only when the index holds fewer.
   * With `among`, among these contents only, of which some may be unknown here: fewer than `k`
   * only when the index holds fewer of them. Throws `dimension_mismatch`.
   */
  search(query: UnitVector, k: number, among?: Among): Promise<Hit[]>
  /** The vectors of those contents that the index holds. */
  vectorsOf(contents: readonly ContentHash[]): Promise<Map<ContentHash, UnitVector>>
  /** Persists the index, atomically: a crash leaves the index as it was before, or the new one. */
  save(): Promise<void>
  close(): Promise<void>
}

/** What an index file must match to be loaded; anything else is rebuilt from the store. */
export interface IndexIdentity {
  /** Database that the vectors came from. */
  readonly storeId: string
  /** Model name. */
  readonly model: string
  /** Recipe of the vectors: weights and preprocessing (see `models/manifest.ts`). */
  readonly recipe: string
  readonly dimension: number
}
