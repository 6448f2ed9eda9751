// lucida serve: the HTTP API and the web page.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { CliIo } from '../io.ts'
import { configOf, integer, withGlobalFlags, withLucida } from '../program.ts'

interface Flags extends PartialConfig {
  host: string
  port: number
}

/** The `serve` command. */
export function serveCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('serve')
      .description('Serve the HTTP API and the web page until interrupted.')
      .option('--host <address>', 'address to listen on', '127.0.0.1')
      .option('--port <n>', 'port to listen on; 0 takes a free one', integer(0, 65_535), 7457),
  ).action(async ({ host, port, ...flags }: Flags) => {
    await withLucida(io, configOf(io, flags), async (lucida) => {
      const { createApi } = await import('../../api/app.ts')
      const { startServer } = await import('../../api/server.ts')
      const api = createApi(lucida, {
        allowedRoots: (io.env.LUCIDA_ALLOWED_ROOTS ?? '').split(':').filter(Boolean),
        onError: (error) => io.err(`${String((error as Error).stack ?? error)}\n`),
      })
      const server = await startServer(api, { host, port })
      io.err(`serving ${server.url}\n`)
      await new Promise<void>((resolve) => {
        io.signal.addEventListener('abort', () => resolve(), { once: true })
      })
      await Promise.all([api.close(), server.close()])
    })
  })
}
