// Databases as releases have left them: opened by the version of today, they answer as before.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { rows } from '../../src/store/database.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { openAt } from '../helpers/open-lucida.ts'
import { type Answers, askAll } from '../helpers/release-answers.ts'

const fileAt = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const DUMPS = fileAt('../fixtures/dumps')
const MIGRATIONS = fileAt('../../migrations')
const releases = readdirSync(DUMPS)
  .filter((name) => name.endsWith('.sql.gz'))
  .map((name) => name.slice(0, -'.sql.gz'.length))

test('there is a dump of every release', () => {
  const { version } = JSON.parse(readFileSync(fileAt('../../package.json'), 'utf8'))
  // That of the version under way is recorded when it is released.
  expect(releases).toContain('v0.1.0')
  expect(releases.length).toBeGreaterThan(0)
  expect(version).toMatch(/^\d+\.\d+\.\d+$/)
})

describeDatabase('a database of a release', (newPlace, engine) => {
  describe.each(releases)('%s', (release) => {
    const dump = gunzipSync(readFileSync(`${DUMPS}/${release}.sql.gz`)).toString()
    const { answers } = JSON.parse(readFileSync(`${DUMPS}/${release}.json`, 'utf8')) as {
      answers: Answers
    }
    const load = async (): Promise<TestPlace> => {
      const place = await newPlace()
      await onDatabase(
        place,
        `drop schema public cascade; drop schema if exists drizzle cascade; create schema public`,
      )
      await onDatabase(place, dump)
      return place
    }
    const count = async (place: TestPlace) => {
      const database = await place.open()
      const [found] = await rows<{ n: number }>(
        database.db,
        sql`select count(*)::int as n from drizzle.__drizzle_migrations`,
      )
      await database.close()
      return found!.n
    }
    const all = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql'))

    test('answers as the release did', async () => {
      await using place = await load()
      const lucida = await openAt(place)
      expect(await askAll(lucida)).toEqual(answers)
      await lucida.close()
      expect(await count(place)).toBe(all.length)
    })

    const hashes = [...dump.matchAll(/'([0-9a-f]{64})', \d{13}\)/g)].map(([, hash]) => hash)

    test('was migrated by the files that are still there, unchanged', () => {
      expect(hashes.length).toBeGreaterThan(0)
      const files = all.slice(0, hashes.length).map((name) => readFileSync(`${MIGRATIONS}/${name}`))
      expect(files.map((text) => createHash('sha256').update(text).digest('hex'))).toEqual(hashes)
    })

    const current = hashes.length < all.length ? '' : ' (skipped: it lacks no migration)'
    test.skipIf(current)(
      `a migration that is killed is done by the next start${current}`,
      async () => {
        await using place = await load()
        for (const ms of engine === 'postgres' ? [0] : [300, 900, 1500]) {
          await using blocked = engine === 'postgres' ? await holdTables(place) : null
          const child = open(place)
          if (blocked) await blocked.someoneWaits()
          else await Promise.race([sleep(ms), once(child, 'exit')])
          child.kill('SIGKILL')
          if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
        }
        expect(await count(place)).toBe(all.length)
        const lucida = await openAt(place)
        expect(await askAll(lucida)).toEqual(answers)
        await lucida.close()
      },
    )

    if (engine === 'postgres')
      test('several processes may migrate it at once', async () => {
        await using place = await load()
        const children = Array.from({ length: 4 }, () => open(place))
        const codes = await Promise.all(
          children.map(async (child) => (await once(child, 'exit'))[0]),
        )
        expect(codes).toEqual([0, 0, 0, 0])
        expect(await count(place)).toBe(all.length)
      })
  })
})

/** Runs statements without Lucida, which would migrate. */
async function onDatabase({ dataDir, databaseUrl }: TestPlace, text: string): Promise<void> {
  if (databaseUrl === undefined) {
    const client = await PGlite.create(`${dataDir}/database`)
    await client.exec(text)
    await client.close()
    return
  }
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(text)
  await client.end()
}

function open({ dataDir, databaseUrl }: TestPlace): ChildProcess {
  const where = databaseUrl === undefined ? ['directory', dataDir] : ['url', databaseUrl]
  const child = fileAt('../helpers/migrate-child.ts')
  return spawn(process.execPath, ['--import', 'tsx', child, ...where], { stdio: 'ignore' })
}

/** Holds what migrations change until it is disposed of. */
async function holdTables({ databaseUrl }: TestPlace) {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('begin')
  await client.query(
    'lock table api_keys, drizzle.__drizzle_migrations in share row exclusive mode',
  )
  return {
    async someoneWaits() {
      for (;;) {
        const { rowCount } = await client.query(
          `select from pg_locks where not granted and pid <> pg_backend_pid()
             and database = (select oid from pg_database where datname = current_database())`,
        )
        if (rowCount) return
        await sleep(50)
      }
    },
    async [Symbol.asyncDispose]() {
      await client.query('rollback')
      await client.end()
    },
  }
}
