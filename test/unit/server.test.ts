// A server that cannot listen everywhere listens nowhere, and one that listens waits for its own answers.
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { OpenApi } from '../../src/api/app.ts'
import { startServer } from '../../src/api/server.ts'

/** A port that is free, or throws. */
async function listenOnce(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: actual } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return actual
}

test.skipIf(process.platform === 'win32')(
  'where the socket of the data directory cannot be made, the port is free again',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'lucida-server-'))
    try {
      await mkdir(join(directory, 'server.sock', 'in the way'), { recursive: true })
      const port = await listenOnce(0)
      const api = {} as OpenApi
      const starting = startServer(api, { host: '127.0.0.1', port, ownDirectory: directory })
      await expect(starting).rejects.toThrow()
      expect(await listenOnce(port)).toBe(port)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  },
)

test('an answer may take longer than a connection is otherwise left without a word', async () => {
  const answer = async () => {
    await sleep(1000)
    return new Response('at last')
  }
  const api = { fetch: answer, drain() {}, close: async () => {} } as unknown as OpenApi
  const patience = { headersMs: 10_000, requestMs: 10_000, idleMs: 200 }
  const server = await startServer(api, { host: '127.0.0.1', port: 0, patience })
  try {
    expect(await (await fetch(server.url)).text()).toBe('at last')
  } finally {
    await server.close()
  }
})
