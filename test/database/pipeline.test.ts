// Indexing runs against a real folder and a real store; only the model is a fake.
import { chmod, cp, readFile, rename, symlink, utimes, writeFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { feedState, lastSequence, withWriterLock } from '../../src/store/changes.ts'
import { listFailures } from '../../src/store/failures.ts'
import { contents, failures, paths } from '../../src/store/schema.ts'
import { claimRoot, listRoots, removeRoot } from '../../src/store/roots.ts'
import { describeDatabase } from '../helpers/database.ts'
import { type FakeModel, fakeModel, runIndexing } from '../helpers/fake-indexing.ts'
import { newGate } from '../helpers/gate.ts'
import { makeBrokenPicture, makePhoto, makePicture, noise } from '../helpers/noise-pictures.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'
import { makeTiff, thumbnail } from '../helpers/raw-files.ts'
import { sharedDatabase, shownVectors } from '../helpers/shared-store.ts'

const isRoot = process.getuid?.() === 0
const isWindows = process.platform === 'win32'

describeDatabase('indexing', (newPlace, engine) => {
  const shared = sharedDatabase(newPlace)

  /** Indexes a folder, or one inside it, and checks that no file got lost in the counting. */
  async function index(
    folder: TestFolder | string,
    model: FakeModel,
    options?: Parameters<typeof runIndexing>[3],
  ) {
    const path = typeof folder === 'string' ? folder : folder.path
    const report = await runIndexing(shared.db, model, path, options)
    const { seen, embedded, reused, unchanged, returned, failed, stillFailing } = report.counts
    if (!report.cancelled)
      expect(embedded + reused + unchanged + returned + failed + stillFailing).toBe(seen)
    return report
  }

  /** What a search would show, as names below the folder. */
  async function shown(folder: TestFolder, model: FakeModel): Promise<string[]> {
    const vectors = await shownVectors(shared.db, model.space)
    return [...vectors.keys()].map((path) => relative(folder.path, path)).sort()
  }

  /** Every path in the database, those of missing files included. */
  async function stored(folder: TestFolder): Promise<string[]> {
    const rows = await shared.db.select({ path: paths.path }).from(paths)
    return rows.map(({ path }) => relative(folder.path, path)).sort()
  }

  /** Expects every shown vector to be the one that its file gives alone. */
  async function expectOwnVectors(model: FakeModel): Promise<void> {
    for (const [path, vector] of await shownVectors(shared.db, model.space)) {
      expect(vector, path).toEqual(await model.vectorOf(await readFile(path)))
    }
  }

  async function writePictures(folder: TestFolder, names: readonly string[]): Promise<void> {
    await Promise.all(names.map(async (name) => folder.write(name, await makePicture(name))))
  }

  const numbered = (count: number, prefix = '') =>
    Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(3, '0')}.png`)

  test('new pictures are shown, each with the vector of its own pixels', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'b/c.png', 'b/d/e.png'])
    const { counts } = await index(folder, model)
    expect(counts).toMatchObject({ seen: 3, embedded: 3, reused: 0, failed: 0 })
    expect(await shown(folder, model)).toEqual(['a.png', 'b/c.png', 'b/d/e.png'])
    await expectOwnVectors(model)
  })

  test('a photo is stored with what its camera wrote', async () => {
    await using folder = await newFolder()
    const path = await folder.write('photo.jpg', await makePhoto(5))
    await index(folder, fakeModel())
    expect(await shared.db.select().from(contents)).toMatchObject([
      {
        hash: sha256(await readFile(path)),
        format: 'jpeg',
        sizeBytes: (await readFile(path)).length,
        widthPx: 8,
        heightPx: 8,
        orientation: 1,
        takenAt: '2021-01-01 00:00:05',
        takenOffsetMinutes: null,
        cameraMake: 'Lucida',
        cameraModel: 'M5',
        addedAt: expect.any(Date),
      },
    ])
  })

  test('a second run does nothing', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, numbered(40))
    await index(folder, model)
    const sequence = await lastSequence(shared.db)
    const { counts } = await index(folder, model)
    expect(counts).toMatchObject({ seen: 40, unchanged: 40, embedded: 0, reused: 0, vanished: 0 })
    expect(model.embedded).toBe(40)
    expect(await lastSequence(shared.db)).toBe(sequence)
  })

  test('a file with new content gets a new vector and leaves the old one', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'b.png'])
    await index(folder, model)
    await folder.write('a.png', await makePicture('another'))
    const { counts } = await index(folder, model)
    expect(counts).toMatchObject({ embedded: 1, unchanged: 1 })
    expect(await shown(folder, model)).toEqual(['a.png', 'b.png'])
    expect((await feedState(shared.db, model.space)).count).toBe(2)
    await expectOwnVectors(model)
  })

  test('a touched file is reused, and after that unchanged', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png'])
    await index(folder, model)
    const sequence = await lastSequence(shared.db)
    await utimes(folder.at('a.png'), 1_500_000_000, 1_500_000_000.123)
    expect((await index(folder, model)).counts).toMatchObject({ reused: 1, embedded: 0 })
    expect((await index(folder, model)).counts).toMatchObject({ unchanged: 1 })
    expect(await lastSequence(shared.db)).toBe(sequence)
    expect(model.embedded).toBe(1)
  })

  test('a copied file is reused and shares the vector', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png'])
    await index(folder, model)
    await cp(folder.at('a.png'), folder.at('copy.png'))
    expect((await index(folder, model)).counts).toMatchObject({ reused: 1, unchanged: 1 })
    expect(await shown(folder, model)).toEqual(['a.png', 'copy.png'])
    expect((await feedState(shared.db, model.space)).count).toBe(1)
    expect(model.embedded).toBe(1)
  })

  test('two identical files in one run are one picture in two places', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png'])
    await cp(folder.at('a.png'), folder.at('b.png'))
    const { counts } = await index(folder, model)
    expect(counts.embedded + counts.reused).toBe(2)
    expect(await shown(folder, model)).toEqual(['a.png', 'b.png'])
    expect((await feedState(shared.db, model.space)).count).toBe(1)
  })

  test('a moved file keeps its vector', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'b.png', 'c.png'])
    await index(folder, model)
    const sequence = await lastSequence(shared.db)
    await folder.move('b.png', 'new/place.png')
    const { counts } = await index(folder, model)
    expect(counts).toMatchObject({ reused: 1, unchanged: 2, vanished: 1, embedded: 0 })
    expect(await shown(folder, model)).toEqual(['a.png', 'c.png', 'new/place.png'])
    expect(model.embedded).toBe(3)
    expect(await lastSequence(shared.db)).toBe(sequence)
  })

  test('a vanished file leaves the results at once and the database on prune', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'b.png', 'c.png'])
    await index(folder, model)
    await folder.remove('b.png')
    expect((await index(folder, model)).counts).toMatchObject({ vanished: 1, pruned: 0 })
    expect(await shown(folder, model)).toEqual(['a.png', 'c.png'])
    expect(await stored(folder)).toEqual(['a.png', 'b.png', 'c.png'])
    expect((await index(folder, model)).counts).toMatchObject({ vanished: 0 })

    expect((await index(folder, model, { prune: true })).counts).toMatchObject({ pruned: 1 })
    expect(await stored(folder)).toEqual(['a.png', 'c.png'])
    expect(await shared.db.select().from(contents)).toHaveLength(2)
  })

  test('a file that returns is shown again without being read', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'b.png', 'c.png'])
    await index(folder, model)
    await using away = await newFolder()
    await rename(folder.at('b.png'), away.at('b.png'))
    await index(folder, model)
    await rename(away.at('b.png'), folder.at('b.png'))
    expect((await index(folder, model)).counts).toMatchObject({ returned: 1, unchanged: 2 })
    expect(await shown(folder, model)).toEqual(['a.png', 'b.png', 'c.png'])
    expect(model.embedded).toBe(3)
  })

  test('a pruned file that returns is embedded again', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'b.png', 'c.png'])
    await index(folder, model)
    const bytes = await readFile(folder.at('b.png'))
    await folder.remove('b.png')
    await index(folder, model, { prune: true })
    await folder.write('b.png', bytes)
    expect((await index(folder, model)).counts).toMatchObject({ embedded: 1 })
    await expectOwnVectors(model)
  })

  test('a new recipe embeds everything again and hides what is old', async () => {
    await using folder = await newFolder()
    const [first, second] = [fakeModel('first'), fakeModel('the second')]
    await writePictures(folder, ['a.png', 'b.png'])
    await index(folder, first)
    expect(await shown(folder, second)).toEqual([])
    expect((await index(folder, second)).counts).toMatchObject({ embedded: 2, unchanged: 0 })
    expect(await shown(folder, first)).toEqual([])
    expect(await shown(folder, second)).toEqual(['a.png', 'b.png'])
    await expectOwnVectors(second)
  })

  const losses = [
    ['is missing', (folder: TestFolder, away: TestFolder) => takeAway(folder, away), 5],
    ['is empty', (folder: TestFolder) => removeAll(folder, numbered(5)), 5],
    ['lost more than half', (folder: TestFolder) => removeAll(folder, numbered(3)), 3],
  ] as const

  test.each(losses)('when the root %s, nothing changes', async (_, lose, lost) => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, numbered(5))
    await index(folder, model)
    const [before] = await listRoots(shared.db)
    await using away = await newFolder()
    await lose(folder, away)
    const { unmounted, counts } = await index(folder, model)
    expect(unmounted).toMatchObject({ lost, of: 5 })
    expect(counts).toMatchObject({ vanished: 0, pruned: 0 })
    expect(await shown(folder, model)).toEqual(numbered(5))
    expect(await listRoots(shared.db)).toEqual([before])
  })

  test.each(losses)('when the root %s, prune takes what is gone away', async (_, lose, lost) => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, numbered(5))
    await index(folder, model)
    await using away = await newFolder()
    await lose(folder, away)
    const { unmounted, counts } = await index(folder, model, { prune: true })
    expect(unmounted).toBeUndefined()
    expect(counts).toMatchObject({ vanished: lost, pruned: lost })
    expect(await shown(folder, model)).toHaveLength(5 - lost)
    expect(await stored(folder)).toHaveLength(5 - lost)
  })

  test('a root that lost half of its pictures is not unmounted', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, numbered(4))
    await index(folder, model)
    await removeAll(folder, numbered(2))
    const { unmounted, counts } = await index(folder, model)
    expect(unmounted).toBeUndefined()
    expect(counts).toMatchObject({ vanished: 2 })
  })

  test('a root that is away keeps its failures', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png'])
    await folder.write('broken.jpg', await makeBrokenPicture(1))
    await index(folder, model)
    await using away = await newFolder()
    await takeAway(folder, away)
    expect((await index(folder, model)).unmounted).toBeDefined()
    expect(await listFailures(shared.db)).toHaveLength(1)
    await rename(away.at('folder'), folder.path)
    expect((await index(folder, model)).counts).toMatchObject({ failed: 0, stillFailing: 1 })
  })

  test('a root that is away keeps its paths though every picture lies elsewhere too', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['disk/a.png', 'disk/b.png'])
    await cp(folder.at('disk'), folder.at('drive'), { recursive: true })
    await index(folder.at('disk'), model)
    await index(folder.at('drive'), model)
    await folder.remove('drive')
    expect((await index(folder.at('drive'), model)).unmounted).toBeDefined()
    expect(await shown(folder, model)).toEqual([
      'disk/a.png',
      'disk/b.png',
      'drive/a.png',
      'drive/b.png',
    ])
  })

  test('moves within the root are no losses, even of every file', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'b.png', 'c.png'])
    await index(folder, model)
    for (const name of ['a.png', 'b.png', 'c.png']) await folder.move(name, `2024/${name}`)
    const { unmounted, counts } = await index(folder, model)
    expect(unmounted).toBeUndefined()
    expect(counts).toMatchObject({ reused: 3, vanished: 3 })
    expect(await shown(folder, model)).toEqual(['2024/a.png', '2024/b.png', '2024/c.png'])
  })

  test('excludes are kept with the root and hold for later runs', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'private/b.png', 'trip/c.gif.png', 'trip/d.png'])
    await index(folder, model, { exclude: ['private', 'trip/*.gif.*'] })
    expect(await shown(folder, model)).toEqual(['a.png', 'trip/d.png'])
    expect((await index(folder, model)).counts).toMatchObject({ seen: 2, unchanged: 2 })
    // Patterns start from the root, also in a run over a folder inside it.
    expect((await index(folder.at('trip'), model)).counts).toMatchObject({ seen: 1 })
    await index(folder, model, { exclude: [] })
    expect(await shown(folder, model)).toHaveLength(4)
  })

  test('known files that are excluded leave, however many they are', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'private/b.png', 'private/c.png', 'private/d.png'])
    await folder.write('private/broken.jpg', await makeBrokenPicture(1))
    await index(folder, model)
    const { unmounted } = await index(folder, model, { exclude: ['private/'] })
    expect(unmounted).toBeUndefined()
    expect(await shown(folder, model)).toEqual(['a.png'])
    expect(await listFailures(shared.db)).toEqual([])
  })

  test('a broken file is one failure, tried again only when it changes', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const path = await folder.write('broken.jpg', await makeBrokenPicture(1))
    const first = await index(folder, model)
    expect(first.failed).toEqual([path])
    expect(await listFailures(shared.db)).toMatchObject([{ path, code: 'corrupt_image' }])

    const second = await index(folder, model)
    expect(second.failed).toEqual([])
    expect(second.counts).toMatchObject({ failed: 0, stillFailing: 1 })

    await folder.write('broken.jpg', await makeBrokenPicture(2))
    expect((await index(folder, model)).failed).toEqual([path])
    expect(await listFailures(shared.db)).toHaveLength(1)

    await folder.write('broken.jpg', await makePicture(2, 'jpeg'))
    expect((await index(folder, model)).counts).toMatchObject({ embedded: 1 })
    expect(await listFailures(shared.db)).toEqual([])
  })

  test('a failure is tried again by another version of the program', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const path = await folder.write('broken.jpg', await makeBrokenPicture(1))
    await index(folder, model)
    await shared.db.update(failures).set({ triedBy: 'another' })
    expect((await index(folder, model)).failed).toEqual([path])
  })

  test('a failure is forgotten when its file is gone', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png'])
    await folder.write('broken.jpg', await makeBrokenPicture(1))
    await index(folder, model)
    await folder.remove('broken.jpg')
    await index(folder, model)
    expect(await listFailures(shared.db)).toEqual([])
  })

  test('corrupt pictures among many change nothing for the others', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, numbered(70))
    for (const name of ['000.jpg', '030.jpg', '031.jpg', '069.jpg'])
      await folder.write(name, await makeBrokenPicture(name))
    const { counts, failed } = await index(folder, model)
    expect(counts).toMatchObject({ seen: 74, embedded: 70, failed: 4 })
    expect(failed).toHaveLength(4)
    expect(await shown(folder, model)).toEqual(numbered(70))
    await expectOwnVectors(model)
  })

  test('a picture that is replaced by a broken file leaves, and comes back reused', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'b.png'])
    await index(folder, model)
    await folder.write('a.png', await makeBrokenPicture(1))
    expect((await index(folder, model)).counts).toMatchObject({ failed: 1, unchanged: 1 })
    expect(await shown(folder, model)).toEqual(['b.png'])
    await writePictures(folder, ['a.png'])
    expect((await index(folder, model)).counts).toMatchObject({ reused: 1, embedded: 0 })
    expect(await shown(folder, model)).toEqual(['a.png', 'b.png'])
    await expectOwnVectors(model)
  })

  test('a run that was cancelled before it began touches nothing', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'b.png', 'c.png'])
    await index(folder, model)
    await folder.remove('b.png')
    const { cancelled, counts } = await index(folder, model, { signal: AbortSignal.abort() })
    expect(cancelled).toBe(true)
    expect(counts).toMatchObject({ embedded: 0, vanished: 0 })
    expect(await shown(folder, model)).toEqual(['a.png', 'b.png', 'c.png'])
  })

  test('a cancelled run stops soon, keeps what it did, and the next run does the rest', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, numbered(300))
    const cancel = new AbortController()
    const first = await index(folder, model, {
      signal: cancel.signal,
      onEvent: ({ type }) => type === 'progress' && cancel.abort(),
    })
    expect(first.cancelled).toBe(true)
    expect(first.counts.embedded).toBeGreaterThan(0)
    expect(first.counts.embedded).toBeLessThan(300)
    expect((await feedState(shared.db, model.space)).count).toBe(first.counts.embedded)

    const second = await index(folder, model)
    expect(second.counts).toMatchObject({
      unchanged: first.counts.embedded,
      embedded: 300 - first.counts.embedded,
    })
    expect(await shown(folder, model)).toEqual(numbered(300))
  })

  test('a reader that stops early stops the work', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, numbered(300))
    const stop = () => {
      throw new Error('enough')
    }
    const run = index(folder, model, { onEvent: ({ type }) => type === 'progress' && stop() })
    await expect(run).rejects.toThrow('enough')
    const { embedded } = model
    await sleep(200)
    expect(model.embedded).toBe(embedded)
    expect(embedded).toBeLessThan(300)
  })

  test('a model that fails ends the run with its error, and what was done is kept', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, numbered(70))
    const embedPixels: FakeModel['embedPixels'] = (pictures) => {
      if (model.embedded > 0) throw new Error('out of memory')
      return model.embedPixels(pictures)
    }
    await expect(index(folder, { ...model, embedPixels })).rejects.toThrow('out of memory')
    expect((await index(folder, model)).counts).toMatchObject({ unchanged: 32, embedded: 38 })
  })

  test('a folder that is removed during its run leaves nothing behind', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, numbered(70))
    const embedPixels: FakeModel['embedPixels'] = async (pictures) => {
      if (model.embedded > 0) await removeRoot(shared.db, folder.path).catch(() => {})
      return model.embedPixels(pictures)
    }
    const run = index(folder, { ...model, embedPixels })
    await expect(run).rejects.toMatchObject({ code: 'cancelled' })
    expect(await shown(folder, model)).toEqual([])
    expect(await listRoots(shared.db)).toEqual([])
  })

  test('a folder inside a root is part of it', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'trip/b.png', 'trip/c.png', 'trip/d.png'])
    await index(folder, model)
    await writePictures(folder, ['trip/e.png'])
    await folder.remove('a.png')
    await folder.remove('trip/b.png')
    const { counts } = await index(folder.at('trip'), model)
    expect(counts).toMatchObject({ seen: 3, embedded: 1, vanished: 1 })
    expect(await listRoots(shared.db)).toMatchObject([{ path: folder.path }])
    expect(await shown(folder, model)).toEqual(['a.png', 'trip/c.png', 'trip/d.png', 'trip/e.png'])
  })

  test('most of a folder inside a root may go, even all of it, but not most of the root', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, [...numbered(4), 'trip/a.png', 'trip/b.png', 'trip/c.png'])
    await index(folder, model)
    await folder.remove('trip/a.png')
    await folder.remove('trip/b.png')
    const most = await index(folder.at('trip'), model)
    expect(most).toMatchObject({ unmounted: undefined, counts: { vanished: 2 } })
    await folder.remove('trip')
    const all = await index(folder.at('trip'), model)
    expect(all).toMatchObject({ unmounted: undefined, counts: { vanished: 1 } })
    expect(await shown(folder, model)).toEqual(numbered(4))

    await writePictures(folder, numbered(6, 'tour/'))
    await index(folder, model)
    await folder.remove('tour')
    const { unmounted } = await index(folder.at('tour'), model)
    expect(unmounted).toMatchObject({ folder: folder.path, lost: 6, of: 10 })
    expect(await shown(folder, model)).toHaveLength(10)
  })

  test.each(['is missing', 'is empty'])(
    'when the root %s, a folder inside it is not taken for deleted',
    async (how) => {
      await using folder = await newFolder()
      const model = fakeModel()
      await writePictures(folder, [...numbered(4), 'trip/a.png'])
      await index(folder, model)
      await using away = await newFolder()
      await takeAway(folder, away)
      // As a mount point may look.
      if (how === 'is empty') await folder.write('.not-mounted', new Uint8Array())
      const { unmounted } = await index(folder.at('trip'), model)
      expect(unmounted).toMatchObject({ folder: folder.path, of: 5 })
      expect(await shown(folder, model)).toHaveLength(5)
    },
  )

  test('a folder around roots takes their place, and nothing is embedded again', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'one/b.png', 'two/c.png', 'twofold/d.png'])
    await index(folder.at('one'), model)
    await index(folder.at('two'), model)
    const { counts } = await index(folder, model)
    expect(counts).toMatchObject({ embedded: 2, unchanged: 2 })
    expect(await listRoots(shared.db)).toMatchObject([{ path: folder.path }])
  })

  test('a folder around roots goes on leaving out what they left out', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'x.png', 'one/b.png', 'one/x.png', 'one/raw/c.png'])
    await claimRoot(shared.db, folder.at('one'), ['x.png', 'raw/*'])
    await index(folder.at('one'), model)
    await index(folder, model)
    expect(await shown(folder, model)).toEqual(['a.png', 'one/b.png', 'x.png'])
  })

  test('folders whose names begin alike are strangers', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const siblings = ['a', 'a!', 'a-b', 'a0', 'a_', 'aa', 'b_', 'bx', '%']
    await writePictures(
      folder,
      siblings.map((name) => `${name}/p.png`),
    )
    for (const name of siblings) await index(folder.at(name), model)
    expect(await listRoots(shared.db)).toHaveLength(siblings.length)
    for (const name of ['a', 'b_', '%']) {
      expect(await removeRoot(shared.db, folder.at(name))).toBe(1)
    }
    expect(await shown(folder, model)).toEqual(
      ['a!', 'a-b', 'a0', 'a_', 'aa', 'bx'].map((name) => `${name}/p.png`).sort(),
    )
  })

  if (engine === 'postgres')
    test('two processes index one folder at once and find each picture once', async () => {
      await using folder = await newFolder()
      const names = numbered(120)
      await writePictures(folder, names)
      const models = [fakeModel(), fakeModel()]
      await Promise.all(models.map((model) => index(folder, model)))
      expect(await shown(folder, models[0]!)).toEqual(names)
      expect(await shared.db.$count(paths)).toBe(120)
    })

  if (engine === 'postgres')
    test('a removed root takes its pictures along at the same moment', async () => {
      await using folder = await newFolder()
      await writePictures(folder, ['a.png'])
      await index(folder, fakeModel())
      const [held, mayEnd] = [newGate(), newGate()]
      const otherWriter = withWriterLock(shared.db, () => {
        held.open()
        return mayEnd.opened
      })
      await held.opened
      const removing = removeRoot(shared.db, folder.path)
      await sleep(100)
      const meanwhile = await listRoots(shared.db)
      mayEnd.open()
      await otherWriter
      expect(await removing).toBe(1)
      // A process that is killed while it waits must not leave pictures without a root.
      expect(meanwhile).toHaveLength(1)
      expect(await listRoots(shared.db)).toEqual([])
    })

  test.skipIf(isWindows)('names may hold anything that the file system allows', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const names = [
      `it's "quoted".png`,
      'line\nbreak.png',
      'tab\tand\rreturn.png',
      '100%.png',
      'snake_case.png',
      ' spaces  around .png',
      'back\\slash.png',
      '-dash.png',
      '$1 {} [x] *.png',
      'ünïcödé e\u0301.png',
      // In UTF-16 these two sort the other way round than in UTF-8.
      '\u{1f600}.png',
      '\uff21.png',
      '\u{1f9d1}\u200d\u{1f680}/sub \\ dir/x.png',
    ]
    await writePictures(folder, names)
    await index(folder, model)
    expect(await shown(folder, model)).toEqual([...names].sort())
    await expectOwnVectors(model)
    expect((await index(folder, model)).counts).toMatchObject({ unchanged: names.length })
    for (const name of names.slice(0, 6)) await folder.remove(name)
    expect((await index(folder, model)).counts).toMatchObject({ vanished: 6 })
    expect(await shown(folder, model)).toEqual(names.slice(6).sort())
  })

  test.skipIf(isWindows)('a very long path is stored, and one beyond the limit fails', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const room = 2600 - Buffer.byteLength(folder.path)
    const long = longName(room)
    const longer = longName(room + 1, 'x')
    await writePictures(folder, ['a.png', long, longer])
    await folder.write(`${long.slice(0, -5)}.jpg`, await makeBrokenPicture(1))
    const { counts, failed } = await index(folder, model)
    expect(counts).toMatchObject({ seen: 4, embedded: 2, failed: 2 })
    expect(failed).toContain(folder.at(longer))
    expect(await shown(folder, model)).toEqual(['a.png', long].sort())
    expect((await index(folder, model)).counts).toMatchObject({
      unchanged: 2,
      failed: 1,
      stillFailing: 1,
    })
  })

  test('a raw file is left out while its JPEG lies beside it, and is no loss', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const names = ['a', 'b', 'c']
    for (const [i, name] of names.entries()) {
      const preview = await sharp(await makePicture(i))
        .resize(300)
        .jpeg()
        .toBuffer()
      await folder.write(`${name}.NEF`, makeTiff([thumbnail(preview)]))
    }
    expect((await index(folder, model)).counts).toMatchObject({ embedded: 3, rawsAside: 0 })
    for (const name of names) await folder.write(`${name}.jpg`, await makePicture(name, 'jpeg'))
    const { counts, unmounted } = await index(folder, model)
    expect(counts).toMatchObject({ seen: 3, embedded: 3, rawsAside: 3, vanished: 3 })
    expect(unmounted).toBeUndefined()
    expect(await shown(folder, model)).toEqual(['a.jpg', 'b.jpg', 'c.jpg'])
    await folder.remove('b.jpg')
    expect((await index(folder, model)).counts).toMatchObject({ returned: 1, vanished: 1 })
    expect(await shown(folder, model)).toEqual(['a.jpg', 'b.NEF', 'c.jpg'])
  })

  test.skipIf(process.platform !== 'linux')('a name that is no text is one failure', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png'])
    const bad = Buffer.concat([
      Buffer.from(folder.at('b')),
      Buffer.from([0xe9]),
      Buffer.from('.png'),
    ])
    await writeFile(bad, await makePicture('b'))
    expect((await index(folder, model)).counts).toMatchObject({ embedded: 1, failed: 1, seen: 2 })
    for (let run = 0; run < 2; run++) {
      const { counts } = await index(folder, model)
      expect(counts).toMatchObject({ unchanged: 1, failed: 0, stillFailing: 1, seen: 2 })
      expect(await listFailures(shared.db)).toMatchObject([
        {
          path: folder.at('b\ufffd.png'),
          code: 'unreadable',
          reason: expect.stringMatching(/UTF-8/),
        },
      ])
    }
    await rename(bad, folder.at('b.png'))
    expect((await index(folder, model)).counts).toMatchObject({ embedded: 1, stillFailing: 0 })
    expect(await listFailures(shared.db)).toEqual([])
  })

  test('links are counted and not followed', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'dir/b.png'])
    await symlink(folder.at('a.png'), folder.at('link.png'))
    await symlink(folder.at('dir'), folder.at('linked'))
    expect((await index(folder, model)).counts).toMatchObject({ seen: 2, links: 2 })
  })

  test.skipIf(isRoot || isWindows)(
    `a folder that cannot be read keeps what is known below it${isRoot ? ' (skipped: root reads everything)' : ''}`,
    async () => {
      await using folder = await newFolder()
      const model = fakeModel()
      await writePictures(folder, ['a.png', 'closed/b.png'])
      await folder.write('closed/broken.jpg', await makeBrokenPicture(1))
      await index(folder, model)
      await chmod(folder.at('closed'), 0)
      try {
        const { events, counts } = await index(folder, model)
        expect(events).toContainEqual(
          expect.objectContaining({ type: 'unreadable', path: folder.at('closed') }),
        )
        expect(counts.vanished).toBe(0)
        expect(await shown(folder, model)).toEqual(['a.png', 'closed/b.png'])
        expect(await listFailures(shared.db)).toHaveLength(1)
      } finally {
        await chmod(folder.at('closed'), 0o755)
      }
    },
  )

  test('every file is counted once, and progress ends where the run ends', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['same.png', 'touched.png', 'gone.png', 'back.png'])
    await folder.write('broken.jpg', await makeBrokenPicture(1))
    await index(folder, model)
    await using away = await newFolder()
    await rename(folder.at('back.png'), away.at('back.png'))
    await index(folder, model)
    await rename(away.at('back.png'), folder.at('back.png'))
    await writePictures(folder, ['new.png'])
    await folder.remove('gone.png')
    await utimes(folder.at('touched.png'), 1, 1)
    await cp(folder.at('same.png'), folder.at('copy.png'))
    await folder.write('broken too.jpg', await makeBrokenPicture(2))

    const { events, counts } = await index(folder, model)
    expect(counts).toEqual({
      seen: 7,
      embedded: 1,
      reused: 2,
      unchanged: 1,
      returned: 1,
      vanished: 1,
      pruned: 0,
      failed: 1,
      stillFailing: 1,
      waiting: 0,
      links: 0,
      rawsAside: 0,
    })
    expect(events[0]).toEqual({ type: 'start', folder: folder.path })
    expect(events.at(-1)).toMatchObject({ type: 'done', cancelled: false })
    const progress = events.findLast((event) => event.type === 'progress')!
    expect(progress).toMatchObject({ complete: true, done: progress.found })
  })

  test('a root is marked as indexed by a complete run only', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, ['a.png', 'dir/b.png'])
    const indexedAt = async () => (await listRoots(shared.db))[0]?.indexedAt
    await claimRoot(shared.db, folder.path, undefined)
    await index(folder.at('dir'), model)
    expect(await indexedAt()).toBeNull()
    await index(folder, model, { signal: AbortSignal.abort() })
    expect(await indexedAt()).toBeNull()
    await index(folder, model)
    expect(await indexedAt()).toBeInstanceOf(Date)
  })
})

async function removeAll(folder: TestFolder, names: readonly string[]): Promise<void> {
  for (const name of names) await folder.remove(name)
}

async function takeAway(folder: TestFolder, away: TestFolder): Promise<void> {
  await rename(folder.path, away.at('folder'))
}

/** A path of that many bytes, with its separator, which does not compress. */
function longName(length: number, seed = 'long'): string {
  const text = noise(seed, length * 2)
    .toString('base64url')
    .replaceAll(/[-_]/g, 'x')
  let name = ''
  while (name.length < length - 1) {
    const left = length - 1 - name.length
    name += left > 250 ? `${text.slice(name.length, name.length + 200)}/` : text.slice(0, left)
  }
  return `${name.slice(0, -4)}.png`
}
