// Systems of linear equations with a symmetric positive definite matrix (Golub and Van Loan, Matrix
// Computations, 4.2). Matrices are [n, n], row by row; of symmetric ones the lower half is read.
import { setImmediate } from 'node:timers/promises'

/** Multiply-adds after which other work runs: about 10 ms. */
const SLICE = 10_000_000

/** The lower L of A = L Lᵀ, in place of A. Lets other work run. */
export async function cholesky(a: Float64Array, n: number): Promise<Float64Array> {
  let work = 0
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j]!
    }
    work += (i * i) / 2
    if (work < SLICE) continue
    work = 0
    await setImmediate()
  }
  return a
}

/** Solves L x = b. */
export function solveLower(l: Float64Array, n: number, b: Float64Array): Float64Array {
  const x = Float64Array.from(b)
  for (let i = 0; i < n; i++) {
    let sum = x[i]!
    for (let k = 0; k < i; k++) sum -= l[i * n + k]! * x[k]!
    x[i] = sum / l[i * n + i]!
  }
  return x
}

/** Solves Lᵀ x = b. */
export function solveUpper(l: Float64Array, n: number, b: Float64Array): Float64Array {
  const x = Float64Array.from(b)
  for (let i = n - 1; i >= 0; i--) {
    x[i] = x[i]! / l[i * n + i]!
    for (let k = 0; k < i; k++) x[k]! -= l[i * n + k]! * x[i]!
  }
  return x
}
