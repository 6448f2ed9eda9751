// Prints a pull: a line that is drawn anew on a terminal, one now and then elsewhere.
import type { PullEvent } from '../lucida.ts'
import type { CliIo } from './io.ts'
import { duration } from './progress.ts'

const LINE_EVERY_MS = 10_000
const DRAW_EVERY_MS = 100

/** What takes the events of one pull. */
export function printPull(io: CliIo): (event: PullEvent) => void {
  let startedAt = performance.now()
  let printedAt = startedAt
  let presentBytes = 0
  let ended = false
  const every = io.errIsTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS
  const clear = io.errIsTerminal ? '\r\u001B[K' : ''
  return (event) => {
    const now = performance.now()
    if (event.type === 'waiting') io.err('another process is pulling it; waiting for that\n')
    else if (event.type === 'retry') io.err(`${clear}${event.reason}; trying again\n`)
    else if (event.type === 'start') {
      const { totalBytes, missingBytes } = event
      presentBytes = totalBytes - missingBytes
      startedAt = printedAt = now
      const present = presentBytes > 0 ? `, ${megabytes(presentBytes)} of it already here` : ''
      io.err(`${megabytes(totalBytes)}${present}\n`)
    } else {
      const { doneBytes, totalBytes } = event
      const isEnd = doneBytes >= totalBytes
      // The end is told twice: by the last bytes, and when they have been checked.
      if (ended || (now - printedAt < every && !isEnd)) return
      ended = isEnd
      printedAt = now
      const perSecond = (doneBytes - presentBytes) / ((now - startedAt) / 1000)
      const left =
        perSecond > 0 && !isEnd ? `, ${duration((totalBytes - doneBytes) / perSecond)} left` : ''
      const line = `${megabytes(doneBytes)} of ${megabytes(totalBytes)}${left}`
      io.err(io.errIsTerminal ? `${clear}${line}${isEnd ? '\n' : ''}` : `${line}\n`)
    }
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
