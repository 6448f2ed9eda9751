// lucida serve: the HTTP API and the web page.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { Lucida } from '../../lucida.ts'
import type { CliIo } from '../io.ts'
import { configOf, integer, withGlobalFlags, withLucida } from '../program.ts'
import { keepUpToDate, requireServer, sayingTrouble, serve, untilInterrupted } from '../serving.ts'

/** Flags of every command that serves. */
export interface ServeFlags extends PartialConfig {
  insecure?: boolean
  watch?: boolean
  worker?: boolean
}

/** Adds the flags of every command that serves. */
export function withServeFlags(command: Command): Command {
  return command
    .option('--host <address>', 'address to listen on (this machine only)')
    .option('--port <n>', 'port to listen on (7457); 0 takes a free one', integer(0, 65_535))
    .option('--insecure', 'needs no key, whoever can reach it')
    .option('--watch', 'keep the indexed folders up to date')
    .option('--no-worker', 'leave indexing and drawing to others (see: lucida worker)')
}

/** The `serve` command. */
export function serveCommand(io: CliIo): Command {
  const command = new Command('serve')
    .summary('Serve the HTTP API and the web page.')
    .description(
      'Serve the HTTP API and the web page until interrupted. Other addresses than this machine ' +
        'need a key (see: lucida keys), also here as soon as there is one.',
    )
  return withGlobalFlags(withServeFlags(command)).action(async (flags: ServeFlags) => {
    const { insecure = false, watch = false, worker = true, ...settings } = flags
    const config = configOf(io, settings)
    if (!worker) requireServer(config, 'lucida serve --no-worker')
    const serving = async (lucida: Lucida) => {
      await using server = await serve(io, lucida, { insecure, worker })
      io.err(`Lucida is at ${server.url} (Ctrl+C ends it)\n`)
      await (watch ? keepUpToDate(io, lucida) : untilInterrupted(io))
    }
    await withLucida(io, config, serving, sayingTrouble(io))
  })
}
