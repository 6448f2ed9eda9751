// The API on a port and on the data directory's socket: limits for slow clients, and an orderly end.
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { serverSocket } from '../core/directory-socket.ts'
import { LucidaError, messageOf, systemCode } from '../core/errors.ts'
import type { Fetch, OpenApi } from './app.ts'

/** Where to listen. */
export interface ServerOptions {
  readonly host: string
  readonly port: number
  /** The data directory that this process owns; null where it is shared. */
  readonly ownDirectory?: string | null
  readonly patience?: Patience
}

/** How long a client may take. */
export interface Patience {
  /** To send its headers. */
  readonly headersMs: number
  /** To send a whole request. */
  readonly requestMs: number
  /** Between two movements on its connection, unless it waits for an answer. */
  readonly idleMs: number
}

/** A server that listens. */
export interface RunningServer {
  readonly url: string
  readonly port: number
  /**
   * Is not ready any more, and for `drainMs` goes on all the same; then takes no more connections,
   * finishes what it has accepted, and ends.
   */
  close(drainMs?: number): Promise<void>
}

const PATIENCE: Patience = { headersMs: 10_000, requestMs: 60_000, idleMs: 60_000 }
/** What was accepted is finished, but not for ever. */
const CLOSE_MS = 30_000
const MAX_CONNECTIONS = 1024

/** Listens. Throws `bad_input` for an address that is taken or not this machine's. */
export async function startServer(api: OpenApi, options: ServerOptions): Promise<RunningServer> {
  const { host, port, patience = PATIENCE, ownDirectory = null } = options
  const network = makeServer(api.fetch, patience)
  await listen(network, { host, port }).catch((error: unknown) => {
    throw listenError(error, host, port)
  })
  const local = await listenLocally(api, ownDirectory, patience).catch((error: unknown) => {
    // Or the process would neither serve the shell nor end.
    network.close().closeAllConnections()
    throw error
  })
  const { port: actual } = network.address() as AddressInfo
  return {
    port: actual,
    url: `http://${nameOf(host)}:${actual}`,
    async close(drainMs = 0) {
      api.drain()
      await sleep(drainMs)
      // Streams end with the jobs that they follow, and so must not wait for them.
      const servers = local ? [network, local] : [network]
      const closed = servers.map(closeServer)
      await Promise.all([...closed, api.close()])
      // What came in until the last connection was closed.
      await api.close()
    },
  }
}

/** As a browser on this machine takes it. */
function nameOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

function makeServer(answer: Fetch, { headersMs, requestMs, idleMs }: Patience): Server {
  const listener = getRequestListener(
    async (request, env) => {
      const { socket } = env.incoming
      // Nothing moves on the connection while an audit is made or a model is changed.
      socket.setTimeout(0)
      try {
        return await answer(request, env as never)
      } finally {
        socket.setTimeout(idleMs)
      }
    },
    { overrideGlobalObjects: false },
  )
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(1000, headersMs),
      keepAliveTimeout: 5000,
    },
    (request, response) => void listener(request, response),
  )
  server.setTimeout(idleMs)
  server.maxConnections = MAX_CONNECTIONS
  return server
}

/** For the shell. Whoever owns the directory may remove what a dead owner has left. */
async function listenLocally(api: OpenApi, directory: string | null, patience: Patience) {
  const path = directory === null ? null : serverSocket(directory)
  if (path === null) return null
  if (process.platform !== 'win32') await rm(path, { force: true })
  const server = makeServer(api.fetchAsOwner, { ...patience, idleMs: 0 })
  await listen(server, { path })
  if (process.platform !== 'win32') await chmod(path, 0o600)
  return server
}

function listen(
  server: Server,
  where: { host: string; port: number } | { path: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections(), CLOSE_MS).unref()
    server.close(() => {
      clearTimeout(late)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function listenError(error: unknown, host: string, port: number): LucidaError {
  const isTaken = systemCode(error) === 'EADDRINUSE'
  const reason = isTaken ? `Port ${port} is in use` : `Cannot listen on ${host}:${port}`
  const message = `${reason} (${messageOf(error)}); choose another with --port or --host`
  return new LucidaError('bad_input', message, { cause: error })
}
