// Watching real folders with a real store and the system's own events; only the model is a fake.
import {
  appendFile,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import type { IndexEvent } from '../../src/indexer/events.ts'
import type { OpenEvents } from '../../src/indexer/folder-events.ts'
import { type WatchOptions, type WatchTimes, watchFolders } from '../../src/indexer/watch.ts'
import { findServingCheckpoint } from '../../src/search/checkpoint.ts'
import type { Database } from '../../src/store/database.ts'
import { listFailures } from '../../src/store/failures.ts'
import { claimRoot, removeRoot } from '../../src/store/roots.ts'
import { paths } from '../../src/store/schema.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase } from '../helpers/database.ts'
import { type FakeModel, fakeModel, runIndexing } from '../helpers/fake-indexing.ts'
import { makeBrokenPicture, makePicture } from '../helpers/noise-pictures.ts'
import { openAt, writeDrawings } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'
import { sharedDatabase, shownVectors } from '../helpers/shared-store.ts'

/** Quick enough for a test; polling and rescans come into play only where a test asks for them. */
const QUICK: WatchTimes = {
  quietMs: 60,
  burstMs: 500,
  pollMs: 600_000,
  bucketPollMs: 600_000,
  rescanMs: 600_000,
  beforeReadMs: 150,
  beforeFailureMs: 150,
}

/** Longer than anything that a watch with these times is waiting for. */
const QUIET_MS = 700

const SOON = { timeout: 30_000, interval: 100 }

/** A system without file events. */
const NO_EVENTS: OpenEvents = () => ({ startLook() {}, add() {}, endLook() {}, close() {} })

describeDatabase('watching', (newPlace, engine) => {
  const shared = sharedDatabase(newPlace)

  /** Watches a folder in the background until it goes out of scope. */
  async function watch(
    folder: TestFolder | string,
    model: FakeModel,
    options: Partial<WatchOptions> & { exclude?: string[] } = {},
  ) {
    const path = typeof folder === 'string' ? folder : folder.path
    const { exclude, ...how } = options
    await claimRoot(shared.db, path, exclude)
    const stop = new AbortController()
    const events: IndexEvent[] = []
    const { space, preprocess, embedPixels, batchSize } = model
    const run = async () => {
      const context = { db: shared.db, space, preprocess, embedPixels, batchSize }
      const openRun = () => ({ context, release() {} })
      const all = watchFolders({ db: shared.db, openRun }, [path], {
        times: QUICK,
        signal: stop.signal,
        ...how,
      })
      for await (const event of all) events.push(event)
    }
    const ended = run()
    // Seen by whoever waits for it.
    ended.catch(() => {})
    await vi.waitFor(() => {
      if (!events.some(({ type }) => type === 'watching')) throw new Error('not watching yet')
    }, SOON)
    return {
      events,
      ended,
      looks: () => events.flatMap((event) => (event.type === 'done' ? [event.folder] : [])),
      abort: () => stop.abort(),
      async [Symbol.asyncDispose]() {
        stop.abort()
        await ended
      },
    }
  }

  async function shown(folder: TestFolder, model: FakeModel): Promise<string[]> {
    const vectors = await shownVectors(shared.db, model.space)
    return [...vectors.keys()].map((path) => relative(folder.path, path)).sort()
  }

  const expectShown = (folder: TestFolder, model: FakeModel, names: readonly string[]) =>
    vi.waitFor(async () => expect(await shown(folder, model)).toEqual([...names].sort()), SOON)

  async function writePictures(folder: TestFolder, names: readonly string[]): Promise<void> {
    for (const name of names) await folder.write(name, await makePicture(name))
  }

  const letters = (prefix = '') => 'abcdef'.split('').map((letter) => `${prefix}${letter}.png`)

  test('1,000 adds, edits, moves and deletes in bursts end as a fresh index would', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const world = await newWorld(folder, 20_240_501)
    for (let i = 0; i < 120; i++) await world.add()
    {
      await using watching = await watch(folder, model, { times: { ...QUICK, pollMs: 1_000 } })
      await expectShown(folder, model, Object.keys(await world.content()))
      while (world.operations < 1000 + 120) {
        const burst = 1 + world.below(60)
        for (let i = 0; i < burst; i++) await world.step()
        await sleep(world.below(3) === 0 ? QUIET_MS : world.below(200))
      }
      const expected = await world.content()
      // Not too often: to compare takes as long as to look.
      await vi.waitFor(
        async () => {
          expect(await contentOf(shared.db, model, folder)).toEqual(expected)
        },
        { timeout: 60_000, interval: 1_000 },
      )
      // Failures may come and go: on a busy machine a file stays half written for longer than the
      // short patience of this test.
      expect(watching.events.filter(({ type }) => type === 'unmounted')).toEqual([])
    }
    await using place = await newPlace()
    const fresh = await place.open()
    try {
      await runIndexing(fresh.db, fakeModel(), folder.path)
      expect(await contentOf(shared.db, model, folder)).toEqual(
        await contentOf(fresh.db, model, folder),
      )
      const vectors = await shownVectors(shared.db, model.space)
      expect(Object.fromEntries(vectors)).toEqual(
        Object.fromEntries(await shownVectors(fresh.db, model.space)),
      )
    } finally {
      await fresh.close()
    }
  }, 300_000)

  test('a new folder is watched with all that is in it, and only it is looked at', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, letters())
    await using watching = await watch(folder, model)
    await writePictures(folder, ['new/deep/g.png'])
    await expectShown(folder, model, [...letters(), 'new/deep/g.png'])
    await sleep(QUIET_MS)
    const before = watching.looks().length
    await writePictures(folder, ['new/deep/h.png'])
    await expectShown(folder, model, [...letters(), 'new/deep/g.png', 'new/deep/h.png'])
    expect(new Set(watching.looks().slice(before))).toEqual(new Set([folder.at('new/deep')]))
  })

  test('a folder that is moved, removed and made again is followed', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, [...letters(), 'trip/g.png', 'trip/day/h.png'])
    await using _ = await watch(folder, model)
    await folder.move('trip', 'album/journey')
    await expectShown(folder, model, [
      ...letters(),
      'album/journey/g.png',
      'album/journey/day/h.png',
    ])
    expect(model.embedded).toBe(8)
    await writePictures(folder, ['album/journey/day/i.png'])
    await folder.remove('album/journey/g.png')
    const journey = ['album/journey/day/h.png', 'album/journey/day/i.png']
    await expectShown(folder, model, [...letters(), ...journey])
    await folder.remove('album')
    await expectShown(folder, model, letters())
    await writePictures(folder, journey)
    await expectShown(folder, model, [...letters(), ...journey])
    // Another folder under the name of one that is watched.
    await folder.remove('album/journey/day')
    await writePictures(folder, ['album/journey/day/j.png'])
    await expectShown(folder, model, [...letters(), 'album/journey/day/j.png'])
    await writePictures(folder, ['album/journey/day/k.png'])
    await expectShown(folder, model, [
      ...letters(),
      'album/journey/day/j.png',
      'album/journey/day/k.png',
    ])
  })

  test('most of a small folder may go, but not most of the root', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, [...letters(), 'trip/g.png', 'trip/h.png', 'trip/i.png'])
    await using watching = await watch(folder, model)
    await folder.remove('trip/g.png')
    await folder.remove('trip/h.png')
    await expectShown(folder, model, [...letters(), 'trip/i.png'])
    await folder.remove('trip/i.png')
    await expectShown(folder, model, letters())
    for (const name of letters().slice(0, 5)) await folder.remove(name)
    await vi.waitFor(() => {
      expect(watching.events).toContainEqual({
        type: 'unmounted',
        folder: folder.path,
        lost: 5,
        of: 6,
      })
    }, SOON)
    expect(await shown(folder, model)).toEqual(letters())
  })

  test('a burst is one run', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, letters())
    await using watching = await watch(folder, model, {
      times: { ...QUICK, quietMs: 500, burstMs: 10_000, beforeReadMs: 0 },
    })
    await writePictures(folder, letters('more '))
    await expectShown(folder, model, [...letters(), ...letters('more ')])
    await sleep(QUIET_MS)
    expect(watching.looks()).toHaveLength(2)
  })

  test('events that never end do not put a look off for ever', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, letters())
    await using _ = await watch(folder, model, { times: { ...QUICK, quietMs: 500, burstMs: 800 } })
    await writePictures(folder, ['new.png'])
    const log = folder.at('log.txt')
    const write = setInterval(() => void writeFile(log, 'x'), 50)
    try {
      await expectShown(folder, model, [...letters(), 'new.png'])
    } finally {
      clearInterval(write)
    }
  })

  test('hidden, junk and excluded entries do not wake it', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    const names = ['.cache/x.png', 'node_modules/x.png', 'private/x.png', 'data/x.png']
    await writePictures(folder, [...letters(), ...names])
    await using watching = await watch(folder, model, {
      times: { ...QUICK, beforeReadMs: 0 },
      exclude: ['private', 'data', '*.gif'],
      ignore: folder.at('data'),
    })
    await writePictures(
      folder,
      names.map((name) => name.replace('x', 'y')),
    )
    await writePictures(folder, ['.hidden.png', 'thumbs.db', 'a.gif'])
    await sleep(QUIET_MS)
    expect(watching.looks()).toEqual([folder.path])
    expect(await shown(folder, model)).toEqual(letters())
  })

  test('a file that is still being written is never taken for a broken one', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, letters())
    await using watching = await watch(folder, model, {
      times: { ...QUICK, beforeReadMs: 100, beforeFailureMs: 2_000 },
    })
    const whole = await makePicture('slow', 'jpeg')
    const slow = await folder.write('slow.jpg', whole.subarray(0, 200))
    for (let at = 200; at < whole.length; at += 100) {
      await sleep(300)
      await appendFile(slow, whole.subarray(at, at + 100))
    }
    await expectShown(folder, model, [...letters(), 'slow.jpg'])
    expect(watching.events.filter(({ type }) => type === 'failure')).toEqual([])
    expect(watching.events.some((e) => e.type === 'done' && e.counts.waiting > 0)).toBe(true)
    expect(await contentOf(shared.db, model, folder)).toMatchObject({ 'slow.jpg': sha256(whole) })

    // One that stays broken is told in the end.
    const broken = await folder.write('broken.jpg', await makeBrokenPicture(1))
    await vi.waitFor(async () => {
      expect(await listFailures(shared.db)).toMatchObject([{ path: broken, code: 'corrupt_image' }])
    }, SOON)
  })

  test('a clock that is wrong does not keep a file waiting', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, letters())
    await using _ = await watch(folder, model)
    const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 86_400_000)
    try {
      await writePictures(folder, ['future.png'])
      await expectShown(folder, model, [...letters(), 'future.png'])
    } finally {
      now.mockRestore()
    }
  })

  test('where the system watches no more folders, it is told, and polling takes over', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, [...letters(), 'sub/g.png'])
    const closed = vi.fn()
    const openEvents: OpenEvents = (_, { onFailure }) => ({
      startLook() {},
      add: (path) => path.endsWith('sub') && onFailure('the system watches no more folders'),
      endLook() {},
      close: closed,
    })
    await using watching = await watch(folder, model, {
      openEvents,
      times: { ...QUICK, pollMs: 200 },
    })
    expect(watching.events).toContainEqual({
      type: 'watching',
      folder: folder.path,
      everyMs: 200,
      reason: 'the system watches no more folders',
    })
    expect(closed).toHaveBeenCalledOnce()
    await writePictures(folder, ['sub/h.png'])
    await folder.remove('a.png')
    await expectShown(folder, model, [...letters().slice(1), 'sub/g.png', 'sub/h.png'])
  })

  test('polling asks the system for nothing', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, letters())
    const openEvents = vi.fn(NO_EVENTS)
    const times = { ...QUICK, pollMs: 200 }
    await using watching = await watch(folder, model, { poll: true, openEvents, times })
    await writePictures(folder, ['new/g.png'])
    await expectShown(folder, model, [...letters(), 'new/g.png'])
    expect(openEvents).not.toHaveBeenCalled()
    expect(watching.events).toContainEqual(
      expect.objectContaining({ type: 'watching', everyMs: 200, reason: null }),
    )
  })

  test('events that were missed are made up for by a look at everything', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, letters())
    await using _ = await watch(folder, model, {
      openEvents: NO_EVENTS,
      times: { ...QUICK, rescanMs: 300 },
    })
    await writePictures(folder, ['g.png'])
    await expectShown(folder, model, [...letters(), 'g.png'])
  })

  test('events about places that never were cost a look and change nothing', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, [...letters(), 'sub/g.png'])
    let say = (_path: string) => {}
    const openEvents: OpenEvents = (root, listener) => {
      say = listener.onChange
      return NO_EVENTS(root, listener)
    }
    const times = { ...QUICK, beforeReadMs: 0 }
    await using watching = await watch(folder, model, { openEvents, times })
    say(folder.at('sub/nowhere/at/all.png'))
    await vi.waitFor(() => expect(watching.looks()[1]).toBe(folder.at('sub')), SOON)
    for (let i = 0; i < 5000; i++) say(folder.at('sub/g.png'))
    // So many that some may have been dropped: the whole folder is looked at.
    await vi.waitFor(() => expect(watching.looks().slice(2)).toContain(folder.path), SOON)
    expect(await shown(folder, model)).toHaveLength(7)
  })

  test('a folder that goes away loses nothing, and is watched again when it is back', async () => {
    await using folder = await newFolder()
    await using elsewhere = await newFolder()
    const model = fakeModel()
    await writePictures(folder, letters())
    await using watching = await watch(folder, model, { times: { ...QUICK, pollMs: 200 } })
    await expectShown(folder, model, letters())
    await rename(folder.path, elsewhere.at('away'))
    await vi.waitFor(() => {
      expect(watching.events.some(({ type }) => type === 'unmounted')).toBe(true)
    }, SOON)
    expect(await shown(folder, model)).toEqual(letters())
    await mkdir(folder.path)
    await sleep(500)
    expect(await shown(folder, model)).toEqual(letters())
    await rm(folder.path, { recursive: true })
    await rename(elsewhere.at('away'), folder.path)
    await sleep(500)
    await writePictures(folder, ['g.png'])
    await expectShown(folder, model, [...letters(), 'g.png'])
    expect(model.embedded).toBe(7)
  })

  test('an abort ends it soon, in the middle of the work too, and what was done is kept', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, letters())
    const watching = await watch(folder, model, { times: { ...QUICK, beforeReadMs: 0 } })
    await Promise.all(
      Array.from({ length: 300 }, async (_, i) => folder.write(`${i}.png`, await makePicture(i))),
    )
    await vi.waitFor(() => expect(model.embedded).toBeGreaterThan(6), SOON)
    watching.abort()
    const abortedAt = performance.now()
    await watching.ended
    expect(performance.now() - abortedAt).toBeLessThan(5_000)
    expect(await shared.db.$count(paths)).toBeGreaterThanOrEqual(6)

    const idle = await watch(folder, model)
    idle.abort()
    await idle.ended
    expect(await shown(folder, model)).toHaveLength(306)
  })

  test('a folder that is forgotten meanwhile is not indexed again', async () => {
    await using folder = await newFolder()
    const model = fakeModel()
    await writePictures(folder, letters())
    const watching = await watch(folder, model, { times: { ...QUICK, beforeReadMs: 0 } })
    await expectShown(folder, model, letters())
    await removeRoot(shared.db, folder.path)
    await writePictures(folder, ['g.png'])
    await watching.ended
    expect(await shared.db.$count(paths)).toBe(0)
  })

  test('the library saves the index before it says that a look is done', async () => {
    await using place = await newPlace()
    await using folder = await newFolder()
    const names = await writeOldDrawings(folder)
    const lucida = await openAt(place)
    const stop = new AbortController()
    try {
      for await (const event of lucida.watch([folder.path], { signal: stop.signal })) {
        if (event.type === 'watching') await cp(folder.at('red.png'), folder.at('copy.png'))
        if (event.type !== 'done' || event.counts.reused === 0) continue
        const saved = await readdir(join(place.dataDir, 'indexes'), { recursive: true })
        expect(saved.some((name) => name.endsWith('.index') || name.includes('exact'))).toBe(true)
        const { results } = await lucida.search([{ text: 'a red wall' }], { limit: 100 })
        expect(results.flatMap(({ paths }) => paths)).toHaveLength(names.length + 1)
        stop.abort()
      }
      const wrong = lucida.watch([folder.path], { pollSeconds: 0 })
      await expect(wrong.next()).rejects.toMatchObject({ code: 'bad_input' })
    } finally {
      await lucida.close()
    }
  })

  test.runIf(engine === 'pglite')(
    'a folder that could not be reached leaves no run that never ends',
    async () => {
      await using place = await newPlace()
      await using folder = await newFolder()
      await writeOldDrawings(folder)
      const lucida = await openAt(place)
      const stop = new AbortController()
      const elsewhere = `${folder.path}-away`
      let wasUnreachable = false
      let checkpoint: unknown
      try {
        for await (const event of lucida.watch([folder.path], {
          signal: stop.signal,
          pollSeconds: 1,
        })) {
          if (event.type === 'watching') {
            await rename(folder.path, elsewhere)
            await writeFile(folder.path, 'no folder')
          }
          if (event.type === 'unreadable') {
            wasUnreachable = true
            await rm(folder.path)
            await rename(elsewhere, folder.path)
          }
          if (event.type !== 'done' || !wasUnreachable) continue
          checkpoint = await findServingCheckpoint(place.dataDir)
          stop.abort()
        }
      } finally {
        await lucida.close()
      }
      // Nobody vouches for the index while somebody may be writing.
      expect(checkpoint).not.toBeNull()
      expect(wasUnreachable).toBe(true)
    },
  )

  test('lucida index --watch says what changes, and an interrupt ends it with 130', async () => {
    await using place = await newPlace()
    await using folder = await newFolder()
    await writeOldDrawings(folder)
    const stop = new AbortController()
    let err = ''
    const running = runCaptured(['index', folder.path, '--watch', '--poll', '1'], {
      env: {
        LUCIDA_DATA_DIR: place.dataDir,
        LUCIDA_MODEL: 'lucida-clip-1',
        LUCIDA_THREADS: '1',
        ...(place.databaseUrl && { DATABASE_URL: place.databaseUrl }),
      },
      signal: stop.signal,
      err: (text) => (err += text),
    })
    await vi.waitFor(() => expect(err).toMatch(/every 1 s; Ctrl-C ends\n/), SOON)
    await folder.remove('red.png')
    await vi.waitFor(() => expect(err).toContain(`${folder.path}: 1 gone\n`), SOON)
    stop.abort()
    expect((await running).code).toBe(130)
    expect(err).toMatch(/^indexing .*\ndone in .*: 12 new\nlooking at .*\n.*: 1 gone\n/)
  })
})

test('--poll without --watch is a mistake', async () => {
  const { code, err } = await runCaptured(['index', '--poll', '5'])
  expect(code).toBe(2)
  expect(err).toContain("'--poll' needs '--watch'")
})

/** Drawings that were written long ago, so that nobody waits for them. */
async function writeOldDrawings(folder: TestFolder): Promise<string[]> {
  const names = await writeDrawings(folder)
  for (const name of names) await utimes(folder.at(`${name}.png`), 1, 1)
  return names
}

/** What a store shows of a folder: content hashes by name. */
async function contentOf(
  db: Database,
  model: FakeModel,
  folder: TestFolder,
): Promise<Record<string, string>> {
  const visible = new Set((await shownVectors(db, model.space)).keys())
  const rows = await db.select({ path: paths.path, content: paths.content }).from(paths)
  const entries = rows
    .filter(({ path }) => visible.has(path))
    .map(({ path, content }) => [relative(folder.path, path), content])
  return Object.fromEntries(entries)
}

/** A folder in which things happen at random, the same for the same seed. */
async function newWorld(folder: TestFolder, seed: number) {
  const files = new Set<string>()
  let operations = 0
  let made = 0
  let random = seed
  /** A whole number below `n` (mulberry32). */
  const below = (n: number) => {
    random = (random + 0x6d2b79f5) | 0
    let t = Math.imul(random ^ (random >>> 15), 1 | random)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
  const pick = <T>(all: Iterable<T>): T => {
    const items = [...all]
    return items[below(items.length)]!
  }
  const folders = () => [...new Set([...files].flatMap(parents))].sort()
  const inside = (name: string) => [...files].filter((file) => file.startsWith(`${name}/`))
  /** Small enough that to lose it does not look like an unmounted drive. */
  const smallFolders = () => folders().filter((name) => inside(name).length < files.size / 12)
  const newName = (isFolder: boolean) => {
    const parent = below(4) === 0 ? '' : pick(['', ...folders()].filter((name) => depth(name) < 4))
    const nested = below(6) === 0 && !isFolder ? `dir ${made}/` : ''
    return `${parent && `${parent}/`}${nested}${isFolder ? 'dir' : 'p'} ${made++}${isFolder ? '' : '.png'}`
  }
  const picture = () => makePicture(`${seed} ${made++}`)

  const actions = {
    async add() {
      const name = newName(false)
      await folder.write(name, below(8) === 0 && files.size > 0 ? await copyOf() : await picture())
      files.add(name)
    },
    async edit() {
      const name = pick(files)
      if (below(2) === 0) return folder.write(name, await picture())
      // As editors do it.
      const temporary = await folder.write(`${name}.tmp`, await picture())
      return rename(temporary, folder.at(name))
    },
    async moveFile() {
      const [from, to] = [pick(files), newName(false)]
      await folder.move(from, to)
      files.delete(from)
      files.add(to)
    },
    async moveFolder() {
      const [from, to] = [pick(smallFolders()), newName(true)]
      if (from === undefined || `${to}/`.startsWith(`${from}/`)) return
      await folder.move(from, to)
      for (const file of inside(from)) {
        files.delete(file)
        files.add(to + file.slice(from.length))
      }
    },
    async removeFile() {
      const name = pick(files)
      await folder.remove(name)
      files.delete(name)
    },
    async removeFolder() {
      const name = pick(smallFolders())
      if (name === undefined) return
      await folder.remove(name)
      for (const file of inside(name)) files.delete(file)
    },
  }
  const copyOf = () => readFile(folder.at(pick(files)))
  const often: Record<keyof typeof actions, number> = {
    add: 40,
    edit: 22,
    moveFile: 12,
    moveFolder: 6,
    removeFile: 17,
    removeFolder: 3,
  }
  const deck = Object.entries(often).flatMap(([name, times]) =>
    Array.from({ length: times }, () => name as keyof typeof actions),
  )
  return {
    below,
    get operations() {
      return operations
    },
    async add() {
      operations++
      await actions.add()
    },
    async step() {
      operations++
      await actions[pick(deck)]()
    },
    /** Content hashes by name, read from the disk. */
    async content(): Promise<Record<string, string>> {
      const entries = [...files].map(async (name) => {
        return [name, sha256(await readFile(folder.at(name)))] as const
      })
      return Object.fromEntries(await Promise.all(entries))
    },
  }
}

function parents(file: string): string[] {
  const names = file.split('/').slice(0, -1)
  return names.map((_, i) => names.slice(0, i + 1).join('/'))
}

function depth(name: string): number {
  return name === '' ? 0 : name.split('/').length
}
