// What networks are told about pictures, by the roles of their inputs.
import type { FloatTensor } from '../models/session.ts'
import type { Feed } from './graphs.ts'
import type { GraphInput } from './pipeline-parts.ts'

/** What one input is told: the row of each picture. */
export interface Told {
  /** Shape of a row; none for a number. */
  readonly row: readonly number[]
  readonly of: (picture: number) => Float32Array
}

/** By role. */
export type Telling = Readonly<Record<string, Told>>

/** The inputs of a graph, by role. */
export type Inputs = Readonly<Record<string, GraphInput | undefined>>

/** A number that is the same for all. */
export const number = (value: number): Told => ({ row: [], of: () => Float32Array.of(value) })

/** A vector that is the same for all. */
export const vector = (value: Float32Array): Told => ({ row: [value.length], of: () => value })

/** A vector for each. */
export function vectors(values: readonly Float32Array[]): Told {
  return { row: [values[0]!.length], of: (picture) => values[picture]! }
}

/** A row for each. */
export function rowsOf({ data, dims }: FloatTensor): Told {
  const [count, ...row] = dims
  const length = data.length / count!
  return { row, of: (picture) => data.subarray(picture * length, (picture + 1) * length) }
}

/** What the inputs of these roles are given: a row for each of `who`. */
export function feedsOf(
  inputs: Inputs,
  roles: readonly string[],
  who: readonly { readonly telling: Telling; readonly picture: number }[],
): Feed[] {
  return roles.flatMap((role): Feed[] => {
    const input = inputs[role]
    if (!input) return []
    const data = joined(who.map(({ telling, picture }) => telling[role]!.of(picture)))
    return [{ input, row: who[0]!.telling[role]!.row, data }]
  })
}

/** One after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Each of so many equal parts. */
export function divided(whole: Float32Array, count: number): Float32Array[] {
  const length = whole.length / count
  return Array.from({ length: count }, (_, i) => whole.subarray(i * length, (i + 1) * length))
}
