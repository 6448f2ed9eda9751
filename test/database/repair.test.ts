// A damaged embedded database is replaced by its last-good snapshot, and the next indexing run
// brings back what has changed since: nothing that is still on disk is lost.
import { existsSync, rmSync } from 'node:fs'
import {
  cp,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import type { Lucida } from '../../src/lucida.ts'
import { openDatabase, rows } from '../../src/store/database.ts'
import { openEmbedded } from '../../src/store/embedded.ts'
import { packFolder, readHeader, unpackFolder } from '../../src/store/snapshot.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { type DumpedPath, dumpCollection, largestDifference } from '../helpers/dump.ts'
import { makePicture } from '../helpers/noise-pictures.ts'
import { indexAll, openAt } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'

/** Enough for a snapshot. */
const PICTURES = 100
/** Added after the snapshot. */
const MORE = 3

describeDatabase('repair', (_newPlace, engine) => {
  if (engine === 'postgres') {
    test.skip('is for the embedded database')
    return
  }
  let folder: TestFolder
  let template: string
  let expected: DumpedPath[]

  beforeAll(async () => {
    folder = await newFolder()
    template = await mkdtemp(join(tmpdir(), 'lucida-repair-'))
    for (let i = 0; i < PICTURES; i++) await folder.write(`${i}.png`, await makePicture(i))
    await index(template)
    expect(existsSync(join(template, 'database.snapshot'))).toBe(true)
    for (let i = PICTURES; i < PICTURES + MORE; i++) {
      await folder.write(`${i}.png`, await makePicture(i))
    }
    await index(template)
    expected = await dumpCollection({ dataDir: template })
    expect(expected).toHaveLength(PICTURES + MORE)
  })
  afterAll(async () => {
    await rm(template, { recursive: true, force: true })
    await folder[Symbol.asyncDispose]()
  })

  async function index(dataDir: string): Promise<void> {
    const lucida = await openAt(placeAt(dataDir))
    await indexAll(lucida, [folder.path])
    await lucida.close()
  }

  async function copyOfTemplate(): Promise<TestPlace & { readonly at: (path: string) => string }> {
    const dataDir = await mkdtemp(join(tmpdir(), 'lucida-repair-'))
    await cp(template, dataDir, { recursive: true, preserveTimestamps: true })
    return { ...placeAt(dataDir), at: (path) => join(dataDir, path) }
  }

  /** Opens, sees the repair, indexes every known folder and compares with the undisturbed one. */
  async function expectRepaired(place: TestPlace, from: 'snapshot' | 'nothing') {
    const lucida = await openAt(place)
    const { repaired } = lucida
    expect(repaired).not.toBeNull()
    expect(repaired!.from === null).toBe(from === 'nothing')
    await indexAll(lucida, [])
    await expectEverything(lucida)
    await lucida.close()
    expect(largestDifference(expected, await dumpCollection(place))).toBeLessThanOrEqual(1e-6)
    return repaired!
  }

  async function expectEverything(lucida: Lucida): Promise<void> {
    const { results } = await lucida.search([{ path: folder.at('1.png') }], { limit: 1000 })
    expect(new Set(results.map(({ id }) => id)).size).toBe(PICTURES + MORE)
  }

  /** The file of a table or an index, below the data directory. */
  async function fileOf(place: TestPlace, relation: string): Promise<string> {
    const database = await openDatabase({ directory: place.dataDir })
    const [row] = await rows<{ file: string }>(
      database.db,
      sql`select pg_relation_filepath(${relation}) as file`,
    )
    await database.close()
    return join(place.dataDir, 'database', row!.file)
  }

  async function walFiles(place: { readonly at: (path: string) => string }): Promise<string[]> {
    const names = await readdir(place.at('database/pg_wal'))
    return names
      .filter((name) => name.length === 24)
      .map((name) => place.at(`database/pg_wal/${name}`))
  }

  type Damage = (place: Awaited<ReturnType<typeof copyOfTemplate>>) => Promise<void>
  const damages: Record<string, Damage> = {
    'an empty pg_control': ({ at }) => truncate(at('database/global/pg_control'), 0),
    'no pg_filenode.map': ({ at }) => rm(at('database/global/pg_filenode.map')),
    'no PG_VERSION': ({ at }) => rm(at('database/PG_VERSION')),
    'a write-ahead log cut short': async (place) => {
      for (const path of await walFiles(place)) await truncate(path, 4096)
    },
    'garbage in the write-ahead log': async (place) => {
      for (const path of await walFiles(place)) await writeFile(path, Buffer.alloc(1 << 24, 0x5a))
    },
    'no transaction status': async ({ at }) => {
      for (const name of await readdir(at('database/pg_xact'))) {
        await rm(at(`database/pg_xact/${name}`))
      }
    },
    'a table cut to nothing': async (place) => truncate(await fileOf(place, 'paths'), 0),
    'a table without its last page': async (place) => {
      const path = await fileOf(place, 'contents')
      await truncate(path, (await readFile(path)).length - 8192)
    },
    'garbage in a table': async (place) => overwrite(await fileOf(place, 'embeddings')),
    'garbage in an index': async (place) => overwrite(await fileOf(place, 'paths_path')),
    'an index that is gone': async (place) => rm(await fileOf(place, 'changes_pkey')),
    'no database at all': ({ at }) => rm(at('database'), { recursive: true }),
  }
  test.each(Object.entries(damages))('%s: restored from the snapshot', async (name, damage) => {
    await using place = await copyOfTemplate()
    await damage(place)
    const database = await place.open()
    const { repaired, db } = database
    const [found] = await rows<{ n: number }>(
      db,
      sql`select count(*)::int as n from paths join contents on hash = paths.content
          join embeddings e on e.content = hash join changes c on c.content = hash`,
    )
    await database.close()
    expect(found!.n).toBe(PICTURES)
    expect(repaired?.from).toBeInstanceOf(Date)
    if (name === 'no database at all') expect(repaired!.brokenKeptAt).toBeNull()
    else expect(existsSync(repaired!.brokenKeptAt!)).toBe(true)
  })

  test('after a repair the next run brings back what the snapshot had not', async () => {
    await using place = await copyOfTemplate()
    await truncate(await fileOf(place, 'paths'), 0)
    await expectRepaired(place, 'snapshot')
  })

  test('damage that shows in the middle of the work is repaired at the next start', async () => {
    await using place = await copyOfTemplate()
    const path = await fileOf(place, 'embeddings')
    const database = await place.open()
    await overwrite(path)
    await expect(rows(database.db, sql`select * from embeddings`)).rejects.toMatchObject({
      cause: { code: 'database_unavailable', message: expect.stringContaining('next start') },
    })
    await database.close()
    const again = await place.open()
    expect(again.repaired?.from).toBeInstanceOf(Date)
    await again.close()
  })

  test('what cannot be asked at the end keeps nothing open', async () => {
    await using place = await copyOfTemplate()
    const database = await openDatabase({ directory: place.dataDir })
    await database.db.execute(sql`drop table store cascade`)
    await database.close()
    await expect(database.db.execute(sql`select 1`)).rejects.toThrow()
  })

  test('without a snapshot it begins anew with the same folders', async () => {
    await using place = await copyOfTemplate()
    await rm(place.at('database.snapshot'))
    await truncate(place.at('database/global/pg_control'), 0)
    await expectRepaired(place, 'nothing')
  })

  test('begun anew, it keeps the model that was chosen, and what was drawn stays apart', async () => {
    await using place = await copyOfTemplate()
    const before = await place.open()
    await before.db.execute(
      sql`update serving set model = 'chosen', recipe = 'r', previous_model = 'm'`,
    )
    await before.db.execute(sql`insert into roots (path, drawn) values ('/drawn', true)`)
    await before.noteChoices()
    await before.close()
    await rm(place.at('database.snapshot'))
    await truncate(place.at('database/global/pg_control'), 0)
    const after = await place.open()
    expect(after.repaired).toMatchObject({ from: null })
    expect(
      await rows(after.db, sql`select model, recipe, previous_model as previous from serving`),
    ).toEqual([{ model: 'chosen', recipe: 'r', previous: 'm' }])
    expect(await rows(after.db, sql`select path from roots where drawn`)).toEqual([
      { path: '/drawn' },
    ])
    await after.close()
  })

  test.each(['damaged', 'cut short'])('a snapshot that is %s is not trusted', async (how) => {
    await using place = await copyOfTemplate()
    const snapshot = place.at('database.snapshot')
    if (how === 'damaged') await overwrite(snapshot, 5_000_000)
    else await truncate(snapshot, 20_000_000)
    await expect(unpackFolder(snapshot, place.at('unpacked'))).rejects.toThrow()
  })

  test('a snapshot that cannot be finished leaves the last one as it was', async () => {
    await using place = await copyOfTemplate()
    const before = await readFile(place.at('database.snapshot'))
    await mkdir(place.at('folder'))
    await writeFile(place.at('folder/file'), 'text')
    const packing = packFolder(place.at('folder'), place.at('database.snapshot'), {
      storeId: 'other',
      sequence: 1,
      takenAt: 0,
    })
    // After the folder was listed, before its files are read.
    rmSync(place.at('folder'), { recursive: true })
    await expect(packing).rejects.toThrow()
    expect(before.equals(await readFile(place.at('database.snapshot')))).toBe(true)
  })

  test('a snapshot is not given up for want of memory, or a migration that fails', async () => {
    await using place = await copyOfTemplate()
    await truncate(place.at('database/global/pg_control'), 0)
    for (const reason of [new RangeError('Out of memory'), new Error('cannot be migrated')]) {
      const failing = openEmbedded(place.dataDir, () => Promise.reject(reason))
      await expect(failing).rejects.toBe(reason)
      expect(await readdir(place.dataDir)).not.toContainEqual(expect.stringMatching(/new-|broken-/))
    }
    await expectRepaired(place, 'snapshot')
  })

  test('a first start whose migration fails says so, and the next one too', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'lucida-first-'))
    const reason = new Error('cannot be migrated')
    for (let start = 0; start < 2; start++) {
      const failing = openEmbedded(dataDir, () => Promise.reject(reason))
      await expect(failing).rejects.toBe(reason)
      expect(await readdir(dataDir)).toEqual([])
    }
    const database = await openDatabase({ directory: dataDir })
    expect(database.repaired).toBeNull()
    await database.close()
    await rm(dataDir, { recursive: true })
  })

  test('a restored database has another identity, so that indexes of the lost one are refused', async () => {
    await using place = await copyOfTemplate()
    const before = await place.open()
    await before.close()
    await truncate(place.at('database/global/pg_control'), 0)
    const after = await place.open()
    await after.close()
    expect(after.storeId).not.toBe(before.storeId)
    // Only once.
    const again = await place.open()
    expect(again.repaired).toBeNull()
    expect(again.storeId).toBe(after.storeId)
    await again.close()
  })

  test('a folder removed after the snapshot does not come back', async () => {
    await using place = await copyOfTemplate()
    const lucida = await openAt(place)
    await lucida.remove(folder.path)
    await lucida.close()
    await truncate(place.at('database/global/pg_control'), 0)
    const repaired = await openAt(place)
    expect(repaired.repaired!.from).not.toBeNull()
    expect(await repaired.status()).toMatchObject({ searchable: 0, roots: [] })
    await repaired.close()
  })

  test.each(['snapshot', 'nothing'])(
    'keys are as they were, repaired from %s: those that are left open the same doors',
    async (from) => {
      await using place = await copyOfTemplate()
      const lucida = await openAt(place)
      const revoked = await lucida.keys.create({ name: 'revoked', scope: 'admin' })
      await lucida.sessions.open(sha256('a page'), revoked.id)
      await lucida.close()
      await cp(place.at('database'), place.at('earlier'), { recursive: true })
      const again = await openAt(place)
      await again.keys.revoke(revoked.id)
      const left = await again.keys.create({ name: 'left', scope: 'read' })
      const keys = await again.keys.list()
      await again.close()

      if (from === 'nothing') await rm(place.at('database.snapshot'))
      else {
        const header = await readHeader(place.at('database.snapshot'))
        await packFolder(place.at('earlier'), place.at('database.snapshot'), header!)
      }
      await rm(place.at('earlier'), { recursive: true })
      await truncate(place.at('database/global/pg_control'), 0)
      const repaired = await openAt(place)
      expect(repaired.repaired!.from === null).toBe(from === 'nothing')
      expect(await repaired.keys.list()).toEqual(keys)
      const ring = await repaired.keys.load()
      expect(ring.verify(revoked.key)).toBeNull()
      expect(ring.verify(left.key)).toMatchObject({ name: 'left', scope: 'read' })
      expect(await repaired.sessions.find(sha256('a page'))).toBeNull()
      await repaired.close()
    },
  )

  test('of the damaged databases the newest two are kept', async () => {
    await using place = await copyOfTemplate()
    const kept: string[] = []
    for (let i = 0; i < 3; i++) {
      await truncate(place.at('database/global/pg_control'), 0)
      const database = await place.open()
      kept.push(database.repaired!.brokenKeptAt!)
      await database.close()
    }
    expect(kept.map((path) => existsSync(path))).toEqual([false, true, true])
  })

  test('what is no damage repairs nothing: a newer version, another Postgres', async () => {
    await using place = await copyOfTemplate()
    await writeFile(place.at('database/PG_VERSION'), '19\n')
    await expect(place.open()).rejects.toMatchObject({ code: 'database_unavailable' })
    expect(await readdir(place.dataDir)).not.toContainEqual(expect.stringContaining('broken'))
  })

  test('what kills have left behind is removed at the next start', async () => {
    await using place = await copyOfTemplate()
    const litter = ['database.snapshot.new', 'database.closed.new', 'database.roots.json.new']
    for (const name of litter) await writeFile(place.at(name), 'half')
    await cp(place.at('database/base'), place.at('database.new-1-abc/base'), { recursive: true })
    const database = await place.open()
    expect(database.repaired).toBeNull()
    await database.close()
    expect(await readdir(place.dataDir)).toEqual(
      expect.not.arrayContaining([...litter, 'database.new-1-abc']),
    )
  })

  test('the user is told, once', async () => {
    await using place = await copyOfTemplate()
    await truncate(place.at('database/global/pg_control'), 0)
    const args = ['status', '--data-dir', place.dataDir, '--model', 'lucida-clip-1']
    const first = await runCaptured(args)
    expect(first.err).toMatch(
      /^the database was damaged: .*restored as it was on .*broken-.*lucida index/,
    )
    expect(first.out).toContain('not indexed to the end yet: run lucida index')
    expect((await runCaptured(args)).err).toBe('')
  })

  test('closing without changes takes no snapshot', async () => {
    await using place = await copyOfTemplate()
    const before = await readFile(place.at('database.snapshot'))
    const database = await place.open()
    await database.close()
    expect(before.equals(await readFile(place.at('database.snapshot')))).toBe(true)
  })
})

function placeAt(dataDir: string): TestPlace {
  return {
    dataDir,
    open: () => openDatabase({ directory: dataDir }),
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
  }
}

/** Damages the first page, or the one at `position`. */
async function overwrite(path: string, position = 0): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Buffer.alloc(8192, 0x77), 0, 8192, position)
  await file.close()
}
