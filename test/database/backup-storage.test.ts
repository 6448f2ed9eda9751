// Drawings and uploads that lie where LUCIDA_STORAGE says, in a folder or a bucket, are in a backup,
// and come to lie where the place that it is restored to keeps such files.
import { lstat, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkFile, readBlocks, writeBlocks } from '../../src/backup/file.ts'
import { restoreBackup } from '../../src/backup/restore.ts'
import { type Lucida, writeBackup } from '../../src/lucida.ts'
import { answersOf, type Questions } from '../helpers/answers.ts'
import { BUCKET, startBucket, type TestBucket } from '../helpers/bucket.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase, testOn, type TestPlace } from '../helpers/database.ts'
import { useFakePainter } from '../helpers/fake-painter.ts'
import { drawPicture } from '../helpers/noise-pictures.ts'
import { indexAll, openAt } from '../helpers/open-lucida.ts'

useFakePainter()

describeDatabase('a backup of a place with a storage', (newPlace, engine) => {
  let scratch: string
  let bucket: TestBucket
  let place: TestPlace
  let storage: string
  let file: string
  let original: Seen

  const at = (name: string) => join(scratch, name)
  const inBucket = (name: string) => `s3://${BUCKET}/${name}`

  beforeAll(async () => {
    scratch = await realpath(await mkdtemp(join(tmpdir(), 'lucida-storage-')))
    bucket = await startBucket()
    place = await newPlace()
    storage = at('shared')
    file = at('all.backup')
    await mkdir(at('photos'))
    await writeFile(at('photos/red.png'), await drawPicture('#c81414'))
    const questions = await fill(place, storage)
    await writeBackup({ ...place, storage }, file)
    original = await look(place, storage, questions)
  })
  afterAll(async () => {
    await bucket[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
    await rm(scratch, { recursive: true, force: true })
  })

  /** One picture of the user's, one drawn, one uploaded. */
  async function fill(at: TestPlace, storage?: string, seed = 7): Promise<Questions> {
    const lucida = await openAt(at, { storage })
    await indexAll(lucida, [join(scratch, 'photos')])
    const drawn = await draw(lucida, seed)
    await lucida.uploads.add(await drawPicture('#1432d2'))
    await lucida.close()
    return { texts: ['a red disc', 'fog'], generations: [drawn] }
  }

  interface Seen {
    readonly questions: Questions
    readonly answers: Readonly<Record<string, string>>
    /** Files of all pictures, by their ids. */
    readonly files: Readonly<Record<string, string>>
  }

  /** What a place answers, with its storage called by one name, and the files that it hands out. */
  async function look(
    at: TestPlace,
    storage: string | undefined,
    questions: Questions,
  ): Promise<Seen> {
    const home = storage ?? (await realpath(at.dataDir))
    const lucida = await openAt(at, { storage })
    const answers = await answersOf(lucida, { ...questions, rename: [[home, 'STORAGE']] })
    const { results } = await lucida.list({ filter: { generated: 'any' } })
    const files: Record<string, string> = {}
    for (const { id } of results) {
      files[id] = Buffer.from((await lucida.gallery.readFile(id)).bytes).toString('base64')
    }
    for (const name of ['drawn', 'uploads']) {
      // Neither pictures nor vectors are made again.
      expect(await indexAll(lucida, [`${home}/${name}`])).toMatchObject({
        embedded: 0,
        vanished: 0,
        unchanged: 1,
      })
    }
    await lucida.close()
    return { questions, answers, files }
  }

  async function expectEqual(at: TestPlace, storage: string | undefined): Promise<void> {
    const { answers, files } = await look(at, storage, original.questions)
    expect(answers).toEqual(original.answers)
    expect(files).toEqual(original.files)
  }

  test('has all of its files', async () => {
    expect(original.answers.roots).toContain('STORAGE/uploads')
    expect(Object.keys(original.files)).toHaveLength(3)
    expect((await checkFile(file)).own).toEqual([
      { path: join(storage, 'drawn'), name: 'drawn', place: 'storage' },
      { path: join(storage, 'uploads'), name: 'uploads', place: 'storage' },
    ])
  })

  test('goes into another storage folder', async () => {
    await using elsewhere = await newPlace()
    const env = {
      LUCIDA_STORAGE: at('restored'),
      ...(elsewhere.databaseUrl && { DATABASE_URL: elsewhere.databaseUrl }),
    }
    const args = ['restore', file, '--data-dir', elsewhere.dataDir]
    expect(await runCaptured(args, { cwd: scratch, env })).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^restored 3 pictures in 3 folders, 2 files of Lucida's own/),
    })
    expect(await readdir(at('restored/drawn'))).toEqual(await readdir(join(storage, 'drawn')))
    await expectEqual(elsewhere, at('restored'))
    expect(await readdir(elsewhere.dataDir)).not.toContain('drawn')
  })

  test('goes into the data directory where there is no storage, and back', async () => {
    await using alone = await newPlace()
    await restoreBackup(alone, file)
    await writeBackup(alone, at('alone.backup'))
    await expectEqual(alone, undefined)
    await using elsewhere = await newPlace()
    await restoreBackup({ ...elsewhere, storage: at('third') }, at('alone.backup'))
    await expectEqual(elsewhere, at('third'))
  })

  test('goes into a bucket, and out of it', async () => {
    const storage = inBucket('own')
    await using hosted = await newPlace()
    await restoreBackup({ ...hosted, storage }, file)
    await writeBackup({ ...hosted, storage }, at('hosted.backup'))
    await expectEqual(hosted, storage)

    await using again = await newPlace()
    const puts = () => bucket.seen.filter(({ method }) => method === 'PUT').length
    const before = puts()
    await restoreBackup({ ...again, storage }, at('hosted.backup'))
    // What is there already is left alone.
    expect(puts()).toBe(before)
    await expectEqual(again, storage)

    await using elsewhere = await newPlace()
    await restoreBackup(elsewhere, at('hosted.backup'))
    await expectEqual(elsewhere, undefined)
  })

  test('has pictures of a bucket that lie in another one here', async () => {
    await bucket.write('old/a.png', await drawPicture('#202840'))
    await using hosted = await newPlace()
    const opened = await openAt(hosted)
    await indexAll(opened, [inBucket('old')])
    await opened.close()
    await writeBackup(hosted, at('old.backup'))
    await using elsewhere = await newPlace()
    const args = ['restore', at('old.backup'), '--data-dir', elsewhere.dataDir, '--map']
    const env = elsewhere.databaseUrl ? { DATABASE_URL: elsewhere.databaseUrl } : {}
    const map = `${inBucket('old')}=${inBucket('new')}/`
    expect(await runCaptured([...args, map], { cwd: scratch, env })).toMatchObject({ code: 0 })
    const lucida = await openAt(elsewhere)
    expect((await lucida.list()).results.map(({ path }) => path)).toEqual([inBucket('new/a.png')])
    expect((await lucida.roots()).map(({ path }) => path)).toEqual([inBucket('new')])
    await lucida.close()
  })

  test('that fails takes its files out of the storage again', async () => {
    const cut = at('cut.backup')
    await remake(file, cut)
    for (const storage of [at('failing'), inBucket('failing')]) {
      await using elsewhere = await newPlace()
      const restoring = restoreBackup({ ...elsewhere, storage }, cut)
      await expect(restoring).rejects.toThrow('it says')
    }
    expect(await readdir(at('failing/drawn'))).toEqual([])
    expect(
      bucket.seen.filter(({ method, url }) => method === 'DELETE' && /failing/.test(url.pathname)),
    ).toHaveLength(2)
  })

  test('keeps drawings of the data directory and of the storage apart', async () => {
    await using both = await newPlace()
    const storage = at('both')
    await fill(both)
    await fill(both, storage, 8)
    await writeBackup({ ...both, storage }, at('both.backup'))
    await using elsewhere = await newPlace()
    const joined = restoreBackup(elsewhere, at('both.backup'))
    await expect(joined).rejects.toMatchObject({
      code: 'bad_input',
      message: expect.stringContaining('LUCIDA_STORAGE'),
    })
    await restoreBackup({ ...elsewhere, storage: at('both-2') }, at('both.backup'))
    const lucida = await openAt(elsewhere, { storage: at('both-2') })
    const places = (await lucida.roots()).filter(({ pictures }) => pictures === 1)
    expect(places.map(({ path }) => path)).toEqual(
      [
        at('both-2/drawn'),
        at('both-2/uploads'),
        at('photos'),
        join(await realpath(elsewhere.dataDir), 'drawn'),
        join(await realpath(elsewhere.dataDir), 'uploads'),
      ].sort(),
    )
    await lucida.close()
  })

  test('has uploads that lie in a folder of the user’s too', async () => {
    await using inside = await newPlace()
    const album = at('album')
    await mkdir(album)
    await writeFile(join(album, 'green.png'), await drawPicture('#14a028'))
    const opened = await openAt(inside, { storage: album })
    await indexAll(opened, [album])
    const { id } = await opened.uploads.add(await drawPicture('#f0dc28'))
    const roots = async () => (await opened.roots()).map(({ path }) => path)
    expect(await roots()).toEqual([album, join(album, 'uploads')])
    await opened.close()
    await writeBackup({ ...inside, storage: album }, at('inside.backup'))
    await rm(join(album, 'uploads'), { recursive: true })

    await using elsewhere = await newPlace()
    await restoreBackup({ ...elsewhere, storage: at('outside') }, at('inside.backup'))
    const lucida = await openAt(elsewhere, { storage: at('outside') })
    const { path } = await lucida.gallery.readFile(id)
    expect(path).toContain(at('outside/uploads'))
    await lucida.close()
  })

  test.each(['storage', 'data directory'])('goes to where a link to a %s leads', async (kind) => {
    await using elsewhere = await newPlace()
    const target = await mkdtemp(at('target-'))
    const link = `${target}.link`
    const isStorage = kind === 'storage'
    await symlink(isStorage ? target : elsewhere.dataDir, link)
    const homes = isStorage
      ? { ...elsewhere, storage: link }
      : { ...elsewhere, dataDir: link, storage: undefined }
    await restoreBackup(homes, file)
    const real = await realpath(link)
    await expectEqual(homes, isStorage ? real : undefined)
    // The next one has them too.
    await writeBackup(homes, `${target}.backup`)
    expect((await checkFile(`${target}.backup`)).own).toMatchObject([
      { path: join(real, 'drawn') },
      { path: join(real, 'uploads') },
    ])
  })

  test('does not follow links out of its folders', async () => {
    await using linked = await newPlace()
    const storage = at('linked')
    await fill(linked, storage)
    await writeFile(at('secret.txt'), 'a secret')
    await mkdir(at('secrets'))
    await writeFile(at('secrets/key.pem'), 'a secret')
    await symlink(at('secret.txt'), join(storage, 'uploads', 'secret.txt'))
    await symlink(at('secrets'), join(storage, 'uploads', 'secrets'))
    await symlink('.', join(storage, 'uploads', 'round'))
    expect((await lstat(join(storage, 'uploads', 'round'))).isSymbolicLink()).toBe(true)
    await writeBackup({ ...linked, storage }, at('linked.backup'))
    const names: string[] = []
    for await (const block of readBlocks(at('linked.backup'))) {
      if (!('file' in block)) continue
      names.push(block.file)
      for await (const part of block.content) expect(String(part)).not.toContain('secret')
    }
    expect(names).toHaveLength(2)
  })

  test.each(['folder', 'bucket'])('is refused while its %s is not there', async (kind) => {
    await using unmounted = await newPlace()
    const storage = kind === 'folder' ? at('unmounted') : inBucket('unmounted')
    await restoreBackup({ ...unmounted, storage }, file)
    if (kind === 'folder') await rm(storage, { recursive: true })
    else {
      for (const { method, url } of bucket.seen) {
        const key = url.pathname.slice(`/${BUCKET}/`.length)
        if (method === 'PUT' && key.startsWith('unmounted/')) await bucket.remove(key)
      }
    }
    const writing = writeBackup({ ...unmounted, storage }, at('unmounted.backup'))
    await expect(writing).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('--prune'),
    })
    expect(await readdir(scratch)).not.toContainEqual(expect.stringMatching(/unmounted\.backup/))
  })

  test('tells of drawings and uploads that lie elsewhere', async () => {
    await using lost = await newPlace()
    const storage = at('not told of')
    await fill(lost, storage)
    // Somebody's own pictures, which only share the name.
    await mkdir(at('theirs/uploads'), { recursive: true })
    await writeFile(at('theirs/uploads/a.png'), await drawPicture('#78b4f0'))
    const opened = await openAt(lost)
    await indexAll(opened, [at('theirs/uploads')])
    await opened.close()
    const env = lost.databaseUrl ? { DATABASE_URL: lost.databaseUrl } : {}
    const args = ['backup', at('lost.backup'), '--json', '--data-dir', lost.dataDir]
    const { err, out } = await runCaptured(args, { cwd: scratch, env })
    const elsewhere = [join(storage, 'drawn'), join(storage, 'uploads')]
    expect(err).toMatch(/^not in the backup: .*LUCIDA_STORAGE/)
    expect(err).toContain(elsewhere.join(', '))
    expect(JSON.parse(out)).toMatchObject({ elsewhere, counts: { files: 0 } })
    expect(await checkFile(at('lost.backup'))).toMatchObject({ elsewhere })
  })

  testOn('pglite', engine)('whose folders are the program’s is refused', async () => {
    const manifest = await checkFile(file)
    for (const name of ['database', 'Database.x/y', 'indexes/x', '..', 'a/../../b', '']) {
      const path = at('odd.backup')
      const own = [{ path: '/x', name, place: 'data' as const }]
      await writeBlocks(path, { ...manifest, own }, readBlocks(file))
      const restoring = restoreBackup({ dataDir: at('odd') }, path)
      await expect(restoring, name).rejects.toMatchObject({ code: 'bad_input' })
    }
    expect(await readdir(scratch)).not.toContain('odd')
  })
})

async function draw(lucida: Lucida, seed: number): Promise<string> {
  const planned = await lucida.plan({ idea: { text: 'fog' }, candidates: 1, seed, keep: 'best' })
  const running = planned.run()
  let next = await running.next()
  while (!next.done) next = await running.next()
  return next.value.id
}

/** The same backup, which says that it has a file more. */
async function remake(source: string, target: string): Promise<void> {
  async function* blocks() {
    for await (const block of readBlocks(source)) {
      yield 'end' in block ? { end: { ...block.end, files: block.end.files! + 1 } } : block
    }
  }
  await writeBlocks(target, await checkFile(source), blocks())
}
