// A way to a PostgreSQL server on which the answer to a commit is lost, after the server has made it.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The way, until it is disposed of. */
export interface LossyWay extends AsyncDisposable {
  readonly url: string
}

/** Loses the first commit while `isDue` says so, and all connections with it. */
export async function loseCommit(url: string, isDue: () => boolean): Promise<LossyWay> {
  const to = new URL(url)
  const sockets = new Set<Socket>()
  let isLost = false
  const server = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    let isCommitting = false
    client.on('data', (data) => {
      isCommitting = !isLost && isDue() && data.includes('commit\0')
      isLost ||= isCommitting
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (isCommitting) client.resetAndDestroy()
      else client.write(data)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const way = new URL(url)
  way.hostname = '127.0.0.1'
  way.port = String((server.address() as AddressInfo).port)
  return {
    url: way.href,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
