// What the store has of a content. A query for each file would take a tenth of a run's time, so
// once enough have been asked, all hashes are read at once, and only those that occur are asked for.
import type { ContentHash } from '../core/hash.ts'
import type { VectorSpace } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import { findContent, readHashes } from '../store/pictures.ts'

export type ContentLookup = (hash: ContentHash) => Promise<{ known: boolean; embedded: boolean }>

/** Runs over fewer files read no hashes. */
const FEWEST_QUERIES = 64
/** A larger store is asked every time: reading its hashes takes seconds. */
const MOST_HASHES = 200_000

/**
 * For one run. What another process adds meanwhile may be reported as unknown; whoever then writes
 * it again finds it there.
 */
export function lookupContents(db: Database, space: VectorSpace): ContentLookup {
  let asked = 0
  let seen: Promise<Set<number> | null> = Promise.resolve(null)
  return async (hash) => {
    if (++asked === FEWEST_QUERIES) seen = readSeen(db)
    const known = await seen
    const key = shorten(hash)
    if (known === null || known.has(key)) return findContent(db, space, hash)
    known.add(key)
    return { known: false, embedded: false }
  }
}

/** `null` where the store is too large. */
async function readSeen(db: Database): Promise<Set<number> | null> {
  const hashes = await readHashes(db, MOST_HASHES + 1)
  return hashes.length > MOST_HASHES ? null : new Set(hashes.map(shorten))
}

/** The first 52 bits, which a number holds. */
function shorten(hash: ContentHash): number {
  return Number.parseInt(hash.slice(0, 13), 16)
}
