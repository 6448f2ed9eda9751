// Buckets as they are in life: long, throttled, broken, changed, away. Against s3rver from npm, a
// local S3 server, behind a proxy of ours that makes the trouble (test/helpers/bucket.ts).
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { openSource } from '../../src/sources/open-source.ts'
import { listFailures } from '../../src/store/failures.ts'
import { BUCKET, type SeenRequest, startBucket, type TestBucket } from '../helpers/bucket.ts'
import { describeDatabase } from '../helpers/database.ts'
import { type FakeModel, fakeModel, runIndexing } from '../helpers/fake-indexing.ts'
import { makeBrokenPicture, makePicture } from '../helpers/noise-pictures.ts'
import { sharedDatabase, shownVectors } from '../helpers/shared-store.ts'

const OBJECTS = 2000

const isList = ({ url }: SeenRequest) => url.searchParams.get('list-type') === '2'
const nameOf = (i: number) => `trip/${String(i % 7)}/${String(i).padStart(4, '0')}.png`

describeDatabase('a bucket', (newPlace) => {
  const shared = sharedDatabase(newPlace)
  let bucket: TestBucket
  beforeAll(async () => {
    bucket = await startBucket()
  })
  afterAll(() => bucket[Symbol.asyncDispose]())
  beforeEach(() => {
    bucket.onRequest = () => undefined
  })

  /** Each test has a prefix of its own. */
  const at = (folder: string) => `s3://${BUCKET}/${folder}`
  const index = (folder: string, model: FakeModel, how?: Parameters<typeof runIndexing>[3]) =>
    runIndexing(shared.db, model, at(folder), how)
  const shown = async (folder: string, model: FakeModel) =>
    [...(await shownVectors(shared.db, model.space)).keys()]
      .filter((path) => path.startsWith(`${at(folder)}/`))
      .map((path) => path.slice(at(folder).length + 1))
      .sort()
  const fill = async (folder: string, count: number) => {
    const names = Array.from({ length: count }, (_, i) => `${String(i).padStart(3, '0')}.png`)
    for (const name of names) await bucket.write(`${folder}/${name}`, await makePicture(name))
    return names
  }

  test(`${OBJECTS} objects come in pages; broken, changed and removed ones are noticed`, async () => {
    const model = fakeModel()
    for (let i = 0; i < OBJECTS; i++) await bucket.write(`many/${nameOf(i)}`, await makePicture(i))
    await bucket.write('many/broken.jpg', await makeBrokenPicture('b'))
    await bucket.write('many/empty.png', new Uint8Array())
    await bucket.write('many/notes.txt', Buffer.from('no picture'))
    const from = bucket.seen.length
    const first = await index('many', model)
    expect(first.counts).toMatchObject({ seen: OBJECTS + 2, embedded: OBJECTS, failed: 2 })
    expect([...first.failed].sort()).toEqual([at('many/broken.jpg'), at('many/empty.png')])
    const requests = bucket.seen.slice(from)
    expect(
      requests.filter(isList).some(({ url }) => url.searchParams.has('continuation-token')),
    ).toBe(true)
    // One request a picture; the pages, and a look whether anything is there.
    expect(requests.filter(isList)).toHaveLength(3 + 1)
    expect(requests.filter((one) => !isList(one))).toHaveLength(OBJECTS + 2)
    expect(await shown('many', model)).toHaveLength(OBJECTS)

    await bucket.write(`many/${nameOf(5)}`, await makePicture('another'))
    await bucket.remove(`many/${nameOf(6)}`)
    const second = await index('many', model)
    expect(second.counts).toMatchObject({
      embedded: 1,
      vanished: 1,
      unchanged: OBJECTS - 2,
      stillFailing: 2,
      failed: 0,
    })
    const vectors = await shownVectors(shared.db, model.space)
    expect(vectors.size).toBe(OBJECTS - 1)
    expect(vectors.get(at(`many/${nameOf(5)}`))).toEqual(
      await model.vectorOf(await makePicture('another')),
    )
    expect(vectors.has(at(`many/${nameOf(6)}`))).toBe(false)
    const codes = (await listFailures(shared.db)).map(({ path, code }) => [path, code])
    expect(codes).toEqual([
      [at('many/broken.jpg'), 'corrupt_image'],
      [at('many/empty.png'), 'corrupt_image'],
    ])
  }, 300_000)

  test('a changed object of the same length and second is another version', async () => {
    const model = fakeModel()
    const [one, two] = [await makePicture('one'), await makePicture('two')]
    const padded = Buffer.concat([one, Buffer.alloc(Math.max(0, two.length - one.length))])
    const other = Buffer.concat([two, Buffer.alloc(Math.max(0, one.length - two.length))])
    await bucket.write('same/a.png', padded)
    await index('same', model)
    await bucket.write('same/a.png', other)
    expect((await index('same', model)).counts).toMatchObject({ embedded: 1 })
    expect((await index('same', model)).counts).toMatchObject({ unchanged: 1 })
  })

  test('throttled throughout, it is complete', async () => {
    const model = fakeModel()
    const names = await fill('slow', 60)
    const refused = new Map<string, number>()
    let count = 0
    let throttled = 0
    // Every third request, but none more than twice.
    bucket.onRequest = ({ url, method }) => {
      const key = `${method} ${url.pathname}${url.search}`
      const before = refused.get(key) ?? 0
      if (++count % 3 !== 0 || before === 2) return undefined
      refused.set(key, before + 1)
      throttled++
      return 'throttle'
    }
    const { counts } = await index('slow', model)
    expect(counts).toMatchObject({ seen: 60, embedded: 60, failed: 0 })
    expect(await shown('slow', model)).toEqual(names)
    expect(throttled).toBeGreaterThan(15)
  })

  test('what cannot be had in this run is tried again in the next', async () => {
    const model = fakeModel()
    await fill('stuck', 3)
    bucket.onRequest = ({ url }) => (url.pathname.endsWith('/001.png') ? DOWN : undefined)
    expect((await index('stuck', model)).counts).toMatchObject({ embedded: 2, failed: 1 })
    expect(await listFailures(shared.db)).toMatchObject([
      {
        path: at('stuck/001.png'),
        code: 'unreadable',
        reason: expect.stringContaining('InternalError'),
      },
    ])
    bucket.onRequest = () => undefined
    expect((await index('stuck', model)).counts).toMatchObject({ embedded: 1, failed: 0 })
  })

  test('a connection that breaks while an object comes is tried again', async () => {
    const model = fakeModel()
    await fill('cut', 12)
    const cut = new Set<string>()
    bucket.onRequest = ({ url }) => {
      if (!url.pathname.endsWith('.png') || cut.has(url.pathname)) return undefined
      cut.add(url.pathname)
      return 'cut'
    }
    expect((await index('cut', model)).counts).toMatchObject({ embedded: 12, failed: 0 })
    expect(cut.size).toBe(12)
  })

  test('a listing that breaks off makes nothing vanish', async () => {
    const model = fakeModel()
    const names = await fill('half', 10)
    await index('half', model)
    // Only the scan's own page is refused.
    bucket.onRequest = ({ url }) => (url.searchParams.get('max-keys') === '1000' ? DOWN : undefined)
    const { unmounted, counts, events } = await index('half', model)
    expect(unmounted).toMatchObject({ of: 10 })
    expect(counts).toMatchObject({ vanished: 0 })
    expect(events).toContainEqual(
      expect.objectContaining({ reason: expect.stringContaining('InternalError') }),
    )
    expect(await shown('half', model)).toEqual(names)
  })

  test.each([
    ['away', 'hang up' as const],
    ['gone', { status: 404, body: '<Error><Code>NoSuchBucket</Code></Error>' }],
  ])('a bucket that is %s counts as unmounted', async (folder, fault) => {
    const model = fakeModel()
    const names = await fill(folder, 4)
    await index(folder, model)
    bucket.onRequest = () => fault
    const { unmounted, counts } = await index(folder, model)
    expect(unmounted).toMatchObject({ of: 4 })
    expect(counts.vanished).toBe(0)
    expect(await shown(folder, model)).toEqual(names)
  })

  test('an empty prefix counts as unmounted, until it is pruned', async () => {
    const model = fakeModel()
    const names = await fill('empty', 4)
    await index('empty', model)
    for (const name of names) await bucket.remove(`empty/${name}`)
    expect((await index('empty', model)).unmounted).toMatchObject({ lost: 4, of: 4 })
    expect(await shown('empty', model)).toEqual(names)
    expect((await index('empty', model, { prune: true })).counts).toMatchObject({ pruned: 4 })
    expect(await shown('empty', model)).toEqual([])
  })

  test('one that refuses access is an error that says what is missing', async () => {
    bucket.onRequest = () => DENIED
    await expect(index('denied', fakeModel())).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringMatching(/photos refuses access \(AccessDenied\).*s3:ListBucket/),
    })
  })

  test('an archived object is a failure with its reason', async () => {
    const model = fakeModel()
    await fill('cold', 2)
    const body = '<Error><Code>InvalidObjectState</Code></Error>'
    bucket.onRequest = ({ url }) =>
      url.pathname.endsWith('/000.png') ? { status: 403, body } : undefined
    expect((await index('cold', model)).counts).toMatchObject({ embedded: 1, failed: 1 })
    expect((await listFailures(shared.db))[0]!.reason).toContain('archived')
  })

  test('a run that is cancelled goes on where it was', async () => {
    const model = fakeModel()
    const names = await fill('stop', 300)
    const stop = new AbortController()
    const first = await index('stop', model, {
      signal: stop.signal,
      onEvent: (event) => event.type === 'progress' && stop.abort(),
    })
    expect(first.cancelled).toBe(true)
    const done = (await shown('stop', model)).length
    expect(done).toBeLessThan(300)
    const { counts } = await index('stop', model)
    expect(counts).toMatchObject({ embedded: 300 - done, unchanged: done })
    expect(await shown('stop', model)).toEqual(names)
  })

  test('names that are hidden, excluded, markers or raws beside a picture are left out', async () => {
    const model = fakeModel()
    const picture = await makePicture('x')
    const keys = ['.hidden/a.png', 'node_modules/a.png', 'private/a.png', 'IMG.CR2', 'IMG.JPG']
    for (const key of [...keys, 'ünï+%20 1\n.png']) await bucket.write(`odd/${key}`, picture)
    const { counts } = await index('odd', model, { exclude: ['private'] })
    expect(counts).toMatchObject({ seen: 2, rawsAside: 1 })
    expect(await shown('odd', model)).toEqual(['IMG.JPG', 'ünï+%20 1\n.png'])
  })

  test('objects without a telling name are looked into, once', async () => {
    const model = fakeModel()
    await bucket.write('bare/0123abcd', await makePicture('bare'))
    await bucket.write('bare/4567cdef', Buffer.from('a text, and no picture at all'))
    expect((await index('bare', model)).counts).toMatchObject({ seen: 1, embedded: 1 })
    const from = bucket.seen.length
    expect((await index('bare', model)).counts).toMatchObject({ unchanged: 1 })
    expect(bucket.seen.slice(from).filter((one) => !isList(one))).toEqual([])
  })

  test('a file is opened as it was indexed, in ranges, or not at all', async () => {
    const bytes = await makePicture('range')
    await bucket.write('open/a.png', bytes)
    const path = at('open/a.png')
    const source = openSource(path)
    const { hash, ...content } = await source.read(path)
    expect(hash).toBe(sha256(bytes))
    const state = { path, sizeBytes: content.sizeBytes, mtimeMs: content.mtimeMs }
    expect(await source.stat(path)).toEqual(state)
    const opened = await source.open(state)
    expect(Buffer.from(await opened.bytes()).equals(bytes)).toBe(true)
    const part: Buffer[] = []
    for await (const chunk of await opened.stream(5, 20)) part.push(chunk as Buffer)
    expect(Buffer.concat(part).equals(bytes.subarray(5, 21))).toBe(true)
    await bucket.write('open/a.png', await makePicture('other'))
    await expect(source.open(state)).rejects.toMatchObject({ code: 'file_changed' })
    await bucket.remove('open/a.png')
    await expect(source.open(state)).rejects.toMatchObject({ code: 'not_found' })
    expect(await source.stat(path)).toBeUndefined()
  })
})

const DOWN = { status: 500, body: '<Error><Code>InternalError</Code></Error>' }
const DENIED = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
