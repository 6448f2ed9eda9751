// How well the model does on the drawn pictures, printed whatever it is: the queries and their right
// answers were written down before anything was measured.
import { basename, extname } from 'node:path'
import { demoQueries, precisionAt } from '../../demo/queries.ts'
import type { Lucida } from '../../lucida.ts'
import { type CliIo, dim } from '../io.ts'

const K = 3

/** Prints precision@3 of the ten queries, and returns their texts. */
export async function measureDemo(io: CliIo, lucida: Lucida): Promise<string[]> {
  let sum = 0
  for (const { text, relevant } of demoQueries) {
    const { results } = await lucida.search([{ text }], { limit: K })
    const found = results.map(({ path }) => basename(path, extname(path)))
    const precision = precisionAt(K, relevant, found)
    sum += precision
    io.err(dim(io, `  ${precision.toFixed(2)}  ${text}: ${found.join(', ')}\n`))
  }
  const mean = (sum / demoQueries.length).toFixed(2)
  io.err(
    `precision@${K} of ${demoQueries.length} queries written down beforehand: ${mean}` +
      ' (drawings are hard for a small model trained on photographs)\n',
  )
  return demoQueries.map(({ text }) => text)
}
