// Drawing as the shell shows it: a bar while it goes, then the candidates and the files they are in.
import { readFile, writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { LucidaError, messageOf, systemCode } from '../core/errors.ts'
import type { DrawnCandidate, GenerateEvent, GenerateOptions, Generation } from '../lucida.ts'
import type { CliIo } from './io.ts'
import { type DrawnInstead, percentText } from './print.ts'
import type { AnyLucida } from './program.ts'
import { bar } from './progress.ts'

/** Prints how it goes to stderr, and returns what was drawn. */
export async function printDrawing(
  io: CliIo,
  run: AsyncGenerator<GenerateEvent, Generation>,
  rounds: number,
): Promise<Generation> {
  const clear = io.errIsTerminal ? '\r\u001B[K' : ''
  let next = await run.next()
  for (; !next.done; next = await run.next()) {
    const event = next.value
    const round = event.type === 'step' ? event.round : event.try.round
    const which = rounds > 1 ? `round ${round} of ${rounds}, ` : ''
    if (event.type === 'judged') {
      const best = Math.max(...event.try.scores)
      io.err(`${clear}${which}best of ${event.try.scores.length}: ${best.toFixed(3)}\n`)
    } else if (io.errIsTerminal) {
      io.err(`${clear}${bar(event.step / event.steps)} ${which}step ${event.step}/${event.steps}`)
    }
  }
  return next.value
}

/** Draws what a search has not found, and says what came of it. */
export async function drawInstead(
  io: CliIo,
  lucida: AnyLucida,
  order: GenerateOptions,
): Promise<DrawnInstead> {
  const { earlier, run } = await lucida.plan(order)
  const locate = async (picture: string | null) =>
    picture === null ? null : (await lucida.gallery.find(picture)).path
  if (earlier) {
    const { picture } = earlier
    return { picture, path: await locate(picture), score: null, relevance: null }
  }
  io.err('nothing relevant is indexed: drawing\n')
  const { candidates, picture } = await printDrawing(io, run(io.signal), order.rounds ?? 1)
  const { score, relevance } = candidates[0]!
  return { picture, path: await locate(picture), score, relevance }
}

/** One line for each, best first: score, relevance, seed, and the file where there is one. */
export function printCandidates(
  io: CliIo,
  candidates: readonly DrawnCandidate[],
  paths: readonly string[],
  /** Where the best that is no copy was kept. */
  kept: string | null,
): void {
  const original = candidates.findIndex(({ nearCopyOf, memorised }) => !nearCopyOf && !memorised)
  for (const [i, { score, relevance, seed, nearCopyOf, memorised }] of candidates.entries()) {
    const percent = relevance === null ? '' : `${percentText(relevance)}  `
    const copied = nearCopyOf === null ? '' : `  (near copy of ${nearCopyOf})`
    const learned = memorised ? '  (near copy of a training picture)' : ''
    const path = paths[i] === undefined ? '' : `  ${paths[i]}`
    const keeping = kept !== null && i === original ? `  kept as ${kept}` : ''
    io.out(`${score.toFixed(3)}  ${percent}seed ${seed}${path}${keeping}${copied}${learned}\n`)
  }
}

/** Writes the best to `path`, or all beside each other; the marks travel with them. */
export async function writeCandidates(
  candidates: readonly DrawnCandidate[],
  path: string,
  all: boolean,
): Promise<string[]> {
  const { convertPicture, writtenFormat } = await import('../lucida.ts')
  const format = writtenFormat(path)!
  const stem = path.slice(0, -extname(path).length)
  const paths: string[] = []
  for (const [i, { png }] of (all ? candidates : candidates.slice(0, 1)).entries()) {
    const to = all ? `${stem}-${i + 1}${extname(path)}` : path
    const bytes = format === 'png' ? png : await convertPicture(png, format)
    await writeFile(to, bytes).catch((cause: unknown) => {
      throw new LucidaError('unreadable', `Cannot write ${to}: ${messageOf(cause)}`, { cause })
    })
    paths.push(to)
  }
  return paths
}

/** Throws `not_found`, `unreadable`. */
export async function readMask(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    const code = systemCode(cause) === 'ENOENT' ? 'not_found' : 'unreadable'
    throw new LucidaError(code, `Cannot read ${path}: ${messageOf(cause)}`, { cause })
  })
}
