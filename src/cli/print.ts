// How results look on stdout.
import type { ListAnswer, SearchAnswer } from '../lucida.ts'
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
  /** Number of the page shown, from 1. */
  readonly page?: number
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
  if (format.files) return printFiles(io, answer, format)
  for (const { path, paths, score, relevance } of answer.results) {
    const percent = relevance === null ? '' : `${percentText(relevance)}  `
    io.out(`${score.toFixed(3)}  ${percent}${path}${copies(paths)}\n`)
  }
  io.err(`${dim(io, footer(answer, format))}\n`)
}

/** Prints pictures that were listed without a query. */
export function printListing(io: CliIo, answer: ListAnswer, format: ResultFormat): void {
  const { results, matching, tookMs } = answer
  if (format.json) {
    const rows = results.map(({ id, path, width, height, takenAt }) => {
      return { id, path, score: null, relevance: null, width, height, takenAt }
    })
    printJson(io, { query: null, model: null, tookMs, results: rows })
    return
  }
  if (format.files) return printFiles(io, answer, format)
  for (const { takenAt, path, paths } of results) {
    io.out(`${takenAt ?? '-'.padEnd(19)}  ${path}${copies(paths)}\n`)
  }
  io.err(`${dim(io, `${results.length} of ${matching} pictures in ${tookMs} ms`)}\n`)
}

function printFiles(io: CliIo, answer: SearchAnswer | ListAnswer, format: ResultFormat): void {
  for (const { path } of answer.results) io.out(path + (format[0] ? '\0' : '\n'))
}

function copies(paths: readonly string[]): string {
  return paths.length > 1 ? `  (+${paths.length - 1} more)` : ''
}

function footer(answer: SearchAnswer, { page = 1 }: ResultFormat): string {
  const { results, searched, matching, tookMs, model, relevanceThreshold } = answer
  if (searched === 0) return 'nothing is indexed yet; start with: lucida index ~/Photos'
  if (matching === 0) return `no picture of ${searched} passes the filters`
  const facts = `${results.length} of ${matching} pictures in ${tookMs} ms, ${model}`
  const all = results.flatMap(({ relevance }) => relevance ?? [])
  // Later pages are allowed to be worse.
  if (page > 1 || all.length === 0 || relevanceThreshold === null) return facts
  const best = Math.max(...all)
  if (best >= relevanceThreshold) return facts
  return `${facts}; probably nothing fits: the best is relevant at ${percentText(best).trim()}, of ${percentText(relevanceThreshold).trim()} asked for`
}

/** A share as a percentage of constant width, never rounded up to 100 %. */
function percentText(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)}%`.padStart(6)
}
