// What the composition of rankings is where values are dealt to the pictures by chance.
import { setImmediate } from 'node:timers/promises'
import type { ContentHash } from '../core/hash.ts'
import { drawToFront, seededRandom } from './random.ts'
import { countValues, maxSkew, ndkl, sharesOf } from './skew.ts'

/** What an audit says of the first `k` of a ranking. */
export function measurePrefix(ranked: ArrayLike<number>, k: number, targets: readonly number[]) {
  const shares = sharesOf(countValues(ranked, k, targets.length))
  return { shares, maxSkew: maxSkew(shares, targets), ndkl: ndkl(ranked, k, targets) }
}

/** How often chance does as much. */
export interface Chance {
  /** For the MaxSkew of one query. */
  pOf(query: number, observed: number): number
  /** For a mean over all queries. */
  pOfMean(measure: 'maxSkew' | 'ndkl', observed: number): number
}

/** Deals between which others may use the thread. */
const SLICE = 20

/** Deals so many times; one deal serves all queries, as their rankings share pictures. */
export async function dealByChance(
  rankings: readonly (readonly ContentHash[])[],
  values: readonly number[],
  targets: readonly number[],
  { k, permutations, seed }: { k: number; permutations: number; seed: number },
): Promise<Chance> {
  const slots = new Map<ContentHash, number>()
  const places = rankings.map((ranking) =>
    ranking.slice(0, k).map((content) => {
      const slot = slots.get(content) ?? slots.size
      slots.set(content, slot)
      return slot
    }),
  )
  const deal = Int8Array.from(values)
  const random = seededRandom(seed)
  const skews = places.map(() => new Float64Array(permutations))
  const means = { maxSkew: new Float64Array(permutations), ndkl: new Float64Array(permutations) }
  for (let run = 0; run < permutations; run++) {
    if (run % SLICE === 0) await setImmediate()
    drawToFront(deal, slots.size, random)
    for (const [i, list] of places.entries()) {
      const dealt = list.map((slot) => deal[slot]!)
      const one = measurePrefix(dealt, k, targets)
      skews[i]![run] = one.maxSkew
      means.maxSkew[run]! += one.maxSkew / places.length
      means.ndkl[run]! += one.ndkl / places.length
    }
  }
  // The deal that is there counts among those by chance (Phipson and Smyth 2010).
  const shareAt = (all: Float64Array, observed: number) =>
    (1 + all.filter((value) => value >= observed - 1e-9).length) / (permutations + 1)
  return {
    pOf: (query, observed) => shareAt(skews[query]!, observed),
    pOfMean: (measure, observed) => shareAt(means[measure], observed),
  }
}
