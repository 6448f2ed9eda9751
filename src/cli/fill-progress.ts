// Prints how the filling of a model goes: a bar on a terminal, a line now and then elsewhere.
import type { FillEvent } from '../lucida.ts'
import type { CliIo } from './io.ts'
import type { AnyLucida } from './program.ts'
import { bar } from './progress.ts'

const LINE_EVERY_MS = 10_000
const DRAW_EVERY_MS = 100

/** Fills, or follows a server that does, and returns when that has ended. */
export async function printFilling(io: CliIo, models: AnyLucida['models']): Promise<void> {
  const clear = io.errIsTerminal ? '\r\u001B[K' : ''
  let drawnAt = -Infinity
  const onEvent = (event: FillEvent) => {
    if (event.type === 'switched') io.err(`${clear}${event.model} answers now\n`)
    else if (event.type === 'waiting') {
      io.err(
        `${clear}${event.away} pictures lie in folders that are away: mount them, then lucida models ` +
          `resume; or go without them: lucida models use ${event.model} --now\n`,
      )
    } else {
      const now = performance.now()
      if (now - drawnAt < (io.errIsTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS)) return
      drawnAt = now
      const done = event.filled + event.failed
      const line = `${event.model}: ${done} of ${event.pictures} pictures`
      if (!io.errIsTerminal) io.err(`${line}\n`)
      else io.err(`${clear}${bar(event.pictures > 0 ? done / event.pictures : 1)} ${line}`)
    }
  }
  await models.carryOut({ signal: io.signal, onEvent })
  if (io.signal.aborted) io.err(`${clear}stopped; it goes on with: lucida models resume\n`)
  else io.err(clear)
}
