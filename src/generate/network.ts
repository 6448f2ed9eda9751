// One network and what it is told about each picture, as something that guidance can ask.
import { LucidaError } from '../core/errors.ts'
import type { Ask, Side } from './guidance.ts'
import type { LoadedGraph } from './graphs.ts'
import type { GraphInput } from './pipeline-manifest.ts'
import type { Prediction } from './prediction.ts'

/** What one input is told: the row of each picture. */
export interface Told {
  /** Shape of a row; none for a number. */
  readonly row: readonly number[]
  readonly of: (picture: number) => Float32Array
}

/** By the inputs' roles. */
export type Telling = Readonly<Record<string, Told>>

export interface NetworkOptions {
  /** The roles besides `sample` and `time` are told. */
  readonly inputs: Readonly<Record<string, GraphInput | undefined>>
  readonly output: string
  /** Shape of one x. */
  readonly row: readonly number[]
  /** How many rows of x belong to one picture. */
  readonly perPicture: number
  readonly told: Readonly<Record<Side, Telling>>
  /** Rows of x in one run. */
  readonly batch: number
  readonly signal: AbortSignal | undefined
}

/** A number that is the same for all. */
export const number = (value: number): Told => ({ row: [], of: () => Float32Array.of(value) })

/** A vector that is the same for all. */
export const vector = (value: Float32Array): Told => ({ row: [value.length], of: () => value })

/** A vector for each. */
export function vectors(values: readonly Float32Array[]): Told {
  return { row: [values[0]!.length], of: (picture) => values[picture]! }
}

export function networkOf(graph: LoadedGraph, options: NetworkOptions): Ask {
  const { inputs, output, row, perPicture, told, batch, signal } = options
  const size = row.reduce((product, side) => product * side, 1)

  /** Rows from `from` to `to` of x, for each side one after the other. */
  async function run(
    x: Float32Array,
    time: number,
    sides: readonly Side[],
    from: number,
    to: number,
  ): Promise<Float32Array> {
    const part = x.subarray(from * size, to * size)
    const rows = (to - from) * sides.length
    const dataOf: Record<string, { row: readonly number[]; data: Float32Array }> = {
      sample: { row, data: joined(sides.map(() => part)) },
      time: { row: [], data: new Float32Array(rows).fill(time) },
    }
    for (const role of Object.keys(inputs)) {
      if (role in dataOf || !inputs[role]) continue
      const pictures = Array.from({ length: to - from }, (_, i) =>
        Math.floor((from + i) / perPicture),
      )
      const data = sides.flatMap((side) => pictures.map((i) => told[side][role]!.of(i)))
      dataOf[role] = { row: told.wanted[role]!.row, data: joined(data) }
    }
    const feeds = Object.entries(dataOf).map(([role, feed]) => ({ input: inputs[role]!, ...feed }))
    const [answer] = await graph.run(feeds, rows, [output])
    const { data, dims } = answer!
    if (data.length !== rows * size && data.length !== rows * size * 2) {
      const message = `${output} has the shape [${dims.join(', ')}] where ${rows} × [${row.join(', ')}] was expected`
      throw new LucidaError('model_invalid', message)
    }
    return data
  }

  return async (x, time, sides) => {
    const count = x.length / size
    const predictions = sides.map(() => ({
      value: [] as Float32Array[],
      variance: [] as Float32Array[],
    }))
    for (let from = 0; from < count; from += batch) {
      signal?.throwIfAborted()
      const to = Math.min(count, from + batch)
      const data = await run(x, time, sides, from, to)
      const length = data.length / (sides.length * (to - from))
      for (let i = 0; i < sides.length * (to - from); i++) {
        const prediction = predictions[Math.floor(i / (to - from))]!
        prediction.value.push(data.subarray(i * length, i * length + size))
        // Twice as many channels: the second half is about the variance.
        if (length > size)
          prediction.variance.push(data.subarray(i * length + size, (i + 1) * length))
      }
    }
    return predictions.map(({ value, variance }): Prediction => {
      return variance.length > 0
        ? { value: joined(value), variance: joined(variance) }
        : { value: joined(value) }
    })
  }
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
