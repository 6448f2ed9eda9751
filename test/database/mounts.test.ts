// Drives that come and go, clocks that are wrong, disks that fill up. Mounting needs root on Linux.
import { execFileSync } from 'node:child_process'
import { existsSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { explainAwayDatabase } from '../../src/core/errors.ts'
import { openApiKeys } from '../../src/store/api-keys.ts'
import { type Database, type OpenDatabase, openDatabase } from '../../src/store/database.ts'
import { listRoots } from '../../src/store/roots.ts'
import { paths } from '../../src/store/schema.ts'
import { noteServing } from '../../src/store/serving.ts'
import { openStoredSessions } from '../../src/store/sessions.ts'
import { packFolder } from '../../src/store/snapshot.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase } from '../helpers/database.ts'
import { type FakeModel, fakeModel, runIndexing } from '../helpers/fake-indexing.ts'
import { makePicture } from '../helpers/noise-pictures.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'
import { hashOf, sharedDatabase, shownVectors } from '../helpers/shared-store.ts'

const MEBIBYTE = 1024 * 1024

/** Why nothing can be mounted here, or nothing. */
const obstacle = await findObstacle()
const unless = obstacle ? ` (skipped: ${obstacle})` : ''

describeDatabase('drives', (newPlace, engine) => {
  const shared = sharedDatabase(newPlace)

  async function shown(model: FakeModel, base = '/'): Promise<string[]> {
    const vectors = await shownVectors(shared.db, model.space)
    return [...vectors.keys()].map((path) => relative(base, path)).sort()
  }

  const index = (model: FakeModel, path: string, options?: Parameters<typeof runIndexing>[3]) =>
    runIndexing(shared.db, model, path, options)

  test.skipIf(obstacle)(
    `an unmounted drive loses nothing, and comes back as it was${unless}`,
    async () => {
      await using folder = await newFolder()
      await using point = await newFolder()
      const model = fakeModel()
      const names = await writeNumbered(folder, 5)
      {
        await using _ = mountAt(['--bind', folder.path], point.path)
        await index(model, point.path)
      }
      expect(existsSync(join(point.path, names[0]!))).toBe(false)
      const away = await index(model, point.path)
      expect(away.unmounted).toMatchObject({ lost: 5, of: 5 })
      expect(await shown(model, point.path)).toEqual(names)
      {
        await using _ = mountAt(['--bind', folder.path], point.path)
        const back = await index(model, point.path)
        expect(back.counts).toMatchObject({ seen: 5, unchanged: 5, vanished: 0 })
        expect(model.embedded).toBe(5)
      }
    },
  )

  test.skipIf(obstacle)(
    `another drive at the same place is not taken for the first${unless}`,
    async () => {
      await using folder = await newFolder()
      await using other = await newFolder()
      await using point = await newFolder()
      const model = fakeModel()
      const names = await writeNumbered(folder, 5)
      {
        await using _ = mountAt(['--bind', folder.path], point.path)
        await index(model, point.path)
      }
      await writeNumbered(other, 3, 'other ')
      await using _ = mountAt(['--bind', other.path], point.path)
      const { unmounted, counts } = await index(model, point.path)
      expect(unmounted).toMatchObject({ lost: 5, of: 5 })
      expect(counts).toMatchObject({ embedded: 3, vanished: 0 })
      expect(await shown(model, point.path)).toEqual(expect.arrayContaining(names))
    },
  )

  test.skipIf(obstacle)(
    `a drive inside a root goes and comes back, and nothing is embedded again${unless}`,
    async () => {
      await using folder = await newFolder()
      await using drive = await newFolder()
      const model = fakeModel()
      const names = await writeNumbered(folder, 5)
      const inside = await writeNumbered(drive, 3, 'on drive ')
      await mkdir(folder.at('drive'))
      {
        await using _ = mountAt(['--bind', drive.path], folder.at('drive'))
        await index(model, folder.path)
        expect(await shown(model, folder.path)).toHaveLength(8)
      }
      // Nothing tells this from deleted files.
      expect((await index(model, folder.path)).counts).toMatchObject({ vanished: 3 })
      expect(await shown(model, folder.path)).toEqual(names)
      await using _ = mountAt(['--bind', drive.path], folder.at('drive'))
      const { counts } = await index(model, folder.at('drive'))
      expect(counts).toMatchObject({ returned: inside.length, embedded: 0 })
      expect(await shown(model, folder.path)).toHaveLength(8)
    },
  )

  test('the same pictures at another place are not embedded again, and the old place is kept', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const names = await writeNumbered(folder, 5, 'old/')
    await index(model, folder.at('old'))
    await rename(folder.at('old'), folder.at('new'))
    const { counts } = await index(model, folder.at('new'))
    expect(counts).toMatchObject({ seen: 5, reused: 5, embedded: 0 })
    expect(model.embedded).toBe(5)
    expect(await shown(model, folder.path)).toHaveLength(10)

    expect((await index(model, folder.at('old'))).unmounted).toMatchObject({ of: 5 })
    expect(await listRoots(shared.db)).toHaveLength(2)
    await index(model, folder.at('old'), { prune: true })
    expect(await shown(model, folder.path)).toEqual(names.map((name) => name.replace('old', 'new')))
    expect(await shared.db.$count(paths)).toBe(5)
  })

  test('a clock that was set back loses nothing and does nothing again', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const names = await writeNumbered(folder, 5)
    const future = Date.now() / 1000 + 10 * 365 * 86_400
    for (const name of names.slice(0, 2)) await utimes(folder.at(name), future, future)
    // Before 1970, as cameras with an empty battery have it.
    await utimes(folder.at(names[2]!), -1000.5, -1000.5)
    await index(model, folder.path)
    const before = await shared.db.select().from(paths).orderBy(paths.path)
    vi.useFakeTimers({ now: new Date('1999-01-01'), toFake: ['Date'] })
    try {
      expect((await index(model, folder.path)).counts).toMatchObject({ seen: 5, unchanged: 5 })
      expect(await shared.db.select().from(paths).orderBy(paths.path)).toEqual(before)
      // A new file, dated earlier than all that is known.
      await folder.write('new.png', await makePicture('new'))
      await utimes(folder.at('new.png'), 1, 1)
      // And one that is edited under a clock that runs behind.
      await folder.write(names[0]!, await makePicture('edited'))
      await utimes(folder.at(names[0]!), 915_148_800, 915_148_800)
      expect((await index(model, folder.path)).counts).toMatchObject({ embedded: 2, unchanged: 4 })
      await folder.remove(names[1]!)
      expect((await index(model, folder.path)).counts).toMatchObject({ vanished: 1 })
    } finally {
      vi.useRealTimers()
    }
    expect((await index(model, folder.path)).counts).toMatchObject({ seen: 5, unchanged: 5 })
    for (const [path, vector] of await shownVectors(shared.db, model.space)) {
      expect(vector).toEqual(await model.vectorOf(await readFile(path)))
    }
  })

  test('times in the database that lie in the future change nothing', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const names = await writeNumbered(folder, 5)
    await index(model, folder.path)
    await folder.remove(names[4]!)
    await index(model, folder.path)
    await shared.db.execute(
      sql`update paths set missing_since = now() + interval '10 years' where missing_since is not null`,
    )
    await shared.db.execute(
      sql`update roots set indexed_at = indexed_at + interval '10 years', added_at = added_at + interval '10 years'`,
    )
    await folder.write(names[4]!, await makePicture(names[4]!))
    const { counts } = await index(model, folder.path)
    expect(counts).toMatchObject({ unchanged: 4, reused: 1, embedded: 0 })
    expect(await shown(model, folder.path)).toEqual(names)
  })

  if (engine === 'pglite') describeFullDisk()
})

/** A data directory on a small disk, which another program fills while pictures are indexed. */
function describeFullDisk() {
  const title = `a disk that is full${unless}`
  describe.skipIf(obstacle)(title, () => {
    let disk: string
    let dataDir: string
    let mounted: AsyncDisposable
    const ballast = () => join(disk, 'ballast')

    /** Leaves that much room for everybody else. */
    function fillUpTo(bytesFree: number): void {
      const { bavail, bsize } = statfsSync(disk)
      const before = existsSync(ballast()) ? statSync(ballast()).size : 0
      writeFileSync(ballast(), new Uint8Array(before + bavail * bsize - bytesFree))
    }

    beforeAll(async () => {
      disk = await mkdtemp(join(tmpdir(), 'lucida-disk-'))
      dataDir = join(disk, 'data')
      mounted = mountAt(['-t', 'tmpfs', '-o', 'size=192m', 'tmpfs'], disk)
      await (await openDatabase({ directory: dataDir })).close()
    })
    afterAll(async () => {
      await mounted?.[Symbol.asyncDispose]()
      await rm(disk, { recursive: true, force: true })
    })

    async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
      const database: OpenDatabase = await openDatabase({ directory: dataDir })
      try {
        return await work(database.db)
      } finally {
        await database.close()
      }
    }

    test('while indexing ends the run in clear words, and once there is room the rest is done', async () => {
      await using folder = await newFolder()
      const model = fakeModel()
      const names = await writeNumbered(folder, 300)
      let done = 0
      const filling = withDatabase(async (db) => {
        await runIndexing(db, model, folder.path, {
          onEvent: (event) => {
            if (event.type !== 'progress') return
            // After the first batch.
            if (done === 0) fillUpTo(4 * MEBIBYTE)
            done = event.counts.embedded
          },
        })
      })
      await expect(filling).rejects.toMatchObject({
        code: 'disk_full',
        message: expect.stringMatching(/^The disk of .* is full: [34] MiB are free, .* 64 MiB/),
      })
      expect(done).toBeGreaterThan(0)
      expect(done).toBeLessThan(names.length)
      // Nor is it opened, since PGlite would not survive that.
      await expect(openDatabase({ directory: dataDir })).rejects.toMatchObject({
        code: 'disk_full',
      })

      execFileSync('mount', ['-o', 'remount,size=400m', disk])
      const vectors = await withDatabase(async (db) => {
        expect((await shownVectors(db, model.space)).size).toBe(done)
        const { counts } = await runIndexing(db, model, folder.path)
        expect(counts).toMatchObject({ unchanged: done, embedded: names.length - done })
        return shownVectors(db, model.space)
      })
      const expected = await undisturbed(folder)
      expect(Object.fromEntries(vectors)).toEqual(Object.fromEntries(expected))
      await rm(ballast())
    })

    test('is noticed by statements outside of transactions too, and closing is none', async () => {
      const database = await openDatabase({ directory: dataDir })
      const { id } = await openApiKeys(database.db).create({ name: 'a key', scope: 'read' })
      const stored = openStoredSessions(database.db)
      await stored.open(hashOf('token'), id)
      await database.db.execute(sql`update sessions set used_at = now() - interval '1 hour'`)
      // Less than the next segment of the write-ahead log, which PGlite would wait for for ever.
      fillUpTo(12 * MEBIBYTE)
      const writing = noteServing(database.db, { model: 'm', recipe: 'r' })
      const error = await writing.catch((thrown: unknown) => explainAwayDatabase(thrown))
      expect(error).toMatchObject({ code: 'disk_full' })
      // Who reads is not held up, nor is anybody signed out.
      expect(await listRoots(database.db)).toEqual(expect.any(Array))
      expect(await stored.find(hashOf('token'))).toMatchObject({ id })
      fillUpTo(0)
      await database.close()
      await rm(ballast())
    })

    test('leaves a repair that has no room undone, and is not filled by it', async () => {
      const at = (name: string) => join(dataDir, name)
      await writeFile(at('database/padding'), Buffer.alloc(100 * MEBIBYTE))
      await packFolder(at('database'), at('database.snapshot'), {
        storeId: 's',
        sequence: 0,
        takenAt: 0,
      })
      await rm(at('database/padding'))
      await rename(at('database'), at('kept'))
      fillUpTo(120 * MEBIBYTE)
      await expect(openDatabase({ directory: dataDir })).rejects.toMatchObject({
        code: 'disk_full',
      })
      expect(await readdir(dataDir)).not.toContainEqual(expect.stringContaining('new-'))
      await rm(ballast())
      await rm(at('database.snapshot'))
      await rename(at('kept'), at('database'))
    })

    test('is said by the command line, without a trace', async () => {
      await using folder = await newFolder()
      await writeNumbered(folder, 3)
      fillUpTo(48 * MEBIBYTE)
      const env = { LUCIDA_DATA_DIR: dataDir, LUCIDA_MODEL: 'lucida-clip-1', LUCIDA_THREADS: '1' }
      const { code, out, err } = await runCaptured(['index', folder.path], { env })
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toMatch(/^lucida: The disk of \S+ is full: .*; free some space.*\n$/)
      await rm(ballast())
      expect(await runCaptured(['index', folder.path], { env })).toMatchObject({ code: 0 })
    })
  })
}

async function undisturbed(folder: TestFolder) {
  await using place = await temporaryStore()
  const model = fakeModel()
  await runIndexing(place.db, model, folder.path)
  return await shownVectors(place.db, model.space)
}

async function temporaryStore() {
  const database = await openDatabase({ url: 'memory://' })
  return { db: database.db, [Symbol.asyncDispose]: () => database.close() }
}

/** Writes pictures named after their number; returns the names in order. */
async function writeNumbered(folder: TestFolder, count: number, prefix = ''): Promise<string[]> {
  const names = Array.from(
    { length: count },
    (_, i) => `${prefix}${String(i).padStart(3, '0')}.png`,
  )
  for (const name of names) await folder.write(name, await makePicture(name))
  return names
}

function mountAt(source: readonly string[], point: string): AsyncDisposable {
  execFileSync('mount', [...source, point], { stdio: 'pipe' })
  return {
    async [Symbol.asyncDispose]() {
      execFileSync('umount', [point], { stdio: 'pipe' })
    },
  }
}

async function findObstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'mounting needs Linux'
  if (process.getuid?.() !== 0) return 'mounting needs root'
  const point = await mkdtemp(join(tmpdir(), 'lucida-mount-'))
  try {
    await mountAt(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs'], point)[Symbol.asyncDispose]()
    return undefined
  } catch {
    return 'this system does not allow mounting'
  } finally {
    await rm(point, { recursive: true, force: true })
  }
}
