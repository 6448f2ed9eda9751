// p-values by permutation: how often a division into two groups by chance separates values at least
// as far as the division that is tested. Exact while all divisions can be gone through.
import { drawToFront, seededRandom } from './random.ts'
import { mean } from './statistics.ts'

/** A p-value and how it was found. */
export interface PValue {
  readonly p: number
  /** Whether every division was tried; otherwise so many were drawn from the seed. */
  readonly isExact: boolean
  readonly permutations: number
}

/** As many divisions are gone through; two groups of eight have 12,870. */
const EXACT_UP_TO = 20_000
/** Differences by rounding are none. */
const TOLERANCE = 1e-9

/**
 * Two-sided p-value of the difference of the means of two groups. Sampled p-values count the division
 * that is tested among the permutations (Phipson and Smyth 2010), so none is 0.
 */
export function permutationTest(
  first: readonly number[],
  second: readonly number[],
  { permutations, seed }: { readonly permutations: number; readonly seed: number },
): PValue {
  const all = Float64Array.from([...first, ...second])
  const size = first.length
  const total = mean(all) * all.length
  const difference = (sum: number) =>
    Math.abs(sum / size - (total - sum) / (all.length - size)) + TOLERANCE
  const observed = difference(sumOf(all, size)) - TOLERANCE
  const count = divisions(all.length, size)
  if (count <= EXACT_UP_TO) {
    let extreme = 0
    eachDivisionSum(all, size, (sum) => (extreme += difference(sum) >= observed ? 1 : 0))
    return { p: extreme / count, isExact: true, permutations: count }
  }
  const random = seededRandom(seed)
  let extreme = 1
  for (let i = 0; i < permutations; i++) {
    drawToFront(all, size, random)
    if (difference(sumOf(all, size)) >= observed) extreme++
  }
  return { p: extreme / (permutations + 1), isExact: false, permutations }
}

function sumOf(values: Float64Array, count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += values[i]!
  return sum
}

/** n over k, or more than can be gone through. */
function divisions(n: number, k: number): number {
  let count = 1
  for (let i = 1; i <= k && count <= EXACT_UP_TO; i++) count = (count * (n - k + i)) / i
  return Math.round(count)
}

function eachDivisionSum(
  values: Float64Array,
  size: number,
  visit: (sum: number) => void,
  from = 0,
  sum = 0,
): void {
  if (size === 0) return visit(sum)
  for (let i = from; i <= values.length - size; i++) {
    eachDivisionSum(values, size - 1, visit, i + 1, sum + values[i]!)
  }
}
