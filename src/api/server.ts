// The API on a port: limits for slow clients, and an orderly end.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { LucidaError, messageOf, systemCode } from '../core/errors.ts'
import type { OpenApi } from './app.ts'

/** Where to listen, and how patient to be. */
export interface ServerOptions {
  readonly host: string
  readonly port: number
  /** A client may take so long to send its headers. */
  readonly headersMs?: number
  /** A client may take so long to send a whole request. */
  readonly requestMs?: number
  /** A connection on which nothing moves is closed. */
  readonly idleMs?: number
}

/** A server that listens. */
export interface RunningServer {
  readonly url: string
  readonly port: number
  /** Takes no more connections, finishes what it has accepted, then ends. */
  close(): Promise<void>
}

/** A server may have to finish what it has accepted, but not for ever. */
const CLOSE_MS = 30_000

/** Listens. Throws `bad_input` for an address that is taken or not this machine's. */
export async function startServer(
  api: Pick<OpenApi, 'fetch'>,
  options: ServerOptions,
): Promise<RunningServer> {
  const { host, port, headersMs = 10_000, requestMs = 60_000, idleMs = 60_000 } = options
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(1000, headersMs),
      keepAliveTimeout: 5000,
    },
    getRequestListener((request, env) => api.fetch(request, env as never), {
      overrideGlobalObjects: false,
    }),
  )
  server.setTimeout(idleMs)
  server.maxConnections = 1024
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)))
    server.listen(port, host, resolve)
  })
  const { port: actual } = server.address() as AddressInfo
  return {
    port: actual,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: () =>
      new Promise((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), CLOSE_MS).unref()
        server.close(() => {
          clearTimeout(late)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

function listenError(error: Error, host: string, port: number): LucidaError {
  const taken = systemCode(error) === 'EADDRINUSE'
  const reason = taken ? `Port ${port} is in use` : `Cannot listen on ${host}:${port}`
  const message = `${reason} (${messageOf(error)}); choose another with --port or --host`
  return new LucidaError('bad_input', message, { cause: error })
}
