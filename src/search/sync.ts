// Brings a vector index up to date with the store's change feed. The only way into an index.
import { feedState, lastSequenceOf, readChanges, type VectorSpace } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import type { VectorIndex } from './vector-index.ts'

/** Changes per round: 4 MB of 512-d vectors. */
const PAGE = 2000

/**
 * Applies everything since `index.sequence`. Returns false when the index cannot be what the feed
 * says (it is ahead of the store, or holds another number of vectors); rebuild it from nothing.
 * `mayBeWrong`: an earlier call has not come to its end, so the vectors are counted in any case.
 */
export async function syncIndex(
  db: Database,
  space: VectorSpace,
  index: VectorIndex,
  mayBeWrong = false,
): Promise<boolean> {
  await index.refresh?.()
  if (index.sequence > (await lastSequenceOf(db, space))) return false
  let changed = mayBeWrong
  for (;;) {
    const page = await readChanges(db, space, index.sequence, PAGE)
    if (page.sequence === index.sequence) break
    await index.apply(page.changes, page.sequence)
    changed = true
  }
  // Counted only after a change: it is what a silent error would have had to pass through.
  if (!changed) return true
  const { sequence, count } = await feedState(db, space)
  return index.sequence !== sequence || index.size === count
}
