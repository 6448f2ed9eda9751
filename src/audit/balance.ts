// Ranking anew so that every beginning of the list has the composition that is asked for: DetGreedy
// (Geyik, Ambler and Kenthapadi 2019, algorithm 1).

/**
 * The order in which items follow each other; `values` are their groups, best item first, below 0 for
 * those of no group, which keep their places. Within a group nothing changes.
 */
export function balancedOrder(values: ArrayLike<number>, targets: readonly number[]): number[] {
  const order = Array.from(values, (_, i) => i)
  const places = order.filter((i) => values[i]! >= 0)
  const queues = targets.map((_, value) => places.filter((i) => values[i] === value))
  const counts = targets.map(() => 0)
  for (const [n, place] of places.entries()) {
    const value = nextValue(queues, counts, targets, n + 1)
    order[place] = queues[value]![counts[value]!]!
    counts[value]!++
  }
  return order
}

/** Whose best item comes nth: of the groups that would fall short, else of those that are not full. */
function nextValue(
  queues: readonly (readonly number[])[],
  counts: readonly number[],
  targets: readonly number[],
  n: number,
): number {
  const left = targets.map((_, value) => value).filter((v) => counts[v]! < queues[v]!.length)
  const short = left.filter((v) => counts[v]! < Math.floor(n * targets[v]!))
  const open = left.filter((v) => counts[v]! < Math.ceil(n * targets[v]!))
  const candidates = short.length > 0 ? short : open.length > 0 ? open : left
  return candidates.reduce((a, b) => (queues[b]![counts[b]!]! < queues[a]![counts[a]!]! ? b : a))
}
