// Each inconsistency is planted by itself, found by its name, mended, and gone.
import { mkdir, open, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type SQL, sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { resolveConfig } from '../../src/config.ts'
import { examine, examineOpen } from '../../src/doctor/examine.ts'
import { makeCheckpoint, setCheckpoint, spaceFolder } from '../../src/search/checkpoint.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { syncIndex } from '../../src/search/sync.ts'
import { lastSequenceOf } from '../../src/store/changes.ts'
import { type Database, type OpenDatabase, rows } from '../../src/store/database.ts'
import { placeIn, writeSeal } from '../../src/store/embedded-files.ts'
import { recordGeneration } from '../../src/store/generations.ts'
import { listVisible, writeBatch } from '../../src/store/pictures.ts'
import { noteServing } from '../../src/store/serving.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase, testOn, type TestPlace } from '../helpers/database.ts'
import { indexAll, openAt, writeDrawings } from '../helpers/open-lucida.ts'
import { newFolder } from '../helpers/picture-folder.ts'
import { hashOf, shownVectors, storedFile, vectorOf } from '../helpers/shared-store.ts'

const SPACE = { model: 'm', recipe: 'r', dimension: 8 }
const NAMES = ['a', 'b', 'c', 'd']
const TABLES = 'roots, contents, changes, failures, serving, concepts, jobs, claims, generations'

describeDatabase('doctor', (newPlace, engine) => {
  let place: TestPlace
  let database: OpenDatabase
  let db: Database
  beforeAll(async () => {
    place = await newPlace()
    database = await place.open()
    db = database.db
  })
  afterAll(async () => {
    await database.close()
    await place[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    await db.execute(sql.raw(`truncate ${TABLES} cascade`))
    await db.execute(sql`alter sequence changes_seq restart`)
    await db.execute(sql`insert into roots (path, indexed_at) values ('/photos', now())`)
    await noteServing(db, SPACE)
    await writeBatch(db, SPACE, { files: NAMES.map((name) => storedFile(name)), failures: [] })
    await database.noteChoices()
  })

  const at = (...names: string[]) => join(place.dataDir, ...names)
  const spaces = [SPACE]
  const drawn: string[] = []
  const look = async (mend = false, storage?: string) => {
    const found = await examineOpen(database, {
      dataDir: place.dataDir,
      storage,
      modelsDir: at('models'),
      spaces,
      mend,
      indexDrawn: (folder) => drawn.push(folder),
    })
    return found.map(({ code }) => code)
  }
  const shown = async () => [...(await shownVectors(db, SPACE)).keys()].toSorted()
  const pathsOf = (names: readonly string[]) => names.map((name) => `/photos/${name}.png`)
  const hash = (name: string) => sql`decode(${hashOf(name)}, 'hex')`
  const run = (statement: SQL) => db.execute(statement)
  /** As if the database had ceased to watch over its references. */
  const unwatched = (statement: SQL) =>
    db.transaction(async (tx) => {
      // On every node, where there are several.
      await tx.execute(sql`select set_config('citus.propagate_set_commands', 'local', true)`)
      await tx.execute(sql`set local session_replication_role = replica`)
      await tx.execute(statement)
    })
  const vectorBytes = (values: readonly number[]) => Buffer.from(Float32Array.from(values).buffer)
  const concept = (examples: unknown, weights: Buffer) =>
    run(sql`insert into concepts (name, examples, model, recipe, weights, bias, separation)
      values ('it', ${JSON.stringify(examples)}::jsonb, 'm', 'r', ${weights}, 0, 1)`)
  const example = (name: string) => ({ content: hashOf(name), positive: true, picture: null })

  /** What is planted, and which pictures a search then finds; all where nothing is said. */
  interface Plant {
    readonly plant: () => Promise<unknown>
    readonly left?: readonly string[]
  }
  const rowPlants: Record<string, Plant> = {
    sequence_behind: { plant: () => run(sql`select setval('changes_seq', 1)`) },
    orphan_paths: {
      plant: () =>
        unwatched(sql`insert into paths (content, path, size_bytes, mtime_ms, missing_since)
          values (${hash('x')}, '/photos/x.png', 1, 1, now())`),
    },
    orphan_embeddings: {
      plant: () =>
        unwatched(sql`insert into embeddings (content, model, recipe, vector)
          select ${hash('x')}, model, recipe, vector from embeddings limit 1`),
    },
    orphan_fill_failures: {
      plant: () =>
        unwatched(sql`insert into fill_failures (content, model, path, code, reason)
          values (${hash('x')}, 'm', '/photos/x.png', 'corrupt_image', 'it is')`),
    },
    orphan_job_events: {
      plant: () => unwatched(sql`insert into job_events values ('gone', 1, '{}')`),
    },
    orphan_candidates: {
      plant: () => unwatched(sql`insert into candidates values ('gone', 0, '{}', '\\x00')`),
    },
    orphan_sessions: {
      plant: () => unwatched(sql`insert into sessions (token, key) values (${hash('t')}, 'gone')`),
    },
    root_nested: { plant: () => run(sql`insert into roots (path) values ('/photos/inner')`) },
    path_twice: {
      plant: () =>
        run(sql`insert into paths (content, path, size_bytes, mtime_ms)
          values (${hash('a')}, '/photos/b.png', 100, 1)`),
    },
    path_outside_roots: {
      plant: () =>
        run(sql`insert into paths (content, path, size_bytes, mtime_ms)
          values (${hash('a')}, '/elsewhere/a.png', 100, 1)`),
    },
    failure_outside_roots: {
      plant: () => run(failureAt('/elsewhere/a.png')),
    },
    failure_of_picture: { plant: () => run(failureAt('/photos/a.png')) },
    content_invalid: {
      plant: () => run(sql`update contents set orientation = 9 where hash = ${hash('a')}`),
      left: ['b', 'c', 'd'],
    },
    path_size: {
      plant: () => run(sql`update paths set size_bytes = 7 where content = ${hash('a')}`),
    },
    store_rows: {
      plant: () =>
        run(sql`insert into store (id, created_at) values (gen_random_uuid(), now() + '1 day')`),
    },
    serving_missing: { plant: () => run(sql`delete from serving`) },
    serving_half_set: { plant: () => run(sql`update serving set next_model = 'm'`) },
    fill_failure_stale: {
      plant: () =>
        run(sql`insert into fill_failures (content, model, path, code, reason)
          values (${hash('a')}, 'gone', '/photos/a.png', 'corrupt_image', 'it is')`),
    },
    job_times: {
      plant: () =>
        run(sql`insert into jobs (id, kind, state, "order", facts)
          values ('1', 'index', 'done', '{}', '{}')`),
    },
    claim_expired: {
      plant: () =>
        run(sql`insert into claims values (${hash('a')}, 'm', 'dead', now() - interval '2 hours')`),
    },
    concept_example_lost: {
      plant: () => concept([example('a'), example('x')], vectorBytes(Array(8).fill(0.1))),
    },
    concept_weights: { plant: () => concept([example('a')], vectorBytes([1, 2, 3])) },
    vector_dimension: {
      plant: () =>
        run(
          sql`update embeddings set vector = ${vectorBytes([1, 0])} where content = ${hash('a')}`,
        ),
      left: ['b', 'c', 'd'],
    },
    vector_not_unit: {
      plant: () =>
        run(sql`update embeddings set vector = ${vectorBytes([Number.NaN, ...Array(7).fill(0)])}
          where content = ${hash('b')}`),
      left: ['a', 'c', 'd'],
    },
    vector_recipe: {
      plant: () => run(sql`update embeddings set recipe = 'old' where content = ${hash('c')}`),
      left: ['a', 'b', 'd'],
    },
    feed_missing: { plant: () => run(sql`delete from changes where content = ${hash('a')}`) },
    feed_hidden: {
      plant: () => run(sql`update paths set missing_since = now() where content = ${hash('a')}`),
      left: ['b', 'c', 'd'],
    },
    feed_number: {
      plant: () =>
        run(sql`update changes set seq = (select max(seq) from embeddings)
        where content = ${hash('a')}`),
    },
  }

  if (engine === 'pglite') {
    rowPlants.next_model_absent = {
      plant: () => run(sql`update serving set next_model = 'gone', next_recipe = 'r'`),
    }
  }

  test('a sound store is found to be sound', async () => {
    await recordGeneration(db, { ...GENERATION, picture: hashOf('forgotten') })
    expect(await look()).toEqual([])
    expect(await shown()).toEqual(pathsOf(NAMES))
  })

  test.each(Object.entries(rowPlants))('%s', async (code, { plant, left = NAMES }) => {
    await plant()
    await database.noteChoices()
    expect(await look()).toEqual([code])
    // Looking has changed nothing.
    expect(await look(true)).toEqual([code])
    expect(await look()).toEqual([])
    expect(await shown()).toEqual(pathsOf(left))
  })

  test('serving_model_absent: named on a server, another one answers in an embedded database', async () => {
    const noteOf = () =>
      rows(db, sql`select model, recipe, previous_model as previous from serving`)
    await run(sql`update serving set model = 'gone', recipe = 'g'`)
    await database.noteChoices()
    expect(await look()).toEqual(['serving_model_absent'])
    await look(true)
    await database.noteChoices()
    if (engine === 'postgres') {
      expect(await noteOf()).toEqual([{ model: 'gone', recipe: 'g', previous: null }])
      return
    }
    expect(await look()).toEqual([])
    expect(await noteOf()).toEqual([{ model: 'm', recipe: 'r', previous: 'gone' }])
  })

  test('many at once are all mended, whichever is cut off half-way', async () => {
    const codes = ['orphan_paths', 'path_twice', 'vector_not_unit', 'feed_missing', 'feed_hidden']
    const plantAll = async () => {
      for (const code of codes) await rowPlants[code]!.plant()
    }
    await plantAll()
    await run(sql`alter table changes add constraint nothing check (false) not valid`)
    await expect(look(true)).rejects.toThrow()
    await run(sql`alter table changes drop constraint nothing`)
    await look(true)
    expect(await look()).toEqual([])
    expect((await listVisible(db)).flatMap(({ paths }) => paths).toSorted()).toEqual(
      pathsOf(['b', 'c', 'd']),
    )
  })

  describe('beside the database', () => {
    beforeEach(() => rm(at('indexes'), { recursive: true, force: true }))

    const identity = () => ({ storeId: database.storeId, ...SPACE })
    const folder = () => join(spaceFolder(place.dataDir, identity()), 'exact')
    const saveIndex = async (spoil?: {
      content: string
      vector: ReturnType<typeof vectorOf> | null
    }) => {
      const index = await openExactIndex({ identity: identity(), directory: folder() })
      expect(await syncIndex(db, SPACE, index)).toBe(true)
      if (spoil) await index.apply([spoil], await lastSequenceOf(db, SPACE))
      await index.save()
      return index
    }
    const checkpoint = async (change: object = {}) => {
      const rows = await listVisible(db)
      const facts = { rows, drawn: [], serves: true }
      const made = await makeCheckpoint(
        place.dataDir,
        identity(),
        (await saveIndex()) as never,
        facts,
      )
      await setCheckpoint(place.dataDir, { ...made, ...change })
    }
    const damage = async (name: RegExp) => {
      const path = join(folder(), (await readdir(folder())).find((one) => name.test(one))!)
      const file = await open(path, 'r+')
      await file.write(Buffer.from([0x55, 0xaa]), 0, 2, 10)
      await file.close()
    }
    const unfinished = async (folder: string) => {
      const path = join(folder, `x.png.${'0'.repeat(12)}.tmp`)
      await mkdir(folder, { recursive: true })
      await writeFile(path, 'x')
      await utimes(path, 1000, 1000)
    }
    const spoilt = async (...names: string[]) => {
      await mkdir(dirname(at(...names)), { recursive: true })
      await writeFile(at(...names), 'garbage')
    }
    const plants: Record<string, readonly [code: string, plant: () => Promise<unknown>]> = {
      'an index of another database': [
        'index_foreign',
        () => mkdir(at('indexes', 'other', 'm-r', 'exact'), { recursive: true }),
      ],
      'an index whose vectors were changed': [
        'index_damaged',
        async () => {
          await saveIndex()
          await damage(/^vectors-/)
        },
      ],
      'an index with a vector of another picture': [
        'index_differs',
        () => saveIndex({ content: hashOf('a'), vector: vectorOf('b') }),
      ],
      'an index that lacks a picture': [
        'index_differs',
        () => saveIndex({ content: hashOf('a'), vector: null }),
      ],
      'an index with a picture too many': [
        'index_differs',
        () => saveIndex({ content: hashOf('x'), vector: vectorOf('x') }),
      ],
      'a checkpoint of another moment': ['checkpoint_differs', () => checkpoint({ sequence: 2 })],
      'a checkpoint that counts a picture as drawn': [
        'checkpoint_differs',
        () => checkpoint({ drawn: [hashOf('a')] }),
      ],
      'a thumbnail that was cut short': [
        'cache_damaged',
        () => spoilt('cache', 'thumbnails', 'ab', 'abc-320.webp'),
      ],
      'what was measured, spoilt': ['cache_damaged', () => spoilt('cache', 'tuning.json')],
      'a file that was never finished': ['leftover', () => unfinished(at('cache'))],
      'an upload that was never finished': ['leftover', () => unfinished(at('uploads'))],
      'vectors that no index names': [
        'leftover',
        async () => {
          await saveIndex()
          await writeFile(join(folder(), 'vectors-1-a.bin'), 'x')
          await utimes(join(folder(), 'vectors-1-a.bin'), 1000, 1000)
        },
      ],
    }
    if (engine === 'pglite') {
      plants['a snapshot that was cut short'] = [
        'snapshot_damaged',
        () => spoilt('database.snapshot'),
      ]
      plants['folders noted for a repair that are not those'] = [
        'note_differs',
        () => run(sql`insert into roots (path) values ('/more')`),
      ]
    }

    test('an index that is just being saved stays where others may be at work', async () => {
      await saveIndex()
      await rm(join(folder(), 'header.json'))
      expect(await look()).toEqual(engine === 'postgres' ? [] : ['index_damaged'])
      for (const name of await readdir(folder())) await utimes(join(folder(), name), 1000, 1000)
      await utimes(folder(), 1000, 1000)
      expect(await look(true)).toEqual(['index_damaged'])
      expect(await look()).toEqual([])
    })

    test('a saved index and a checkpoint that are true stay', async () => {
      await checkpoint()
      expect(await look()).toEqual([])
    })

    test.each(Object.entries(plants))('%s', async (_, [code, plant]) => {
      await plant()
      expect(await look()).toEqual([code])
      expect(await look(true)).toEqual([code])
      expect(await look()).toEqual([])
      const index = await saveIndex()
      expect(await index.search(vectorOf('a'), 1)).toMatchObject([{ content: hashOf('a') }])
    })

    test.each(['shared', '.'])('leftovers where there is a storage: in %s', async (home) => {
      await unfinished(at(home, 'uploads'))
      expect(await look(true, at('shared'))).toEqual(['leftover'])
      expect(await look(false, at('shared'))).toEqual([])
    })

    testOn('pglite', engine)('a snapshot that cannot be read stays', async () => {
      await mkdir(at('database.snapshot'))
      expect(await look(true)).toEqual([])
      expect(await readdir(place.dataDir)).toContain('database.snapshot')
      await rm(at('database.snapshot'), { recursive: true })
    })

    test('path_twice waits for no pipe', async () => {
      execFileSync('mkfifo', [at('pipe.png')])
      await run(sql`insert into roots (path) values (${place.dataDir})`)
      await database.noteChoices()
      for (const name of ['a', 'b']) {
        await run(sql`insert into paths (content, path, size_bytes, mtime_ms)
          values (${hash(name)}, ${at('pipe.png')}, 100, 1)`)
      }
      expect(await look(true)).toEqual(['path_twice'])
      await rm(at('pipe.png'))
    })

    describe('drawn pictures', () => {
      /** As if they had been drawn, and some had lost their files since. */
      const plant = async (folder: string, kept: readonly string[], lost: readonly string[]) => {
        await rm(folder, { recursive: true, force: true })
        await mkdir(folder, { recursive: true })
        await run(sql`insert into roots (path, drawn) values (${folder}, true)`)
        const files = [...kept, ...lost].map((name) => storedFile(name, join(folder, name)))
        await writeBatch(db, SPACE, { files, failures: [] })
        for (const name of kept) await writeFile(join(folder, name), 'png')
        await database.noteChoices()
      }

      test.each(['drawn', 'storage/drawn'])('in %s: gone, or not indexed', async (name) => {
        const storage = name === 'drawn' ? undefined : at('storage')
        const folder = at(name)
        await plant(folder, ['kept.png'], ['lost.png'])
        expect(await look(false, storage)).toEqual(['drawn_gone'])
        await look(true, storage)
        expect(await look(false, storage)).toEqual([])
        expect(await shown()).toEqual([...pathsOf(NAMES), join(folder, 'kept.png')].toSorted())
        await writeFile(join(folder, 'new.png'), 'png')
        expect(await look(true, storage)).toEqual(['drawn_not_indexed'])
        expect(drawn.at(-1)).toBe(folder)
      })

      test.each(['empty', 'missing'])('whose folder is %s are not given up', async (how) => {
        await plant(at('drawn'), [], ['lost-1.png', 'lost-2.png'])
        if (how === 'missing') await rm(at('drawn'), { recursive: true })
        const before = await shown()
        expect(await look(true)).toEqual(['drawn_unmounted'])
        expect(await look()).toEqual(['drawn_unmounted'])
        expect(await shown()).toEqual(before)
      })

      test('that cannot be asked for are not given up', async () => {
        await plant(at('drawn'), ['kept.png'], ['loop/lost.png'])
        await symlink('loop', at('drawn', 'loop'))
        expect(await look(true)).toEqual([])
      })
    })
  })
})

describeDatabase('lucida doctor', (newPlace, engine) => {
  test('names what is wrong, mends it, and searches answer as before', async () => {
    await using place = await newPlace()
    await using folder = await newFolder()
    const names = await writeDrawings(folder)
    const lucida = await openAt(place)
    await indexAll(lucida, [folder.path])
    const before = (await lucida.search([{ text: 'a red disc' }], { limit: 50 })).results
    await lucida.close()
    expect(before).toHaveLength(names.length)
    const env = { LUCIDA_MODELS_DIR: join(place.dataDir, 'models') }
    const doctor = (...flags: string[]) =>
      runCaptured(['doctor', ...flags, '--data-dir', place.dataDir], {
        env: place.databaseUrl ? { ...env, DATABASE_URL: place.databaseUrl } : env,
      })
    const consistency = async (...flags: string[]) => {
      const { out } = await doctor('--json', ...flags)
      const check = JSON.parse(out).find(({ name }: { name: string }) => name === 'consistency')
      return check as { state: string; inconsistencies?: { code: string; mended: boolean }[] }
    }
    expect((await consistency()).state).toBe('ok')

    const database = await place.open()
    await rows(
      database.db,
      sql`delete from changes where content in (select content from changes limit 3)`,
    )
    await rows(
      database.db,
      sql`insert into failures (path, code, reason, size_bytes, mtime_ms, tried_by)
      select path, 'corrupt_image', 'x', 1, 1, '0' from paths limit 1`,
    )
    await database.close()
    const found = await doctor()
    expect(found.code).toBe(1)
    expect(found.out).toMatch(/feed_missing: .*\(3; to be mended\)/)
    expect(found.out).toMatch(/failure_of_picture: .*\(1; to be mended\)/)

    if (engine === 'pglite') {
      // Killed at any moment, it is only run again.
      for (const ms of [1000, 2500]) {
        const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
        const child = spawn(
          process.execPath,
          ['--import', 'tsx', main, 'doctor', '--repair', '--data-dir', place.dataDir],
          { stdio: 'ignore' },
        )
        const ended = once(child, 'exit')
        await Promise.race([sleep(ms), ended])
        child.kill('SIGKILL')
        await ended
      }
    }
    const mended = await doctor('--repair')
    expect(mended).toMatchObject({ code: 0 })
    expect((await consistency()).state).toBe('ok')
    const again = await openAt(place)
    const after = (await again.search([{ text: 'a red disc' }], { limit: 50 })).results
    await again.close()
    expect(after).toEqual(before)
  })
})

describeDatabase('lucida doctor --repair', (newPlace, engine) => {
  if (engine === 'postgres') {
    test.skip('restores the embedded database only')
    return
  }

  test('says why a damaged database cannot be restored', async () => {
    await using place = await newPlace()
    const database = await place.open()
    await writeBatch(database.db, SPACE, { files: [storedFile('a')], failures: [] })
    const [row] = await rows<{ path: string }>(
      database.db,
      sql`select pg_relation_filepath('changes') as path`,
    )
    await database.close()
    await writeFile(join(place.dataDir, 'database', row!.path), '')
    // Damage that opening does not look for.
    await writeSeal(placeIn(place.dataDir))
    // Cannot be read, as on a failing disk.
    await mkdir(join(place.dataDir, 'database.snapshot'))
    const config = resolveConfig({ flags: { dataDir: place.dataDir }, env: {} })
    await expect(examine(config, true)).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining('EISDIR'),
    })
    // Nobody holds the directory, and once that is put right, it is mended.
    await rm(join(place.dataDir, 'database.snapshot'), { recursive: true })
    const { repaired } = await examine(config, true)
    expect(repaired).toMatchObject({ from: null })
  })
})

function failureAt(path: string): SQL {
  return sql`insert into failures (path, code, reason, size_bytes, mtime_ms, tried_by)
    values (${path}, 'corrupt_image', 'it is', 1, 1, '0')`
}

const GENERATION = {
  id: 'one',
  requestHash: hashOf('request'),
  state: 'done' as const,
  request: {},
  outcome: {},
  createdAt: new Date(0),
  endedAt: new Date(0),
}
