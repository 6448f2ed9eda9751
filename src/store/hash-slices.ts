// The whole range of content hashes in slices. Hashes are spread evenly, so that a statement over one
// slice at a time holds nobody up for long, however many pictures there are: the embedded database
// works on the thread that answers requests.
import { and, gt, lt, type SQL } from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import type { contents, paths } from './schema.ts'

/** About 1,600 of 100,000 pictures each. */
const SLICES = 64
const HASH_DIGITS = 64

/** Conditions on a hash, one a slice, in order; together they are all that lies behind `after`. */
export function* hashSlices(
  column: typeof contents.hash | typeof paths.content,
  after?: ContentHash,
): Generator<SQL> {
  for (let i = 0; i < SLICES; i++) {
    const isLast = i === SLICES - 1
    const [start, end] = [bound(i), bound(i + 1)]
    if (after !== undefined && !isLast && after >= end) continue
    const from = after !== undefined && after > start ? after : start
    yield and(gt(column, from), isLast ? undefined : lt(column, end))!
  }
}

/** Where slice `i` begins: 256 / 64 = 4 values of the first byte each. */
function bound(i: number): ContentHash {
  const firstByte = Math.min(255, (i * 256) / SLICES)
  return firstByte.toString(16).padStart(2, '0').padEnd(HASH_DIGITS, '0')
}
