// The linear algebra that projections need, for a few dozen rows of any dimension.

/** Inner product in double precision. */
export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** `vector - weight · other`, in place. */
export function subtract(vector: Float64Array, weight: number, other: ArrayLike<number>): void {
  for (let i = 0; i < vector.length; i++) vector[i]! -= weight * other[i]!
}

/** Enough for directions that differ by a few per cent in size. */
const ITERATIONS = 200
/** Below this share of the first direction's size there is only rounding. */
const NEGLIGIBLE = 1e-9

/** At most `count` orthonormal directions along which rows are longest (not centred), by power iteration. */
export function principalDirections(rows: readonly Float64Array[], count: number): Float64Array[] {
  const rest = rows.map((row) => Float64Array.from(row))
  const directions: Float64Array[] = []
  const size = Math.max(...rest.map((row) => inner(row, row)))
  while (directions.length < count) {
    const longest = rest.reduce((a, b) => (inner(a, a) >= inner(b, b) ? a : b))
    if (!(inner(longest, longest) > NEGLIGIBLE * size)) break
    let direction = unit(longest)
    for (let i = 0; i < ITERATIONS; i++) {
      const next = new Float64Array(direction.length)
      for (const row of rest) subtract(next, -inner(row, direction), row)
      direction = unit(next)
    }
    for (const row of rest) subtract(row, inner(row, direction), direction)
    directions.push(direction)
  }
  return directions
}

function unit(vector: Float64Array): Float64Array {
  const length = Math.sqrt(inner(vector, vector))
  return vector.map((value) => value / length)
}

/** Lower triangle L of a symmetric positive definite matrix L·Lᵀ (Cholesky). */
export function cholesky(matrix: readonly Float64Array[]): Float64Array[] {
  const lower = matrix.map((row) => new Float64Array(row.length))
  for (let i = 0; i < matrix.length; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i]![j]!
      for (let k = 0; k < j; k++) sum -= lower[i]![k]! * lower[j]![k]!
      lower[i]![j] = i === j ? Math.sqrt(sum) : sum / lower[j]![j]!
    }
  }
  return lower
}

/** x with L·Lᵀ·x = b. */
export function solve(lower: readonly Float64Array[], b: ArrayLike<number>): Float64Array {
  const n = lower.length
  const x = Float64Array.from(b)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= lower[i]![k]! * x[k]!
    x[i]! /= lower[i]![i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= lower[k]![i]! * x[k]!
    x[i]! /= lower[i]![i]!
  }
  return x
}
