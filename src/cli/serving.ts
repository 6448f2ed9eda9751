// Starts the server around an open Lucida, for the commands that serve.
import { spawn } from 'node:child_process'
import type { Config } from '../config.ts'
import { LucidaError, messageOf } from '../core/errors.ts'
import type { Jobs } from '../api/jobs.ts'
import type { Hooks, Lucida } from '../lucida.ts'
import type { CliIo } from './io.ts'
import { printIndexing } from './progress.ts'

/** A server, until it is disposed of. */
export interface Serving extends AsyncDisposable {
  readonly url: string
  readonly jobs: Jobs
}

/** Listens where the settings say. Throws `bad_input` for an open door without a key. */
export async function serve(
  io: CliIo,
  lucida: Lucida,
  { insecure, worker }: { readonly insecure: boolean; readonly worker: boolean },
): Promise<Serving> {
  const { createApi } = await import('../api/app.ts')
  const { isLoopback } = await import('../api/guard.ts')
  const { startServer } = await import('../api/server.ts')
  const { host, port, databaseUrl, dataDir, drainSeconds } = lucida.config
  if (!isLoopback(host) && !insecure && (await lucida.keys.list()).length === 0) {
    throw new LucidaError(
      'bad_input',
      `Others could reach ${host} without a key; make one first: lucida keys create (or --insecure)`,
    )
  }
  const api = createApi(lucida, {
    insecure,
    onError: (error) => io.err(`${error instanceof Error ? error.stack : String(error)}\n`),
  })
  const server = await startServer(api, { host, port, ownDirectory: databaseUrl ? null : dataDir })
  try {
    if (worker) await api.work()
  } catch (error) {
    // Whoever starts it again finds the port free, and nobody is answered by what does not work.
    await server.close()
    throw error
  }
  void api.warmUp().catch((error: unknown) => {
    if (!io.signal.aborted) io.err(`not ready: ${messageOf(error)}\n`)
  })
  return {
    url: server.url,
    jobs: api.jobs,
    [Symbol.asyncDispose]: () => server.close(drainSeconds * 1000),
  }
}

/** Waits for Ctrl+C, or for a signal that ends the process. */
export function untilInterrupted(io: CliIo): Promise<void> {
  return new Promise((resolve) => {
    if (io.signal.aborted) resolve()
    io.signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Watches all indexed folders until Ctrl+C; with none, there is nothing to do but to serve. */
export async function keepUpToDate(io: CliIo, lucida: Lucida): Promise<void> {
  if ((await lucida.roots()).length === 0) return untilInterrupted(io)
  await printIndexing(io, lucida.watch([], { signal: io.signal }))
}

/** Opens a page in the person's browser; where there is none, its address has been printed. */
export function openBrowser(url: string): void {
  const [command, ...args]: [string, ...string[]] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url]
  const child = spawn(command, args, { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}

/** Says what passes by itself, such as a database that is away for a moment. */
export function sayingTrouble(io: CliIo): Hooks {
  return { trouble: (error) => io.err(`for a moment: ${messageOf(error)}\n`) }
}

/** Throws `bad_input` where there is nobody to share work with. */
export function requireServer({ databaseUrl }: Config, command: string): void {
  if (databaseUrl !== undefined) return
  throw new LucidaError(
    'bad_input',
    `${command} needs a database that several processes share: set DATABASE_URL to a PostgreSQL server`,
  )
}
