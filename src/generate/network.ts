// One network and what it is told about each picture, as something that guidance can ask.
import { LucidaError } from '../core/errors.ts'
import type { LoadedGraph } from './graphs.ts'
import type { Ask, Side } from './guidance.ts'
import type { Prediction } from './prediction.ts'
import { divided, feedsOf, type Inputs, joined, type Telling, type Told } from './told.ts'

export interface NetworkOptions {
  /** The roles besides `sample` and `time` are told. */
  readonly inputs: Inputs
  readonly output: string
  /** Shape of one x. */
  readonly row: readonly number[]
  /** What is put behind x, as further channels. */
  readonly behind?: Told
  /** How many rows of x belong to one picture. */
  readonly perPicture: number
  readonly told: Readonly<Record<Side, Telling>>
  /** Rows of x in one run. */
  readonly batch: number
  readonly signal: AbortSignal | undefined
}

export function networkOf(graph: LoadedGraph, options: NetworkOptions): Ask {
  const { inputs, output, row, behind, perPicture, told, batch, signal } = options
  const size = row.reduce((product, side) => product * side, 1)
  const roles = Object.keys(inputs).filter((role) => role !== 'sample' && role !== 'time')
  const sampleRow = behind ? [row[0]! + behind.row[0]!, ...row.slice(1)] : row

  /** The answers for some rows of x, for each side one after the other. */
  async function run(
    x: readonly Float32Array[],
    first: number,
    time: number,
    sides: readonly Side[],
  ): Promise<Float32Array[]> {
    const pictures = x.map((_, i) => Math.floor((first + i) / perPicture))
    const samples = x.flatMap((one, i) => (behind ? [one, behind.of(pictures[i]!)] : [one]))
    const rows = x.length * sides.length
    const who = sides.flatMap((side) => {
      return pictures.map((picture) => ({ telling: told[side], picture }))
    })
    const feeds = [
      { input: inputs.sample!, row: sampleRow, data: joined(sides.flatMap(() => samples)) },
      { input: inputs.time!, row: [], data: new Float32Array(rows).fill(time) },
      ...feedsOf(inputs, roles, who),
    ]
    const [answer] = await graph.run(feeds, rows, [output])
    const { data, dims } = answer!
    if (data.length !== rows * size && data.length !== rows * size * 2) {
      const message = `${output} has the shape [${dims.join(', ')}] where ${rows} × [${row.join(', ')}] was expected`
      throw new LucidaError('model_invalid', message)
    }
    return divided(data, rows)
  }

  return async (x, time, sides) => {
    const rows = divided(x, x.length / size)
    const answers: Float32Array[][] = sides.map(() => [])
    for (let first = 0; first < rows.length; first += batch) {
      signal?.throwIfAborted()
      const some = rows.slice(first, first + batch)
      const all = await run(some, first, time, sides)
      answers.forEach((side, i) => side.push(...all.slice(i * some.length, (i + 1) * some.length)))
    }
    return answers.map((side) => predictionOf(side, size))
  }
}

/** Where there are twice as many channels, the second half is about the variance. */
function predictionOf(answers: readonly Float32Array[], size: number): Prediction {
  const value = joined(answers.map((answer) => answer.subarray(0, size)))
  if (answers[0]!.length === size) return { value }
  return { value, variance: joined(answers.map((answer) => answer.subarray(size))) }
}
