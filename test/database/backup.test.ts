// A backup, made while others write, gives equal answers wherever it is restored; one that is not
// whole is refused before anything is changed.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApi } from '../../src/api/app.ts'
import { startServer } from '../../src/api/server.ts'
import type { Block, Manifest } from '../../src/backup/blocks.ts'
import { checkFile, readBlocks, writeBlocks } from '../../src/backup/file.ts'
import { restoreBackup } from '../../src/backup/restore.ts'
import { atOneMoment, filledTables } from '../../src/backup/tables.ts'
import { LucidaError, writeBackup } from '../../src/lucida.ts'
import { type Database, openCopy, openDatabase, rows } from '../../src/store/database.ts'
import { deletePaths } from '../../src/store/paths.ts'
import { writeBatch } from '../../src/store/pictures.ts'
import { roots } from '../../src/store/schema.ts'
import { answersOf, type Questions } from '../helpers/answers.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase, testOn, type TestPlace } from '../helpers/database.ts'
import { useFakePainter } from '../helpers/fake-painter.ts'
import { loseCommit } from '../helpers/lost-answer.ts'
import { makeBrokenPicture, makePicture } from '../helpers/noise-pictures.ts'
import { indexAll, openAt, writeDrawings } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'
import { storedFile } from '../helpers/shared-store.ts'
import { until } from '../helpers/until.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const TEXTS = ['a red disc', 'stripes', 'a blue square']
const SPACE = { model: 'noise', recipe: 'none' }

useFakePainter()

describeDatabase('a backup', (newPlace, engine) => {
  let place: TestPlace
  let folder: TestFolder
  let scratch: string
  let file: string
  let questions: Questions
  let expected: Awaited<ReturnType<typeof answersOf>>

  beforeAll(async () => {
    place = await newPlace()
    folder = await newFolder()
    scratch = await realpath(await mkdtemp(join(tmpdir(), 'lucida-backup-')))
    file = join(scratch, 'all.backup')
    questions = await fill(place, folder)
    const lucida = await openAt(place)
    expected = await answersOf(lucida, { ...questions, rename: [[await dataOf(place), 'DATA']] })
    await lucida.close()
    await writeBackup(place, file)
  })
  afterAll(async () => {
    await rm(scratch, { recursive: true, force: true })
    await folder[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  const run = (args: readonly string[], at: Pick<TestPlace, 'dataDir' | 'databaseUrl'> = place) =>
    runCaptured([...args, '--data-dir', at.dataDir], {
      cwd: scratch,
      env: at.databaseUrl ? { DATABASE_URL: at.databaseUrl } : {},
    })

  async function expectEqual(at: TestPlace): Promise<void> {
    const lucida = await openAt(at)
    const answers = await answersOf(lucida, { ...questions, rename: [[await dataOf(at), 'DATA']] })
    const counts = await indexAll(lucida, [join(await dataOf(at), 'drawn')])
    await lucida.close()
    expect(answers).toEqual(expected)
    // Neither pictures nor vectors are made again.
    expect(counts).toMatchObject({ embedded: 0, reused: 0, vanished: 0, unchanged: 1 })
  }

  test('asks for something of everything', () => {
    expect(Object.values(expected).filter((answer) => answer === '[]')).toEqual([])
    expect(expected.roots).toContain('"drawn":true')
    expect(expected.roots).toContain('DATA/uploads')
  })

  test('restored elsewhere gives equal answers', async () => {
    await using elsewhere = await newPlace()
    const { code, err } = await run(['restore', 'all.backup'], elsewhere)
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringMatching(/^restored 14 pictures in 3 folders, 2 files of Lucida's own/),
    })
    await expectEqual(elsewhere)
    // Changes go on behind those that are known.
    const [before, after] = [await place.open(), await elsewhere.open()]
    const numberOf = ({ db }: { db: Database }) =>
      rows<{ n: number }>(db, sql`select nextval('changes_seq')::int as n`)
    expect(await numberOf(after)).toEqual(await numberOf(before))
    expect(after.storeId).not.toBe(before.storeId)
    await before.close()
    await after.close()
  })

  testOn('postgres', engine)('passes from one engine to the other and back', async () => {
    const dataDir = join(scratch, 'embedded')
    const embedded: TestPlace = { ...directoryPlace(dataDir) }
    expect(await run(['restore', 'all.backup'], embedded)).toMatchObject({ code: 0 })
    const second = join(scratch, 'embedded.backup')
    expect(await run(['backup', second], embedded)).toMatchObject({ code: 0 })
    await expectEqual(embedded)
    await using server = await newPlace()
    expect(await run(['restore', second], server)).toMatchObject({ code: 0 })
    await expectEqual(server)
  })

  test('made while others write holds one moment of theirs', async () => {
    await using busy = await newPlace()
    const database = await busy.open()
    const paths = ['busy-1', 'busy-2'].map((name) => join(scratch, name))
    const writing = keepWriting(database.db)
    try {
      await until(() => writing.steps() > 4)
      for (const path of paths) {
        const before = writing.steps()
        const copy = engine === 'pglite' ? await database.copy() : undefined
        await writeBackup(busy, path, { ...(copy !== undefined && { copy }) })
        if (copy !== undefined) await rm(copy, { recursive: true })
        // Nobody waited for the backup to end.
        expect(writing.steps()).toBeGreaterThan(before + 1)
      }
    } finally {
      await writing.stop()
      await database.close()
    }
    const steps: number[] = []
    for (const path of paths) {
      await using elsewhere = await newPlace()
      await restoreBackup(elsewhere, path)
      const restored = await elsewhere.open()
      steps.push(await stepHeldBy(restored.db))
      await restored.close()
    }
    expect(steps[1]).toBeGreaterThan(steps[0]!)
  })

  testOn('postgres', engine)('reads nothing that comes after its moment', async () => {
    await using busy = await newPlace()
    const database = await busy.open()
    const { db } = database
    await writeStep(db, 0, 5)
    const found = await atOneMoment(db, async (tx) => {
      // Of a cluster, no node but one may have been asked anything yet.
      await writeStep(db, 2, 5)
      const counted = sql`select count(*)::int as n from paths`
      return { inside: await rows(tx, counted), outside: await rows(db, counted) }
    })
    expect(found).toEqual({ inside: [{ n: 5 }], outside: [{ n: 10 }] })
    await database.close()
  })

  testOn('pglite', engine)('is made beside a server that is at work', async () => {
    await using server = await serve(place)
    const pictures = await newFolder()
    for (let i = 0; i < 12; i++) await pictures.write(`${i}.png`, await makePicture(i))
    const indexing = indexAll(server.lucida, [pictures.path])
    const made = await run(['backup', 'served.backup', '--json'])
    await indexing
    await server.lucida.remove(pictures.path)
    await pictures[Symbol.asyncDispose]()
    const { counts } = JSON.parse(made.out) as { counts: Record<string, number> }
    expect(counts.contents).toBeGreaterThanOrEqual(14)
    expect(counts.files).toBe(2)
    expect(counts.paths).toBe(counts.embeddings! + 1)
    await until(async () => (await copiesIn(place)).length === 0)
    await checkFile(join(scratch, 'served.backup'))
  })

  testOn('pglite', engine)('whose maker is killed leaves no copy behind', async () => {
    await using server = await serve(place)
    const child = cli(['backup', join(scratch, 'killed.backup'), '--data-dir', place.dataDir])
    await until(async () => (await copiesIn(place)).length > 0)
    await kill(child)
    await until(async () => (await copiesIn(place)).length === 0)
    expect(existsSync(join(scratch, 'killed.backup'))).toBe(false)
    expect((await server.lucida.list()).matching).toBeGreaterThan(0)
  })

  test('is for the owner of the directory only', async () => {
    await using server = await serve(place)
    const asked = await fetch(`${server.url}/v1/database/copy`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${questions.keys![0]!}`,
      },
      body: '{}',
    })
    expect(asked.status).toBe(403)
    expect(await copiesIn(place)).toEqual([])
  })

  test('that is killed is none, and stands in nobody’s way', async () => {
    const target = join(scratch, 'half.backup')
    await using large = await newPlace()
    // A large file of its own, so that it takes a while.
    const own = await addOwnFile(large, 4 * 2 ** 30)
    const child = cli(['backup', target, '--data-dir', large.dataDir], large.databaseUrl)
    const drafts = async () =>
      (await readdir(scratch)).filter((name) => /^half\.backup\..*\.part$/.test(name))
    await until(async () => (await drafts()).length > 0)
    await kill(child)
    expect(existsSync(target)).toBe(false)
    await truncate(own, 100)
    // While it may be another one's that goes on, what is left of it stays.
    expect(await run(['backup', target], large)).toMatchObject({ code: 0 })
    const [draft, ...others] = await drafts()
    expect(others).toEqual([])
    await utimes(join(scratch, draft!), 1000, 1000)
    await writeFile(join(scratch, 'half.backup.mine.part'), 'somebody else’s')
    expect(await run(['backup', target, '--force'], large)).toMatchObject({ code: 0 })
    expect(await drafts()).toEqual(['half.backup.mine.part'])
    expect(await checkFile(target)).toMatchObject({ own: [{ name: 'uploads' }] })
  })

  test('holds concepts one by one, for all their pictures', async () => {
    await using taught = await newPlace()
    const database = await taught.open()
    await database.db.execute(sql`insert into concepts (name, examples, model, recipe, weights, bias, separation)
      select 'concept ' || n, '[]', 'm', 'r', '', 0, 0 from generate_series(1, 3) n`)
    await database.close()
    const path = join(scratch, 'concepts')
    await writeBackup(taught, path)
    const found: number[] = []
    for await (const block of readBlocks(path)) {
      if ('json' in block && block.table === 'concepts') found.push(block.rows)
    }
    expect(found).toEqual([1, 1, 1])
  })

  test('replaces no file unless it is told to', async () => {
    await writeFile(join(scratch, 'kept'), 'kept')
    const refused = await run(['backup', 'kept'])
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('--force') })
    expect(await readFile(join(scratch, 'kept'), 'utf8')).toBe('kept')
    expect(await run(['backup', 'kept', '--force'])).toMatchObject({ code: 0 })
    await checkFile(join(scratch, 'kept'))
  })

  test('is for its owner’s eyes, whatever lay in its place', async () => {
    const target = join(scratch, 'private')
    await writeFile(join(scratch, 'theirs'), '')
    await symlink(join(scratch, 'theirs'), target)
    await writeBackup(place, target, { force: true })
    const found = await lstat(target)
    expect([found.isFile(), found.mode & 0o777]).toEqual([true, 0o600])
    expect(await readFile(join(scratch, 'theirs'), 'utf8')).toBe('')
  })

  test('made beside another one to the same file, both are whole', async () => {
    const target = join(scratch, 'twice')
    await using large = await newPlace()
    await addOwnFile(large, 64 * 2 ** 20)
    const first = await large.open()
    const copies = engine === 'pglite' ? [await first.copy(), await first.copy()] : [undefined]
    await first.close()
    const made = await Promise.all(
      [copies.at(0), copies.at(-1)].map((copy) =>
        writeBackup(large, target, { force: true, ...(copy !== undefined && { copy }) }),
      ),
    )
    expect(made.map(({ counts }) => counts.files)).toEqual([1, 1])
    await checkFile(target)
    expect(await readdir(scratch)).not.toContainEqual(expect.stringMatching(/^twice\./))
    for (const copy of copies) if (copy !== undefined) await rm(copy, { recursive: true })
  })

  test('is a file in a folder, not the folder', async () => {
    await mkdir(join(scratch, 'backups'))
    for (const flags of [[], ['--force']]) {
      const { code, err } = await run(['backup', 'backups', ...flags])
      expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('is a folder') })
    }
  })

  test('into a folder that is not there says so', async () => {
    const target = join(scratch, 'not', 'there')
    const { code, err } = await run(['backup', target])
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('make that folder') })
  })

  test('that is interrupted leaves nothing', async () => {
    const path = join(scratch, 'interrupted')
    const signal = AbortSignal.abort()
    await expect(writeBackup(place, path, { signal })).rejects.toMatchObject({ code: 'cancelled' })
    expect(await readdir(scratch)).not.toContainEqual(expect.stringContaining('interrupted'))
  })

  test('of nothing is refused', async () => {
    const nowhere = { dataDir: join(scratch, 'nowhere') }
    const path = join(scratch, 'nothing')
    await expect(writeBackup(nowhere, path)).rejects.toMatchObject({ code: 'not_found' })
    expect(existsSync(nowhere.dataDir)).toBe(false)
  })

  testOn('pglite', engine)('of a damaged database is refused', async () => {
    await using damaged = await newPlace()
    const database = await damaged.open()
    await writeStep(database.db, 0, 100)
    const [row] = await rows<{ path: string }>(
      database.db,
      sql`select pg_relation_filepath('changes') as path`,
    )
    const copy = await database.copy()
    await database.close()
    await writeFile(join(copy, row!.path), '')
    await expect(openCopy(copy)).rejects.toMatchObject({ code: 'database_unavailable' })
    const path = join(scratch, 'damaged')
    await expect(writeBackup(damaged, path, { copy })).rejects.toThrow('damaged')
    expect(existsSync(path)).toBe(false)
  })

  describe('is refused, and nothing is made,', () => {
    const refused = async (bytes: Uint8Array, name = 'refused') => {
      const path = join(scratch, name)
      await writeFile(path, bytes)
      const target = join(scratch, 'target')
      const error = await restoreBackup({ dataDir: target }, path).catch(
        (thrown: unknown) => thrown,
      )
      expect(existsSync(target)).toBe(false)
      if (!(error instanceof LucidaError)) throw new Error(`was not refused: ${String(error)}`)
      expect(error.message).toContain(path)
      return error.code
    }
    /** Everywhere near both ends, and here and there between. */
    const places = (length: number) => {
      const near = Array.from({ length: 90 }, (_, i) => [i, length - 1 - i]).flat()
      return [...near, ...Array.from({ length: 60 }, (_, i) => Math.floor((length * i) / 60))]
    }

    test('where it is cut short, also by its last byte', async () => {
      const whole = await readFile(file)
      for (const length of places(whole.length)) {
        expect([length, await refused(whole.subarray(0, length))]).toEqual([
          length,
          'checksum_mismatch',
        ])
      }
    })

    test('where one bit of it has changed', async () => {
      const whole = await readFile(file)
      for (const at of places(whole.length)) {
        const flipped = Uint8Array.from(whole)
        flipped[at]! ^= 1 << (at % 8)
        const inName = at < 'lucida-backup '.length
        expect([at, await refused(flipped)]).toEqual([
          at,
          inName ? 'bad_input' : 'checksum_mismatch',
        ])
      }
    })

    test('where something was added to it', async () => {
      const whole = await readFile(file)
      expect(await refused(Buffer.concat([whole, Buffer.from('\n')]))).toBe('checksum_mismatch')
    })

    test('where it is another file, or none', async () => {
      expect(await refused(await makePicture(1))).toBe('bad_input')
      const nothing = restoreBackup({ dataDir: join(scratch, 'target') }, join(scratch, 'none'))
      await expect(nothing).rejects.toMatchObject({ code: 'not_found' })
    })

    test('where it cannot be read, or restored to, in clear words', async () => {
      const target = join(scratch, 'target')
      expect(await run(['restore', scratch], directoryPlace(target))).toMatchObject({
        code: 1,
        err: expect.stringMatching(/^lucida: \S+ cannot be read \(EISDIR[^)]*\)\n$/),
      })
      expect(existsSync(target)).toBe(false)
      const below = join(file, 'below')
      expect(await run(['restore', file], directoryPlace(below))).toMatchObject({
        code: 1,
        err: expect.stringMatching(/^lucida: The folder \S+ cannot be made \(ENOTDIR.*--data-dir/),
      })
    })

    test('where no version has made it, though it is whole', async () => {
      const manifest = await checkFile(file)
      const path = join(scratch, 'odd')
      await remake(path, { version: '0.2.0' } as Manifest)
      const restoring = () => restoreBackup({ dataDir: join(scratch, 'target') }, path)
      await expect(restoring()).rejects.toMatchObject({ code: 'bad_input' })
      expect(existsSync(join(scratch, 'target'))).toBe(false)
      await remake(path, manifest, (block) => ({ ...block, bytes: 0, rows: 'many' }) as never)
      const target = { dataDir: join(scratch, 'odd-target') }
      await expect(restoreBackup(target, path)).rejects.toMatchObject({
        code: 'bad_input',
        message: expect.stringContaining('cannot be understood'),
      })
    })

    test('where its format is newer', async () => {
      const whole = await readFile(file)
      const body = Buffer.concat([Buffer.from('lucida-backup 2\n'), whole.subarray(16, -73)])
      const seal = `\nsha256 ${createHash('sha256').update(body).digest('hex')}\n`
      const path = join(scratch, 'format-2')
      await writeFile(path, Buffer.concat([body, Buffer.from(seal)]))
      const newer = restoreBackup({ dataDir: join(scratch, 'target') }, path)
      await expect(newer).rejects.toThrow('newer version of Lucida (its format is 2); update')
      expect(existsSync(join(scratch, 'target'))).toBe(false)
    })

    test('where a newer version has made it', async () => {
      const manifest = await checkFile(file)
      await remake(join(scratch, 'newer'), { ...manifest, migrations: 1000, version: '99.0.0' })
      const newer = restoreBackup({ dataDir: join(scratch, 'target') }, join(scratch, 'newer'))
      await expect(newer).rejects.toMatchObject({
        code: 'bad_input',
        message: expect.stringMatching(/newer version of Lucida \(version 99\.0\.0\); update/),
      })
      expect(existsSync(join(scratch, 'target'))).toBe(false)
    })
  })

  test('of an older version is restored with defaults for what it lacks', async () => {
    const path = join(scratch, 'older')
    const manifest = await checkFile(file)
    const own = manifest.own.map(({ path, name }) => ({ path, name })) as typeof manifest.own
    await remake(path, { ...manifest, migrations: 2, own }, (block) => {
      if ('file' in block) return { ...block, place: undefined } as never
      if (!('json' in block) || block.table !== 'contents') return block
      const all = JSON.parse(block.json) as Record<string, unknown>[]
      const json = JSON.stringify(all.map((row) => ({ ...row, generated: undefined })))
      return { ...block, columns: block.columns.filter((name) => name !== 'generated'), json }
    })
    await using elsewhere = await newPlace()
    await restoreBackup(elsewhere, path)
    const opened = await elsewhere.open()
    const counted = sql`select count(*)::int as n, count(*) filter (where generated)::int as generated from contents`
    expect(await rows(opened.db, counted)).toEqual([{ n: 14, generated: 0 }])
    await opened.close()
    for (const name of ['drawn', 'uploads']) {
      expect(await readdir(join(elsewhere.dataDir, name))).toHaveLength(1)
    }
  })

  test('that holds less than it says changes nothing', async () => {
    const path = join(scratch, 'less')
    const manifest = await checkFile(file)
    await remake(path, manifest, (block) =>
      'json' in block && block.table === 'concepts' ? null : block,
    )
    await using elsewhere = await newPlace()
    const restoring = restoreBackup(elsewhere, path)
    await expect(restoring).rejects.toMatchObject({ code: 'bad_input' })
    await expectUntouched(elsewhere)
  })

  test('whose files lead out of the data directory changes nothing', async () => {
    const path = join(scratch, 'escape')
    const manifest = await checkFile(file)
    await remake(path, manifest, (block) =>
      'file' in block ? { ...block, file: `drawn/../../escaped` } : block,
    )
    await using elsewhere = await newPlace()
    const restoring = restoreBackup(elsewhere, path)
    await expect(restoring).rejects.toMatchObject({ code: 'bad_input' })
    await expectUntouched(elsewhere)
    expect(existsSync(join(elsewhere.dataDir, '..', 'escaped'))).toBe(false)
  })

  async function expectUntouched(at: TestPlace): Promise<void> {
    const opened = await at.open()
    expect(await filledTables(opened.db)).toEqual([])
    await opened.close()
    const files = await readdir(at.dataDir, { recursive: true })
    expect(files.filter((name) => name.includes('.png'))).toEqual([])
  }

  test('is not restored into a database that holds something', async () => {
    const before = await readdir(join(await dataOf(place), 'drawn'))
    const { code, err } = await run(['restore', 'all.backup'])
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/is not empty \(roots, contents, .*--data-dir/),
    })
    expect(await readdir(join(await dataOf(place), 'drawn'))).toEqual(before)
  })

  test('whose restoring is killed leaves an empty database, which takes it again', async () => {
    // Many small files, so that there is a while between the first and the commit.
    const path = join(scratch, 'many')
    const manifest = await checkFile(file)
    await remake(path, manifest, (block) => block, 400)
    await using elsewhere = await newPlace()
    const child = cli(['restore', path, '--data-dir', elsewhere.dataDir], elsewhere.databaseUrl)
    const written = join(elsewhere.dataDir, 'uploads', 'extra-3.png')
    await until(async () => existsSync(written))
    await kill(child)
    const opened = await elsewhere.open()
    expect(await filledTables(opened.db)).toEqual([])
    await opened.close()
    await restoreBackup(elsewhere, path)
    expect(await readdir(join(elsewhere.dataDir, 'uploads'))).toHaveLength(401)
    await expectEqual(elsewhere)
  })

  testOn('postgres', engine)(
    'whose last answer is lost keeps the files that it may need',
    async () => {
      await using elsewhere = await newPlace()
      const drawn = join(elsewhere.dataDir, 'drawn')
      await using way = await loseCommit(elsewhere.databaseUrl!, () => existsSync(drawn))
      const at = { dataDir: elsewhere.dataDir, databaseUrl: way.url }
      await expect(restoreBackup(at, file)).rejects.toThrow()
      await expectEqual(elsewhere)
    },
  )

  test('that fails does not touch a file that was there', async () => {
    await using elsewhere = await newPlace()
    const [name] = await readdir(join(await dataOf(place), 'drawn'))
    const own = join(elsewhere.dataDir, 'drawn', name!)
    await mkdir(join(own, '..'))
    await writeFile(own, 'mine')
    await expect(restoreBackup(elsewhere, file)).rejects.toThrow(`${name} is there already`)
    expect(await readFile(own, 'utf8')).toBe('mine')
    await rm(own)
    await expectUntouched(elsewhere)
  })

  describe('with pictures that lie elsewhere here', () => {
    test('is restored with --map', async () => {
      await using elsewhere = await newPlace()
      await using moved = await newFolder()
      for (const name of await readdir(folder.path, { recursive: true })) {
        if (name.includes('.')) await moved.write(name, await readFile(folder.at(name)))
      }
      const map = ['--map', `${folder.path}=${moved.path}`]
      expect(await run(['restore', 'all.backup', ...map], elsewhere)).toMatchObject({ code: 0 })
      const lucida = await openAt(elsewhere)
      const rename = [
        [await dataOf(elsewhere), 'DATA'],
        [moved.path, folder.path],
      ] as const
      const answers = await answersOf(lucida, { ...questions, rename })
      expect(answers).toEqual(expected)
      expect(await indexAll(lucida, [moved.path])).toMatchObject({
        embedded: 0,
        reused: 13,
        vanished: 0,
      })
      await lucida.close()
    })

    test('a map that fits nothing, or joins what was apart, is refused', async () => {
      const target = { dataDir: join(scratch, 'target') }
      const nowhere = restoreBackup(target, file, { map: [{ from: '/nowhere', to: '/x' }] })
      await expect(nowhere).rejects.toMatchObject({
        code: 'bad_input',
        message: expect.stringContaining(folder.path),
      })
      const drawn = join(await dataOf(place), 'drawn')
      const joined = restoreBackup(target, file, { map: [{ from: folder.path, to: drawn }] })
      await expect(joined).rejects.toMatchObject({ code: 'bad_input' })
      expect(await run(['restore', 'all.backup', '--map', 'x'])).toMatchObject({ code: 2 })
      expect(existsSync(target.dataDir)).toBe(false)
    })
  })
})

/** Folders, failures, something drawn, something uploaded, a concept and a key. */
async function fill(place: TestPlace, folder: TestFolder): Promise<Questions> {
  await writeDrawings(folder)
  await folder.write('copies/red.png', await readFile(folder.at('red.png')))
  await folder.write('copies/broken.png', await makeBrokenPicture(1))
  await folder.write('left-out/green.png', await makePicture(77))
  const uploads = join(await dataOf(place), 'uploads')
  await mkdir(uploads)
  await writeFile(join(uploads, 'uploaded.png'), await makePicture(78))

  const lucida = await openAt(place)
  await indexAll(lucida, [folder.path], { exclude: ['left-out'] })
  await indexAll(lucida, [uploads])
  const planned = await lucida.plan({ idea: { text: 'fog' }, candidates: 2, seed: 7, keep: 'best' })
  const running = planned.run()
  let next = await running.next()
  while (!next.done) next = await running.next()
  const { id } = next.value
  const { results } = await lucida.list({ limit: 4 })
  const [one, two, three] = results.map((picture) => ({ id: picture.id }))
  await lucida.concepts.teach('mine', { like: [one!, two!], unlike: [three!], text: 'a thing' })
  const { key } = await lucida.keys.create({ name: 'a key', scope: 'admin' })
  await lucida.close()
  return { texts: TEXTS, generations: [id], keys: [key] }
}

/** A folder in the data directory with a file of zeros, which takes no room. */
async function addOwnFile(place: TestPlace, sizeBytes: number): Promise<string> {
  const uploads = join(await dataOf(place), 'uploads')
  await mkdir(uploads)
  const path = join(uploads, 'large.png')
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  const opened = await place.open()
  await opened.db.insert(roots).values({ path: uploads })
  await opened.close()
  return path
}

const dataOf = ({ dataDir }: TestPlace) => realpath(dataDir)

function directoryPlace(dataDir: string): TestPlace {
  return {
    dataDir,
    open: () => openDatabase({ directory: dataDir }),
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
  }
}

/** Step `n` adds the pictures `n/0` to `n/<count>`, in one transaction. */
async function writeStep(db: Database, step: number, count: number): Promise<void> {
  const files = Array.from({ length: count }, (_, i) =>
    storedFile(`${step}/${i}`, `/photos/${step}/${i}.png`),
  )
  await writeBatch(db, SPACE, { files, failures: [] })
}

/** Adds a folder of five pictures, then takes away the one before the last, for ever. */
function keepWriting(db: Database) {
  let step = 0
  let stopped = false
  const ended = (async () => {
    for (; !stopped; step++) {
      await sleep(10)
      if (step % 2 === 0) await writeStep(db, step, 5)
      else if (step > 1) await deletePaths(db, `/photos/${step - 3}`, 'all')
    }
  })()
  return {
    steps: () => step,
    async stop() {
      stopped = true
      await ended
    },
  }
}

/** The step that a database has come to; throws where it is between two. */
async function stepHeldBy(db: Database): Promise<number> {
  const found = await rows<{ step: number; whole: number; n: number }>(
    db,
    sql`select split_part(p.path, '/', 3)::int as step, count(*)::int as n,
          count(*) filter (where e.vector is not null and f.op = 'put' and c.hash is not null)::int as whole
        from paths p left join contents c on c.hash = p.content
        left join embeddings e on e.content = p.content left join changes f on f.content = p.content
        group by 1 order by 1`,
  )
  expect(found.filter(({ n, whole }) => n !== 5 || whole !== 5)).toEqual([])
  const last = found.at(-1)!.step
  const [feed] = await rows<{ gone: number; newest: number }>(
    db,
    sql`select count(*) filter (where op = 'remove')::int as gone, max(seq)::int as newest
        from changes`,
  )
  const [given] = await rows<{ n: number }>(db, sql`select last_value::int as n from changes_seq`)
  // Every folder that was added is there, or was taken away, whole.
  expect(feed!.gone + 5 * found.length).toBe(5 * (last / 2 + 1))
  expect(given!.n).toBeGreaterThanOrEqual(feed!.newest)
  const stepsSince = found.length === 1 ? 1 : 0
  return last + stepsSince
}

/** The same backup with another manifest and other blocks, and more files. */
async function remake(
  path: string,
  manifest: Manifest,
  change: (block: Block) => Block | null = (block) => block,
  moreFiles = 0,
): Promise<void> {
  const source = path.replace(/[^/\\]+$/, 'all.backup')
  async function* blocks(): AsyncGenerator<Block> {
    for await (const block of readBlocks(source)) {
      if (!('end' in block)) {
        const changed = change(block)
        if (changed) yield changed
        continue
      }
      for (let i = 0; i < moreFiles; i++) {
        const content = [Buffer.from(`${i}`)] as unknown as AsyncIterable<Uint8Array>
        yield { file: `uploads/extra-${i}.png`, place: 'storage', bytes: `${i}`.length, content }
      }
      yield { end: { ...block.end, files: block.end.files! + moreFiles } }
    }
  }
  await writeBlocks(path, manifest, blocks())
}

async function serve(place: TestPlace) {
  const lucida = await openAt(place)
  const api = createApi(lucida)
  const where = { host: '127.0.0.1', port: 0, ownDirectory: place.dataDir }
  const server = await startServer(api, where)
  return {
    lucida,
    url: server.url,
    async [Symbol.asyncDispose]() {
      await server.close()
      await lucida.close()
    },
  }
}

async function copiesIn({ dataDir }: TestPlace): Promise<string[]> {
  return (await readdir(dataDir)).filter((name) => name.startsWith('database.new-'))
}

/** `lucida <args>` as a process. */
function cli(args: readonly string[], databaseUrl?: string): ChildProcess {
  const { DATABASE_URL: _, ...env } = process.env
  return spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    stdio: 'ignore',
    env: { ...env, ...(databaseUrl && { DATABASE_URL: databaseUrl }) },
  })
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new Error('it ended before it could be killed')
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
}
