// How results look on stdout.
import type { SearchAnswer } from '../lucida.ts'
import { type CliIo, dim } from './io.ts'

/** One JSON document on one line. */
export function printJson(io: CliIo, value: unknown): void {
  io.out(`${JSON.stringify(value)}\n`)
}

/** What `--files`, `-0` and `--json` ask for. */
export interface ResultFormat {
  readonly files?: boolean
  /** With `files`: paths end in NUL, so that any name survives `xargs -0`. */
  readonly 0?: boolean
  readonly json?: boolean
}

/** Prints the answer of a search. `query` is what the user typed. */
export function printAnswer(
  io: CliIo,
  query: string,
  answer: SearchAnswer,
  format: ResultFormat,
): void {
  if (format.json) {
    const { model, tookMs, results } = answer
    const rows = results.map(({ id, path, score, relevance, width, height, takenAt }) => {
      return { id, path, score, relevance, width, height, takenAt }
    })
    printJson(io, { query, model, tookMs, results: rows })
    return
  }
  if (format.files) {
    for (const { path } of answer.results) io.out(path + (format[0] ? '\0' : '\n'))
    return
  }
  for (const { path, paths, score, relevance } of answer.results) {
    const percent = relevance === null ? '' : `${percentText(relevance)}  `
    const copies = paths.length > 1 ? `  (+${paths.length - 1} more)` : ''
    io.out(`${score.toFixed(3)}  ${percent}${path}${copies}\n`)
  }
  io.err(`${dim(io, footer(answer))}\n`)
}

function footer(answer: SearchAnswer): string {
  const { results, searched, tookMs, model, relevanceThreshold } = answer
  if (searched === 0) return 'nothing is indexed yet; start with: lucida index ~/Photos'
  const facts = `${results.length} of ${searched} pictures in ${tookMs} ms, ${model}`
  const best = results[0]?.relevance ?? null
  if (best === null || relevanceThreshold === null || best >= relevanceThreshold) return facts
  return `${facts}; probably nothing fits: the best is relevant at ${percentText(best).trim()}, of ${percentText(relevanceThreshold).trim()} asked for`
}

/** A share as a percentage of constant width, never rounded up to 100 %. */
function percentText(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)}%`.padStart(6)
}
