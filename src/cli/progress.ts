// Prints an indexing run: a bar with rate and ETA on a terminal, a line now and then elsewhere.
import type { IndexCounts, IndexEvent } from '../lucida.ts'
import { type CliIo, dim } from './io.ts'

/** Time between lines where there is no terminal. */
const LINE_EVERY_MS = 10_000
/** Time between redraws of the bar. */
const DRAW_EVERY_MS = 100
const BAR_WIDTH = 24

/** Failures printed one by one; the rest is for `lucida failures`. */
const FAILURES_SHOWN = 5

/** Prints events to stderr, and returns when the run has ended. */
export async function printIndexing(io: CliIo, events: AsyncIterable<IndexEvent>): Promise<void> {
  let startedAt = performance.now()
  let drawnAt = startedAt
  let failures = 0
  /** Up to date and watched: from now on only what changes is worth a line. */
  const watched = new Set<string>()
  /** What was said of folders that are away; said once, not at every look. */
  const away = new Set<string>()
  let isAway = false
  const clear = io.errIsTerminal ? '\r\u001B[K' : ''
  const say = (line: string) => io.err(`${clear}${line}\n`)
  for await (const event of events) {
    const now = performance.now()
    if (event.type === 'start') {
      startedAt = drawnAt = now
      failures = 0
      isAway = false
      if (watched.size === 0) io.err(`indexing ${event.folder}\n`)
    } else if (event.type === 'failure') {
      failures++
      if (failures <= FAILURES_SHOWN) say(`skipped ${event.path}: ${event.reason}`)
    } else if (event.type === 'unreadable' || event.type === 'unmounted') {
      const line = event.type === 'unmounted' ? unmountedLine(event) : unreadableLine(event)
      if (!away.has(line)) say(line)
      away.add(line)
      isAway = true
    } else if (event.type === 'watching') {
      watched.add(event.folder)
      say(watchingLine(event))
    } else if (event.type === 'progress') {
      const every = io.errIsTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS
      if (now - drawnAt < every) continue
      drawnAt = now
      const line = progressLine(event, now - startedAt, io.errIsTerminal)
      io.err(io.errIsTerminal ? clear + line : `${line}\n`)
    } else if (event.type === 'done') {
      if (watched.size === 0) say(doneLine(event))
      else if (hasChanges(event)) say(`${event.folder}: ${countsText(event, CHANGES)}`)
      else io.err(clear)
      if (!isAway) away.clear()
      if (failures > 0) io.err(dim(io, 'see them all: lucida failures') + '\n')
    }
  }
}

function progressLine(
  event: Extract<IndexEvent, { type: 'progress' }>,
  elapsedMs: number,
  withBar: boolean,
): string {
  const { done, found, complete } = event
  const perSecond = done / (elapsedMs / 1000)
  const share = found > 0 ? done / found : 1
  const eta = complete && perSecond > 0 ? `, ${duration((found - done) / perSecond)} left` : ''
  return `${withBar ? `${bar(share)} ` : ''}${done}/${found}${complete ? '' : '+'} at ${perSecond.toFixed(0)}/s${eta}`
}

/** A share as a bar of constant width. */
export function bar(share: number): string {
  const filled = Math.round(share * BAR_WIDTH)
  return '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
}

function doneLine(event: Extract<IndexEvent, { type: 'done' }>): string {
  const { tookMs, cancelled } = event
  const what = countsText(event, COUNTS) || 'no pictures'
  return `${cancelled ? 'stopped' : 'done'} in ${duration(tookMs / 1000)}: ${what}`
}

function countsText(
  { counts }: { readonly counts: Readonly<IndexCounts> },
  which: typeof COUNTS,
): string {
  return which
    .flatMap(([key, words]) => (counts[key] > 0 ? [`${counts[key]} ${words}`] : []))
    .join(', ')
}

function hasChanges({ counts }: { readonly counts: Readonly<IndexCounts> }): boolean {
  return CHANGES.some(([key]) => counts[key] > 0)
}

const COUNTS: readonly [keyof IndexCounts, string][] = [
  ['embedded', 'new'],
  ['reused', 'copied, moved or touched'],
  ['returned', 'back again'],
  ['unchanged', 'unchanged'],
  ['vanished', 'gone'],
  ['pruned', 'pruned'],
  ['failed', 'failed'],
  ['stillFailing', 'still failing'],
  ['waiting', 'still being written'],
  ['links', 'links not followed'],
  ['rawsAside', 'raw files beside their JPEG left out'],
]

/** Those that are worth a line while watching. */
const CHANGES = COUNTS.filter(
  ([key]) => !['unchanged', 'stillFailing', 'waiting', 'links'].includes(key),
)

function watchingLine({
  folder,
  everyMs,
  reason,
}: Extract<IndexEvent, { type: 'watching' }>): string {
  const how =
    everyMs === null ? `watching ${folder}` : `looking at ${folder} every ${everyMs / 1000} s`
  return `${how}${reason === null ? '' : `, since ${reason}`}; Ctrl-C ends`
}

function unreadableLine({ path }: Extract<IndexEvent, { type: 'unreadable' }>): string {
  return `cannot read the folder ${path}; what was known in it is kept`
}

function unmountedLine({
  folder,
  lost,
  of,
  reason,
}: Extract<IndexEvent, { type: 'unmounted' }>): string {
  return (
    `${lost} of ${of} pictures of ${folder} are not there (${reason ?? 'is the drive mounted?'}). ` +
    'Nothing was changed. If they are gone for good: lucida index --prune'
  )
}

/** `0.8 s`, `42 s`, `3 min 20 s`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 90) return `${Math.round(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}
