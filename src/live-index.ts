// The index that answers searches: opened at first use, and caught up with the store before each.
import { LucidaError } from './core/errors.ts'
import { spaceFolder } from './search/checkpoint.ts'
import { openIndexFor } from './search/open-index.ts'
import { openPgvectorIndex } from './search/pgvector-index.ts'
import { syncIndex } from './search/sync.ts'
import type { IndexIdentity, VectorIndex } from './search/vector-index.ts'
import { feedState } from './store/changes.ts'
import type { Database } from './store/database.ts'

/** What it is opened with. */
export interface LiveIndexOptions {
  readonly db: Database
  readonly identity: IndexIdentity
  readonly kind: 'auto' | 'exact' | 'hnsw' | 'pgvector' | 'pgvector-binary'
  readonly dataDir: string
  /** Names the time since the last write; `null` where others may write at any time. */
  readonly quietSince: () => number | null
}

/** An index that follows the store. */
export interface LiveIndex {
  /** Caught up; one caller at a time does the catching up. Throws `index_stale`. */
  readonly current: () => Promise<VectorIndex>
  /** As it is now, if it is open. */
  readonly opened: VectorIndex | undefined
}

/** Opens nothing yet. */
export function openLiveIndex(options: LiveIndexOptions): LiveIndex {
  const { db, identity, kind, dataDir, quietSince } = options
  const directory = spaceFolder(dataDir, identity)
  let opened: VectorIndex | undefined
  let syncedSince: number | null = null
  let turn: Promise<unknown> = Promise.resolve()

  const open = async (fresh: boolean): Promise<VectorIndex> => {
    if (kind === 'pgvector') return openPgvectorIndex({ db, identity, graph: 'half', fresh })
    if (kind === 'pgvector-binary') return openPgvectorIndex({ db, identity, graph: 'bits', fresh })
    const { count } = await feedState(db, identity)
    return openIndexFor({ kind, count, identity, directory, fresh })
  }
  /** A database that is away for a moment leaves an index that nobody has compared with it. */
  let compared = true
  const sync = async (index: VectorIndex): Promise<boolean> => {
    const mayBeWrong = !compared
    compared = false
    const isTrue = await syncIndex(db, identity, index, mayBeWrong)
    compared = true
    return isTrue
  }
  const catchUp = async (): Promise<VectorIndex> => {
    opened ??= await open(false)
    if (await sync(opened)) return opened
    const wrong = opened
    // Not the one to go on with, also where the next cannot be opened just now.
    opened = undefined
    await wrong.close()
    opened = await open(true)
    if (await sync(opened)) return opened
    throw new LucidaError('index_stale', 'The index keeps changing while it is rebuilt; try again')
  }
  const current = async (): Promise<VectorIndex> => {
    const since = quietSince()
    if (opened && since !== null && since === syncedSince) return opened
    const index = await catchUp()
    syncedSince = since
    return index
  }

  return {
    current() {
      const result = turn.then(current)
      turn = result.catch(() => {})
      return result
    },
    get opened() {
      return opened
    },
  }
}
