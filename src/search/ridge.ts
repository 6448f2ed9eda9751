// Weighted ridge regression with an intercept that is not shrunk and weights that are shrunk toward a
// given direction; and what it would have said of each example had it not been among them, which
// follows from the leverages without fitting again (Hastie, Tibshirani and Friedman, The Elements of
// Statistical Learning, 7.10, for weighted examples).
import { setImmediate } from 'node:timers/promises'
import { cholesky, solveLower, solveUpper } from '../core/cholesky.ts'

/** One example: what is known of it, what it should come to, and how much it counts. */
export interface Example {
  readonly vector: Float32Array
  readonly target: number
  readonly weight: number
}

/** score(x) = weights · x + bias. */
export interface LinearFit {
  readonly weights: Float64Array
  readonly bias: number
  /** Of each example: the score of a fit to the others. */
  readonly leftOut: Float64Array
}

/** Multiply-adds after which other work runs. */
const SLICE = 10_000_000

/** Minimises Σ weight (target - score)² + penalty |weights - toward|². Lets other work run. */
export async function fitRidge(
  examples: readonly Example[],
  toward: Float64Array,
  penalty: number,
): Promise<LinearFit> {
  const d = toward.length
  const n = d + 1
  // About the mean, for the sake of precision only: the intercept takes it up.
  const mean = new Float64Array(d)
  for (const { vector } of examples) {
    for (let i = 0; i < d; i++) mean[i]! += vector[i]! / examples.length
  }
  const rows = examples.map(({ vector }) => {
    const row = new Float64Array(n)
    for (let i = 0; i < d; i++) row[i] = vector[i]! - mean[i]!
    row[d] = 1
    return row
  })
  const matrix = new Float64Array(n * n)
  const right = new Float64Array(n)
  const expected = (row: Float64Array) => dot(row, toward, d)
  let work = 0
  for (const [e, { target, weight }] of examples.entries()) {
    const row = rows[e]!
    const rest = target - expected(row)
    for (let i = 0; i < n; i++) {
      const scaled = weight * row[i]!
      right[i]! += scaled * rest
      for (let j = 0; j <= i; j++) matrix[i * n + j]! += scaled * row[j]!
    }
    work += (n * n) / 2
    if (work < SLICE) continue
    work = 0
    await setImmediate()
  }
  for (let i = 0; i < d; i++) matrix[i * n + i]! += penalty
  const lower = await cholesky(matrix, n)
  const solution = solveUpper(lower, n, solveLower(lower, n, right))
  const leftOut = new Float64Array(examples.length)
  for (const [e, { target, weight }] of examples.entries()) {
    const row = rows[e]!
    const half = solveLower(lower, n, row)
    const leverage = weight * dot(half, half, n)
    const error = target - expected(row) - dot(row, solution, n)
    leftOut[e] = target - error / (1 - leverage)
    work += (n * n) / 2
    if (work < SLICE) continue
    work = 0
    await setImmediate()
  }
  const weights = solution.slice(0, d).map((value, i) => value + toward[i]!)
  return { weights, bias: solution[d]! - dot(mean, weights, d), leftOut }
}

function dot(a: Float64Array, b: Float64Array, length: number): number {
  let sum = 0
  for (let i = 0; i < length; i++) sum += a[i]! * b[i]!
  return sum
}
