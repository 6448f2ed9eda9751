// The network between Lucida and its database: a proxy whose connections can be cut, and which can
// be away for a while.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** The way to a port of this machine. */
export interface Network extends AsyncDisposable {
  readonly port: number
  /** Resets every connection, and refuses others for a while. Returns how many were cut. */
  cut(forMs: number): Promise<number>
}

/** Listens on a free port. */
export async function openNetwork(to: number): Promise<Network> {
  const sockets = new Set<Socket>()
  let isAway = false
  const server = createServer((client) => {
    if (isAway) {
      client.resetAndDestroy()
      return
    }
    const upstream = connect(to, '127.0.0.1')
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      // Whatever ends one half ends the other.
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async cut(forMs) {
      isAway = true
      const cut = sockets.size / 2
      for (const socket of sockets) socket.resetAndDestroy()
      await sleep(forMs)
      isAway = false
      return cut
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
