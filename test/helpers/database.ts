// One database suite for all engines: each test gets a migrated, empty database of its own.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { describe, inject, test } from 'vitest'
import { type OpenDatabase, openDatabase } from '../../src/store/database.ts'
import { clusterDatabase, clusterWorkers, dropOnWorkers } from './cluster.ts'

type Provided =
  | { engine: 'pglite'; template: string }
  | { engine: 'postgres'; url: string }
  | { engine: 'unavailable'; reason: string }

declare module 'vitest' {
  interface ProvidedContext {
    database: Provided
  }
}

/** Where a test's database is; spread it into `openLucida`, or give it to `openDatabase`. */
export interface TestPlace extends AsyncDisposable {
  readonly dataDir: string
  readonly databaseUrl?: string
  /** Opens it without Lucida around it. */
  open(): Promise<OpenDatabase>
}

/** Describes a suite that runs on the project's engine, or says why it cannot. */
export function describeDatabase(
  name: string,
  suite: (newPlace: () => Promise<TestPlace>, engine: 'pglite' | 'postgres') => void,
): void {
  const provided = inject('database')
  if (provided.engine === 'unavailable') {
    describe.skip(`${name} (skipped: ${provided.reason})`, () =>
      suite(() => newPlace(provided), 'postgres'))
  } else {
    describe(name, () => suite(() => newPlace(provided), provided.engine))
  }
}

let created = 0

async function newPlace(provided: Provided): Promise<TestPlace> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lucida-test-'))
  if (provided.engine === 'pglite') {
    await cp(provided.template, join(dataDir, 'database'), { recursive: true })
    return {
      dataDir,
      open: () => openDatabase({ directory: dataDir }),
      [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
    }
  }
  if (provided.engine === 'unavailable') throw new Error(provided.reason)
  const { url: databaseUrl, drop } = await createTestDatabase(provided.url)
  return {
    dataDir,
    databaseUrl,
    open: () => openDatabase({ url: databaseUrl }),
    [Symbol.asyncDispose]: async () => {
      await drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** An empty database on a server, or a cluster of them (cluster.ts). */
export async function createTestDatabase(
  serverUrl: string,
): Promise<{ readonly url: string; readonly drop: () => Promise<void> }> {
  const name = `lucida_test_${process.pid}_${Date.now()}_${created++}`
  await onServer(serverUrl, `create database ${name}`)
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href
  if (clusterWorkers.length > 0) await clusterDatabase(url)
  return {
    url,
    async drop() {
      await onServer(serverUrl, `drop database if exists ${name} with (force)`)
      await dropOnWorkers(name)
    },
  }
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** `test` for what only one engine does; on the other it says so. */
export function testOn(wanted: 'pglite' | 'postgres', engine: 'pglite' | 'postgres') {
  return (name: string, work: () => Promise<void>): void => {
    if (engine === wanted) test(name, work)
    else test.skip(`${name} (skipped: only ${wanted} does that)`, () => {})
  }
}
