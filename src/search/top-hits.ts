// The best k of a stream of scores, without sorting the whole stream.
import type { ContentHash } from '../core/hash.ts'
import type { Hit } from './vector-index.ts'

/** The order of every result: score descending, ties by content hash ascending. */
export function compareHits(a: Hit, b: Hit): number {
  if (a.score !== b.score) return b.score - a.score
  return a.content < b.content ? -1 : a.content > b.content ? 1 : 0
}

/** Collects candidates and keeps the best. */
export interface TopHits {
  offer(content: ContentHash, score: number): void
  /** The best k offered so far, best first. */
  take(): Hit[]
}

/**
 * Keeps the best `k` (at least 1): gathers up to 2k candidates, then sorts and halves them, which
 * costs O(log k) for each candidate that is kept and one comparison for each that is not.
 */
export function topHits(k: number): TopHits {
  let hits: Hit[] = []
  // A candidate equal to the last of the best stays in: its hash may come first.
  let lowest = Number.NEGATIVE_INFINITY
  const cut = () => {
    hits = hits.sort(compareHits).slice(0, k)
    if (hits.length === k) lowest = hits[k - 1]!.score
  }
  return {
    offer(content, score) {
      if (score < lowest) return
      hits.push({ content, score })
      if (hits.length >= 2 * k) cut()
    },
    take() {
      cut()
      return hits
    },
  }
}
