// How results look on stdout.
import type { ConceptScore, ListAnswer, SearchAnswer } from '../lucida.ts'
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

/** A picture that was drawn because a search found nothing; none where nothing drawn was better. */
export interface DrawnInstead {
  readonly picture: string | null
  readonly path: string | null
  readonly score: number | null
  readonly relevance: number | null
}

/** Prints what was drawn, like a result of the search. */
export function printDrawn(io: CliIo, drawn: DrawnInstead, format: ResultFormat): void {
  const { path, score, relevance } = drawn
  if (path === null) {
    io.err('nothing that was drawn is relevant and better than what is there\n')
    return
  }
  if (format.files) return io.out(path + (format[0] ? '\0' : '\n'))
  const scored = score === null ? '' : `${score.toFixed(3)}  `
  const percent = relevance === null ? '' : `${percentText(relevance)}  `
  io.out(`${scored}${percent}${path}${mark(true)}\n`)
}

/** Prints the answer of a search. `query` is what the user typed. */
export function printAnswer(
  io: CliIo,
  query: string,
  answer: SearchAnswer,
  format: ResultFormat,
  drawn?: DrawnInstead,
): void {
  if (format.json) {
    const { model, tookMs, adjusted, results } = answer
    const rows = results.map(({ score, relevance, ...picture }) => {
      const { id, path, width, height, takenAt, generated, safety } = picture
      return { id, path, score, relevance, width, height, takenAt, generated, safety }
    })
    printJson(io, {
      query,
      model,
      tookMs,
      results: rows,
      ...leftOutOf(answer),
      ...(adjusted && { adjusted }),
      ...(drawn && { drawn }),
    })
    return
  }
  for (const line of adjustments(answer)) io.err(`${dim(io, line)}\n`)
  if (format.files) return printFiles(io, answer, format)
  for (const { path, paths, score, relevance, generated, safety } of answer.results) {
    const percent = relevance === null ? '' : `${percentText(relevance)}  `
    const marks = copies(paths) + mark(generated) + suspicion(safety)
    io.out(`${score.toFixed(3)}  ${percent}${path}${marks}\n`)
  }
  io.err(`${dim(io, footer(answer, format) + leftOutText(answer))}\n`)
}

/** Prints pictures that were listed without a query. */
export function printListing(io: CliIo, answer: ListAnswer, format: ResultFormat): void {
  const { results, matching, tookMs } = answer
  if (format.json) {
    const rows = results.map(({ id, path, width, height, takenAt, generated, safety }) => {
      return { id, path, score: null, relevance: null, width, height, takenAt, generated, safety }
    })
    printJson(io, { query: null, model: null, tookMs, results: rows, ...leftOutOf(answer) })
    return
  }
  if (format.files) return printFiles(io, answer, format)
  for (const { takenAt, path, paths, generated, safety } of results) {
    const marks = copies(paths) + mark(generated) + suspicion(safety)
    io.out(`${takenAt ?? '-'.padEnd(19)}  ${path}${marks}\n`)
  }
  const facts = `${results.length} of ${matching} pictures in ${tookMs} ms`
  io.err(`${dim(io, facts + leftOutText(answer))}\n`)
}

function printFiles(io: CliIo, answer: SearchAnswer | ListAnswer, format: ResultFormat): void {
  for (const { path } of answer.results) io.out(path + (format[0] ? '\0' : '\n'))
}

function copies(paths: readonly string[]): string {
  return paths.length > 1 ? `  (+${paths.length - 1} more)` : ''
}

function suspicion(safety: readonly ConceptScore[] = []): string {
  return safety.map(({ concept }) => `  (${concept}?)`).join('')
}

/** Only where there is a policy that left something out. */
function leftOutOf({ leftOut }: SearchAnswer | ListAnswer): { leftOut?: number } {
  return leftOut > 0 ? { leftOut } : {}
}

function leftOutText({ leftOut }: SearchAnswer | ListAnswer): string {
  return leftOut > 0 ? `; ${leftOut} left out by the safety policy` : ''
}

function mark(generated: boolean): string {
  return generated ? '  (generated)' : ''
}

/** What was done to query and order, so that nobody takes it for the plain ranking. */
function adjustments({ adjusted }: SearchAnswer): string[] {
  const { debias, balance } = adjusted ?? {}
  const lines = []
  if (debias) {
    const { attribute, leftAsItIs } = debias
    lines.push(
      leftAsItIs === null
        ? `debiased: ${attribute} was taken out of the query`
        : leftAsItIs === 'asks_for_it'
          ? `not debiased: the query asks for ${attribute} itself`
          : 'not debiased: only queries by words are',
    )
  }
  if (balance) {
    const { attribute, leftAsItIs, window } = balance
    lines.push(
      leftAsItIs === null
        ? `balanced by ${attribute} among the best ${window}`
        : `not balanced: the query asks for ${attribute} itself`,
    )
  }
  return lines
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
export function percentText(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)}%`.padStart(6)
}
