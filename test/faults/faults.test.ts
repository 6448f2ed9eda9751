// The short form of `npm run bench -- faults`, and whether its checks find what is wrong: each kind of
// wrong is planted once in what the run has left.
import { randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { normalize } from '../../src/core/vector.ts'
import { indexesFolder } from '../../src/search/checkpoint.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { describeIndexFile } from '../../src/search/index-file.ts'
import { hashOf } from '../helpers/shared-store.ts'
import { checkDoctor } from './check-doctor.ts'
import { checkIndexes } from './check-indexes.ts'
import { checkAcknowledged, checkStore, checkVectors } from './check-pictures.ts'
import { checkJobs } from './check-work.ts'
import type { Found, Place } from './look.ts'
import { whyNoClocks } from './clock.ts'
import { type Outcome, playFaults } from './play.ts'
import { startKillablePostgres } from './postgres.ts'
import { KINDS, makeSchedule } from './schedule.ts'
import { openWorld, type World } from './world.ts'

const SEED = Number(process.env.FAULTS_SEED ?? 1)
const EVENTS = Number(process.env.FAULTS_EVENTS ?? 25)

const postgres = await startKillablePostgres().catch((error: Error) => error.message)
const skipped = typeof postgres === 'string' ? ` (skipped: ${postgres})` : ''

describe.skipIf(skipped !== '')(`faults${skipped}`, () => {
  let world: World
  let outcome: Outcome
  beforeAll(async () => {
    if (typeof postgres === 'string') return
    world = await openWorld(SEED, postgres)
    for (const lack of world.lacks) console.warn(`faults are not as they should be: ${lack}`)
    outcome = await playFaults(world, makeSchedule(SEED, EVENTS))
    console.log(`seed ${SEED}: ${JSON.stringify({ ...outcome, ...world.clients.tally })}`)
  }, 400_000)
  afterAll(() => world?.[Symbol.asyncDispose](), 60_000)

  test(`${EVENTS} events of seed ${SEED} lose nothing, double nothing and leave nothing undone`, () => {
    expect(outcome.violations).toEqual([])
    const possible = KINDS.filter((kind) => kind !== 'clock jump' || whyNoClocks === null)
    for (const kind of possible) expect(outcome.events[kind], kind).toBeGreaterThan(0)
    expect(outcome.checked['acknowledged files there']).toBeGreaterThan(0)
    expect(outcome.checked['acknowledged uploads there']).toBeGreaterThan(0)
    expect(outcome.checked['files equal to the store']).toBeGreaterThan(0)
  })

  if (whyNoClocks !== null) test.skip(`clocks jump (skipped: ${whyNoClocks})`)

  describe('are found by the checks:', () => {
    /** Does something to the database, looks, and undoes it. */
    async function plant(
      statements: readonly string[],
      check: (place: Place) => Promise<Found>,
      undo: readonly string[],
    ): Promise<string> {
      for (const statement of statements) await world.postgres.query(statement)
      const { violations } = await check(world)
      for (const statement of undo) await world.postgres.query(statement)
      expect((await check(world)).violations).toEqual([])
      return violations.join('\n')
    }
    const keep = (table: string, which: string) => [
      `create table kept as select * from ${table} where ${which}`,
      `delete from ${table} where ${which}`,
    ]
    const putBack = (table: string) => [
      `insert into ${table} select * from kept`,
      'drop table kept',
    ]
    const anAcknowledged = () => {
      const [path] = [...world.album.files].find(([, { acknowledged }]) => acknowledged)!
      return `path = '${path}'`
    }

    test('an acknowledged picture that is lost', async () => {
      const lose = keep('paths', anAcknowledged())
      for (const check of [checkAcknowledged, checkStore]) {
        expect(await plant(lose, check, putBack('paths'))).toContain('lost')
      }
    })

    test('a picture that has lost its vector', async () => {
      const lose = keep('embeddings', `content = (select min(content) from embeddings)`)
      expect(await plant(lose, checkStore, putBack('embeddings'))).toContain('no vector')
    })

    test('a picture that is there twice', async () => {
      const twice = `insert into paths (content, path, size_bytes, mtime_ms)
        select (select c.hash from contents c where c.hash <> p.content limit 1), path, 1, 1
          from paths p where ${anAcknowledged()}`
      expect(await plant([twice], checkStore, ['delete from paths where mtime_ms = 1'])).toContain(
        'twice',
      )
    })

    test('a picture of a file that is gone', async () => {
      const gone = `insert into paths (content, path, size_bytes, mtime_ms)
        select hash, '${world.album.folder}/gone.png', 1, 1 from contents limit 1`
      expect(await plant([gone], checkStore, ['delete from paths where mtime_ms = 1'])).toContain(
        'gone',
      )
    })

    test("a picture with another's vector", async () => {
      const hashes = [...new Set([...world.album.files.values()].map(({ hash }) => hash))]
      const two = `'\\x${hashes[0]}', '\\x${hashes[1]}'`
      const swap = `update embeddings e set vector = o.vector from embeddings o
        where e.content in (${two}) and o.content in (${two}) and o.content <> e.content`
      expect(await plant([swap], checkVectors, [swap])).toContain('another vector')
    })

    test.each([
      ['runs for ever', 'running', null, 'is running'],
      ['failed without a reason', 'failed', 'now()', 'without a reason'],
      ['ended at no time', 'done', null, 'no time of its end'],
    ])('a job that %s', async (_, state, endedAt, said) => {
      const insert = `insert into jobs (id, kind, "order", facts, state, ended_at)
        values ('planted', 'index', '{}', '{}', '${state}', ${endedAt})`
      const undo = `delete from jobs where id = 'planted'`
      expect(await plant([insert], checkJobs, [undo])).toContain(said)
    })

    test('a message and a claim that are left', async () => {
      const message = `insert into pgboss.job (name, data) values ('lucida_files', '{"planted": 1}')`
      const claim = `insert into claims (content, model, holder, until)
        values ('\\x${hashOf('planted')}', 'm', 'planted', now() + interval '1 minute')`
      const found = await plant([message, claim], checkJobs, [
        `delete from pgboss.job where data ->> 'planted' = '1'`,
        `delete from claims where holder = 'planted'`,
      ])
      expect(found).toContain('message')
      expect(found).toContain('claim')
    })

    test('an index with an entry too many', async () => {
      const { dataDir } = world.workers[0]!
      const folder = indexesFolder(dataDir)
      const header = (await readdir(folder, { recursive: true, withFileTypes: true })).find(
        (entry) => entry.isFile() && entry.parentPath.endsWith('exact'),
      )!
      const directory = header.parentPath
      const { identity } = (await describeIndexFile(directory))!
      const change = async (put: boolean) => {
        const index = await openExactIndex({ identity, directory })
        const vector = put ? normalize([...randomBytes(identity.dimension)]) : null
        await index.apply([{ content: hashOf('planted'), vector }], index.sequence)
        await index.save()
        await index.close()
      }
      expect(dirname(directory)).toContain(identity.storeId)
      await change(true)
      expect((await checkIndexes(world)).violations.join()).toContain('exact index has')
      await change(false)
      expect((await checkIndexes(world)).violations).toEqual([])
    })

    test('a file that nobody finishes or removes, and what doctor finds', async () => {
      await writeFile(join(world.disk.path, 'planted.0123456789ab.tmp'), '')
      const path = `${world.album.folder}/nowhere.png`
      await world.postgres.query(
        `insert into failures (path, code, reason, size_bytes, mtime_ms, tried_by)
          values ('/elsewhere${path}', 'internal', 'planted', 1, 1, 'nobody')`,
      )
      const { violations } = await checkDoctor(world)
      expect(violations.join()).toContain('left behind')
      expect(violations.join()).toContain('failure_outside_roots')
    })
  })
})
