// Filters, order by date, pages and facets, against a plain reading of the same metadata.
import { sql } from 'drizzle-orm'
import * as fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import type { ContentHash } from '../../src/core/hash.ts'
import { dot, normalize } from '../../src/core/vector.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { type Filter, parseFilter } from '../../src/search/filter.ts'
import { hnswAvailable, openHnswIndex } from '../../src/search/hnsw-index.ts'
import { openPgvectorIndex } from '../../src/search/pgvector-index.ts'
import type { EncodedQuery } from '../../src/search/query.ts'
import { percentile } from '../../src/search/relevance.ts'
import type { SearchContext } from '../../src/search/rank.ts'
import { listPictures, searchPictures } from '../../src/search/search.ts'
import { storedPictures } from '../../src/search/stored-pictures.ts'
import { syncIndex } from '../../src/search/sync.ts'
import { type Database, rows } from '../../src/store/database.ts'
import { countFacets } from '../../src/store/facets.ts'
import { countMatching, findMatching } from '../../src/store/filters.ts'
import { deletePaths, markMissing } from '../../src/store/paths.ts'
import {
  type Content,
  findPictures,
  type IndexedFile,
  writeBatch,
} from '../../src/store/pictures.ts'
import { claimRoot } from '../../src/store/roots.ts'
import { refreshStatistics } from '../../src/store/statistics.ts'
import { clusterWorkers } from '../helpers/cluster.ts'
import { describeDatabase } from '../helpers/database.ts'
import { noise } from '../helpers/noise-pictures.ts'
import { whyNoPgvector } from '../helpers/pgvector.ts'
import { hashOf, sharedDatabase, storedFile, vectorOf } from '../helpers/shared-store.ts'

const space = { model: 'fake', recipe: 'first' }
const provided = inject('database')
const whyNot: Readonly<Record<string, string | undefined>> = {
  hnsw: (await hnswAvailable()) ? undefined : 'no hnswlib-node here',
  pgvector:
    provided.engine === 'postgres'
      ? await whyNoPgvector(provided.url)
      : 'this database has no pgvector',
}

/** What a picture is in these tests: its name, its places and what differs from a plain one. */
interface TestPicture extends Partial<Content> {
  readonly name: string
  readonly paths: readonly string[]
}

function filesOf({ name, paths, ...metadata }: TestPicture): IndexedFile[] {
  const plain = storedFile(name)
  return paths.map((path) => ({
    ...plain,
    path,
    content: { ...plain.content, ...metadata },
  }))
}

const write = (db: Database, pictures: readonly TestPicture[]) =>
  writeBatch(db, space, { files: pictures.flatMap(filesOf), failures: [] })

const EARTH_KM = 6371.0088

/** By the law of cosines for the angle between two directions: not the formula of the store. */
function distanceKm(
  a: { latitude: number; longitude: number },
  b: { latitude: number; longitude: number },
) {
  const direction = ({ latitude, longitude }: typeof a) => {
    const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180]
    return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)]
  }
  const [u, v] = [direction(a), direction(b)]
  const chord = Math.hypot(...u.map((value, i) => value - v[i]!))
  return 2 * EARTH_KM * Math.asin(Math.min(1, chord / 2))
}

/** The rules of `Filter`, said again. */
function oracle(filter: Filter, picture: TestPicture): boolean {
  const { takenAt, cameraMake, cameraModel, lens, latitude, longitude } = picture
  const [width, height] = [picture.widthPx ?? 8, picture.heightPx ?? 8]
  const holds = (text: string | null | undefined, part: string) =>
    (text ?? '').toLowerCase().includes(part.toLowerCase())
  const moment = (text: string) => text.padEnd(19, '0000-01-01T00:00:00'.slice(text.length))
  const isPlaced = latitude != null && longitude != null
  const box = filter.box
  const below = (folder: string | undefined) => (path: string) =>
    folder === undefined || path.startsWith(`${folder}/`)
  return [
    picture.paths.some((path) => below(filter.root)(path) && below(filter.folder)(path)),
    filter.format === undefined || [filter.format].flat().includes(picture.format ?? 'png'),
    filter.after === undefined || (takenAt != null && takenAt >= moment(filter.after)),
    filter.before === undefined || (takenAt != null && takenAt < moment(filter.before)),
    filter.camera === undefined ||
      holds([cameraMake, cameraModel].filter((text) => text != null).join(' '), filter.camera),
    filter.lens === undefined || holds(lens, filter.lens),
    !filter.near ||
      (isPlaced && distanceKm({ latitude, longitude }, filter.near) <= filter.near.radiusKm),
    !box ||
      (isPlaced &&
        latitude >= box.south &&
        latitude <= box.north &&
        (Math.abs(latitude) === 90 ||
          [longitude - 360, longitude, longitude + 360].some(
            (turn) => turn >= box.west && turn <= (box.west > box.east ? box.east + 360 : box.east),
          ))),
    filter.gps === undefined || filter.gps === isPlaced,
    filter.orientation === undefined ||
      filter.orientation ===
        (width > height ? 'landscape' : width < height ? 'portrait' : 'square'),
    width >= (filter.minWidth ?? 0),
    height >= (filter.minHeight ?? 0),
    filter.generated === undefined ||
      filter.generated === 'any' ||
      (filter.generated === 'only') === (picture.generated ?? false),
  ].every(Boolean)
}

const byDate = (a: TestPicture, b: TestPicture) => {
  const [x, y] = [a.takenAt ?? '', b.takenAt ?? '']
  return x === y ? (hashOf(a.name) < hashOf(b.name) ? -1 : 1) : x > y ? -1 : 1
}

describeDatabase('filters', (newPlace) => {
  const store = sharedDatabase(newPlace)

  async function namesOf(filter: Filter, pictures: readonly TestPicture[]): Promise<string[]> {
    const found = await findMatching(store.db, parseFilter(filter))
    return pictures.map(({ name }) => name).filter((name) => found.has(hashOf(name)))
  }

  describe('on a few pictures', () => {
    const pictures: readonly TestPicture[] = [
      {
        name: 'paris',
        paths: ['/photos/2020/paris.jpg', '/backup/paris.jpg'],
        format: 'jpeg',
        widthPx: 4000,
        heightPx: 3000,
        takenAt: '2020-05-31T23:59:59',
        cameraMake: 'NIKON CORPORATION',
        cameraModel: 'NIKON D90',
        lens: 'AF-S 50mm f/1.8G',
        latitude: 48.8584,
        longitude: 2.2945,
      },
      {
        name: 'fiji',
        paths: ['/photos/2021/fiji.jpg'],
        format: 'jpeg',
        widthPx: 3000,
        heightPx: 4000,
        takenAt: '2021-01-01T00:00:00',
        cameraMake: 'Apple',
        cameraModel: 'iPhone 12',
        latitude: -17.8,
        longitude: 179.9,
      },
      {
        name: 'pole',
        paths: ['/photos/pole_100%.png'],
        widthPx: 500,
        heightPx: 500,
        takenAt: '2019-12-31T12:00:00',
        latitude: 90,
        longitude: 0,
      },
      { name: 'edge', paths: ['/photos/2020x/edge.png'], latitude: -16.5, longitude: 180 },
      { name: 'plain', paths: ['/photos/plain.png'] },
    ]
    beforeEach(() => write(store.db, pictures))

    const cases: readonly [string, Filter, string[]][] = [
      ['nothing asked', {}, ['paris', 'fiji', 'pole', 'edge', 'plain']],
      ['a root', { root: '/backup' }, ['paris']],
      ['a folder, but not what begins like it', { folder: '/photos/2020' }, ['paris']],
      ['a folder with a slash', { folder: '/photos/2020/' }, ['paris']],
      ['one path in both root and folder', { root: '/backup', folder: '/photos' }, []],
      ['a format', { format: 'jpeg' }, ['paris', 'fiji']],
      ['a format by its other name', { format: 'JPG' }, ['paris', 'fiji']],
      ['several formats', { format: ['webp', 'png'] }, ['pole', 'edge', 'plain']],
      ['after a month, from its start', { after: '2020-05' }, ['paris', 'fiji']],
      ['after a day', { after: '2020-06-01' }, ['fiji']],
      ['after a moment, inclusive', { after: '2021-01-01T00:00' }, ['fiji']],
      ['before a year, without it', { before: '2021' }, ['paris', 'pole']],
      ['a year', { after: '2020', before: '2021' }, ['paris']],
      ['before a second, exclusive', { before: '2020-05-31 23:59:59' }, ['pole']],
      ['a camera by its make', { camera: 'nikon corp' }, ['paris']],
      ['a camera by make and model', { camera: 'APPLE iphone' }, ['fiji']],
      ['a camera that nobody has', { camera: '%' }, []],
      ['a lens', { lens: 'F/1.8g' }, ['paris']],
      ['with a position', { gps: true }, ['paris', 'fiji', 'pole', 'edge']],
      ['without a position', { gps: false }, ['plain']],
      ['landscape', { orientation: 'landscape' }, ['paris']],
      ['portrait', { orientation: 'portrait' }, ['fiji']],
      ['square', { orientation: 'square' }, ['pole', 'edge', 'plain']],
      ['a width', { minWidth: 3001 }, ['paris']],
      ['a height', { minHeight: 3000 }, ['paris', 'fiji']],
      ['both', { minWidth: 501, minHeight: 4000 }, ['fiji']],
      ['a circle', { near: { latitude: 48.8, longitude: 2.3, radiusKm: 7 } }, ['paris']],
      ['a circle too small', { near: { latitude: 48.8, longitude: 2.3, radiusKm: 6 } }, []],
      [
        'a circle across the antimeridian',
        { near: { latitude: -17, longitude: -179.9, radiusKm: 120 } },
        ['fiji', 'edge'],
      ],
      ['a circle at a pole', { near: { latitude: 89.5, longitude: 120, radiusKm: 60 } }, ['pole']],
      [
        'a circle as large as the earth',
        { near: { latitude: 0, longitude: 0, radiusKm: 20_016 } },
        ['paris', 'fiji', 'pole', 'edge'],
      ],
      ['a point', { near: { latitude: 48.8584, longitude: 2.2945, radiusKm: 0 } }, ['paris']],
      ['a box', { box: { south: 40, west: -10, north: 50, east: 10 } }, ['paris']],
      [
        'a box across the antimeridian',
        { box: { south: -20, west: 170, north: 0, east: -170 } },
        ['fiji', 'edge'],
      ],
      [
        'a box whose edge is the antimeridian',
        { box: { south: -20, west: -180, north: 0, east: -170 } },
        ['edge'],
      ],
      ['a box at the pole', { box: { south: 80, west: 100, north: 90, east: 101 } }, ['pole']],
      ['several at once', { format: 'jpeg', gps: true, before: '2021' }, ['paris']],
    ]
    test.each(cases)('%s', async (_, filter, expected) => {
      expect(await namesOf(filter, pictures)).toEqual(expected)
    })

    test('a picture without a path that is there passes no filter', async () => {
      await markMissing(store.db, ['/photos/2020/paris.jpg', '/photos/plain.png'], true)
      expect(await namesOf({}, pictures)).toEqual(['paris', 'fiji', 'pole', 'edge'])
      expect(await namesOf({ folder: '/photos/2020' }, pictures)).toEqual([])
      await deletePaths(store.db, '/backup', 'all')
      expect(await namesOf({}, pictures)).toEqual(['fiji', 'pole', 'edge'])
    })

    // On a cluster each node gathers them for its part.
    test.skipIf(clusterWorkers.length > 0)(
      'statistics are gathered once for a collection, and change nothing',
      async () => {
        const gathered = async () => {
          await refreshStatistics(store.db)
          const [row] = await rows<{ n: number }>(
            store.db,
            sql`select reltuples::int as n from pg_class where oid = 'paths'::regclass`,
          )
          return row!.n
        }
        expect(await gathered()).toBe(6)
        await deletePaths(store.db, '/photos/2021', 'all')
        expect(await gathered()).toBe(5)
        expect(await namesOf({ gps: true }, pictures)).toEqual(['paris', 'pole', 'edge'])
      },
    )

    test('the path of a result is the first that passes', async () => {
      const paths = async (filter: Filter) =>
        (
          await listPictures(storedPictures(store.db, space), { filter: parseFilter(filter) })
        ).hits.map(({ path }) => path)
      expect(await paths({ format: 'jpeg', before: '2021' })).toEqual(['/backup/paris.jpg'])
      expect(await paths({ folder: '/photos/2020' })).toEqual(['/photos/2020/paris.jpg'])
    })

    test('facets count pictures by kind, below roots by first folder', async () => {
      for (const root of ['/photos', '/backup', '/empty'])
        await claimRoot(store.db, root, undefined)
      expect(await countFacets(store.db, {})).toEqual({
        pictures: 5,
        year: [
          { value: 2021, count: 1 },
          { value: 2020, count: 1 },
          { value: 2019, count: 1 },
          { value: null, count: 2 },
        ],
        format: [
          { value: 'png', count: 3 },
          { value: 'jpeg', count: 2 },
        ],
        camera: [
          { value: null, count: 3 },
          { value: 'Apple iPhone 12', count: 1 },
          { value: 'NIKON CORPORATION NIKON D90', count: 1 },
        ],
        lens: [
          { value: null, count: 4 },
          { value: 'AF-S 50mm f/1.8G', count: 1 },
        ],
        root: [
          { value: '/photos', count: 5 },
          { value: '/backup', count: 1 },
        ],
        folder: [
          { value: '/photos/2020', count: 1 },
          { value: '/photos/2020x', count: 1 },
          { value: '/photos/2021', count: 1 },
        ],
        orientation: [
          { value: 'square', count: 3 },
          { value: 'landscape', count: 1 },
          { value: 'portrait', count: 1 },
        ],
        gps: [
          { value: true, count: 4 },
          { value: false, count: 1 },
        ],
        generated: [{ value: false, count: 5 }],
      })
      const old = await countFacets(store.db, parseFilter({ before: '2021', folder: '/photos' }))
      expect(old).toMatchObject({ pictures: 2, root: [{ value: '/photos', count: 2 }] })
    })
  })

  describe('on any pictures', () => {
    const folders = ['/a', '/a/b', '/a/bc', '/a b', '/z/é']
    const path = fc
      .tuple(fc.constantFrom(...folders), fc.constantFrom('1', '2', '3'))
      .map((parts) => parts.join('/'))
    const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { freq: 3 })
    const degrees = (limit: number) =>
      fc.oneof(
        fc.constantFrom(-limit, 0, limit),
        fc.integer({ min: -10 * limit, max: 10 * limit }).map((tenths) => tenths / 10),
      )
    const taken = fc.constantFrom(
      '2019-12-31T23:59:59',
      '2020-01-01T00:00:00',
      '2020-02-29T12:30:00',
      '2021-06-15T08:00:01',
    )
    const position = fc.oneof(
      fc.constant({ latitude: null, longitude: null }),
      fc.record({ latitude: degrees(90), longitude: degrees(180) }),
    )
    const size = fc.constantFrom(7, 8, 9)
    const picture = fc
      .tuple(
        fc.record({
          paths: fc.uniqueArray(path, { minLength: 1, maxLength: 3 }),
          format: fc.constantFrom('jpeg', 'png', 'webp'),
          takenAt: optional(taken),
          cameraMake: optional(fc.constantFrom('Canon', 'SONY')),
          cameraModel: optional(fc.constantFrom('Canon EOS', 'ILCE-7', '100%_a')),
          lens: optional(fc.constantFrom('EF 50mm', 'FE 28-70')),
          widthPx: size,
          heightPx: size,
          generated: fc.boolean(),
        }),
        position,
      )
      .map(([rest, place]) => ({ ...rest, ...place }))
    const pictures = fc.array(picture, { maxLength: 25 }).map((all) => {
      // A path belongs to one picture.
      const used = new Set<string>()
      return all.flatMap((one, i): TestPicture[] => {
        const paths = one.paths.filter((path) => !used.has(path))
        for (const path of paths) used.add(path)
        return paths.length > 0 ? [{ ...one, paths, name: `picture ${i}` }] : []
      })
    })
    const date = fc.constantFrom(
      '2019',
      '2020',
      '2020-01-01',
      '2020-02',
      '2020-02-29T12:30',
      '2022',
    )
    const condition = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined, freq: 2 })
    const filter: fc.Arbitrary<Filter> = fc.record({
      root: fc.option(fc.constantFrom(...folders), { nil: undefined, freq: 1 }),
      folder: fc.option(fc.constantFrom(...folders), { nil: undefined, freq: 1 }),
      format: fc.option(fc.subarray(['jpeg', 'png', 'webp'], { minLength: 1 }), { nil: undefined }),
      after: condition(date),
      before: condition(date),
      camera: fc.option(fc.constantFrom('canon', 'Canon Canon', 'sony i', '%', '_A'), {
        nil: undefined,
        freq: 1,
      }),
      lens: fc.option(fc.constantFrom('50MM', '28-'), { nil: undefined, freq: 1 }),
      near: fc.option(
        fc.record({
          latitude: degrees(90),
          longitude: degrees(180),
          // No distance between tenths of degrees is so close to one of these as rounding errors.
          radiusKm: fc.constantFrom(0.5, 777.7, 5_000.3, 10_010, 20_020),
        }),
        { nil: undefined, freq: 1 },
      ),
      box: fc.option(
        fc
          .record({
            south: degrees(90),
            west: degrees(180),
            north: degrees(90),
            east: degrees(180),
          })
          .filter(({ south, north }) => south <= north),
        { nil: undefined, freq: 1 },
      ),
      gps: fc.option(fc.boolean(), { nil: undefined, freq: 1 }),
      orientation: fc.option(fc.constantFrom('landscape' as const, 'portrait', 'square'), {
        nil: undefined,
        freq: 1,
      }),
      minWidth: fc.option(fc.constantFrom(8, 9), { nil: undefined, freq: 1 }),
      minHeight: fc.option(fc.constantFrom(8, 9), { nil: undefined, freq: 1 }),
      generated: fc.option(fc.constantFrom('any' as const, 'only', 'none'), {
        nil: undefined,
        freq: 1,
      }),
    })

    test('what passes, its order, its pages and its facets are what a plain reading says', async () => {
      await fc.assert(
        fc.asyncProperty(
          pictures,
          fc.array(filter, { minLength: 4, maxLength: 10 }),
          async (all, filters) => {
            const { db } = store
            await deletePaths(db, '/', 'all')
            await write(db, all)
            for (const each of filters) {
              const expected = all.filter((one) => oracle(each, one)).sort(byDate)
              const hashes = expected.map(({ name }) => hashOf(name))
              const parsed = parseFilter(each)
              expect(await findMatching(db, parsed)).toEqual(new Set(hashes))
              expect(await countMatching(db, parsed)).toBe(hashes.length)
              expect(await listAll(db, each, 3)).toEqual(hashes)
              const facets = await countFacets(db, parsed)
              expect(facets.pictures).toBe(hashes.length)
              for (const { value, count } of facets.camera) {
                if (value === null) continue
                const those = await countMatching(db, { ...parsed, camera: value })
                if (parsed.camera === undefined) expect(those).toBeGreaterThanOrEqual(count)
              }
              for (const { value, count } of facets.generated) {
                const generated = value ? 'only' : 'none'
                expect(expected.filter((one) => oracle({ generated }, one))).toHaveLength(count)
              }
              for (const { value, count } of facets.format) {
                expect(expected.filter(({ format }) => format === value)).toHaveLength(count)
              }
            }
          },
        ),
        { numRuns: 25, seed: 42 },
      )
    })
  })

  /** Everything, page by page. */
  async function listAll(db: Database, filter: Filter, limit: number): Promise<ContentHash[]> {
    const found: ContentHash[] = []
    let after: Parameters<typeof listPictures>[1] & {} = {}
    for (;;) {
      const page = await listPictures(storedPictures(db, space), {
        ...after,
        limit,
        filter: parseFilter(filter),
      })
      found.push(...page.hits.map(({ picture }) => picture.hash))
      if (!page.next) return found
      after = { after: page.next }
    }
  }

  for (const kind of ['exact', 'hnsw', 'pgvector'] as const) {
    const reason = whyNot[kind] ? `, skipped: ${whyNot[kind]}` : ''
    describe.skipIf(reason !== '')(`searches by an index (${kind}${reason})`, () => {
      const COUNT = 300
      const names = Array.from({ length: COUNT }, (_, i) => `picture ${i}`)
      const query: EncodedQuery = {
        vector: normalize([...noise('query', 8)].map((byte) => byte - 127.5)),
        isText: true,
        ownContents: new Set(),
      }
      const bank = Array.from({ length: 20 }, (_, i) => vectorOf(`caption ${i}`))
      const score = (name: string) => dot(query.vector, vectorOf(name))
      let context: SearchContext
      let all: TestPicture[]

      beforeAll(() => {
        all = names.map((name, i) => ({
          name,
          paths: [`/photos/${i % 10}/${name}.png`],
          widthPx: i % 3 === 0 ? 100 : 8,
          takenAt: i % 7 === 0 ? null : `20${10 + (i % 12)}-01-01T00:00:0${i % 10}`,
        }))
      })
      beforeEach(async () => {
        await write(store.db, all)
        const identity = { storeId: 'test', ...space, dimension: 8 }
        const index = await {
          exact: () => openExactIndex({ identity }),
          hnsw: () => openHnswIndex({ identity }),
          pgvector: () =>
            openPgvectorIndex({
              db: store.db,
              identity,
              graph: 'half',
              fresh: true,
              rowsPerStep: 0,
            }),
        }[kind]()
        await syncIndex(store.db, space, index)
        context = {
          pictures: storedPictures(store.db, space),
          index,
          bank: async () => bank,
          relevanceThreshold: 0.8,
        }
        return () => index.close()
      })

      type Options = Omit<NonNullable<Parameters<typeof searchPictures>[2]>, 'filter'>
      const search = (filter: Filter, options: Options = {}) =>
        searchPictures(context, query, { ...options, filter: parseFilter(filter) })
      const ranked = (some: readonly TestPicture[]) =>
        some.toSorted((a, b) => score(b.name) - score(a.name)).map(({ name }) => hashOf(name))
      const hashes = (page: Awaited<ReturnType<typeof search>>) =>
        page.hits.map(({ picture }) => picture.hash)

      async function pages(filter: Filter, options: Options): Promise<ContentHash[]> {
        const found: ContentHash[] = []
        let page = await search(filter, options)
        for (;;) {
          found.push(...hashes(page))
          if (!page.next) return found
          expect(page.hits).toHaveLength(options.limit!)
          page = await search(filter, { ...options, after: page.next })
        }
      }

      test.each<[string, Filter]>([
        ['none', { format: 'gif' }],
        ['few', { folder: '/photos/3', minWidth: 100 }],
        ['some', { minWidth: 100 }],
        ['all', { format: 'png' }],
        ['no filter', {}],
      ])('finds as many as there are, best first: %s', async (_, filter) => {
        const expected = ranked(all.filter((picture) => oracle(filter, picture)))
        for (const limit of [1, 10, 1000]) {
          const page = await search(filter, { limit })
          expect(hashes(page)).toEqual(expected.slice(0, limit))
          expect(page.matching).toBe(expected.length)
        }
      })

      test('pages give every result once, by cursor and by number', async () => {
        const filter = { minWidth: 100 }
        const expected = ranked(all.filter((picture) => oracle(filter, picture)))
        expect(await pages(filter, { limit: 7 })).toEqual(expected)
        const byNumber: ContentHash[] = []
        for (let offset = 0; offset <= expected.length; offset += 7)
          byNumber.push(...hashes(await search(filter, { limit: 7, offset })))
        expect(byNumber).toEqual(expected)
      })

      test('pages miss nothing and repeat nothing while pictures come and go', async () => {
        const first = await search({}, { limit: 10 })
        const gone = first.hits.slice(8).map(({ path }) => path)
        await markMissing(store.db, gone, true)
        const twin = { ...all[0]!, name: 'twin of the best', paths: ['/photos/new.png'] }
        const best = filesOf(twin).map((file) => ({ ...file, vector: query.vector }))
        await writeBatch(store.db, space, { files: best, failures: [] })
        await syncIndex(store.db, space, context.index)
        const second = await search({}, { limit: 10, after: first.next! })
        expect(hashes(second)).toEqual(ranked(all).slice(10, 20))
      })

      test('a minimum score ends the pages', async () => {
        const minScore = score(names.toSorted((a, b) => score(b) - score(a))[24]!)
        const expected = ranked(all).slice(0, 25)
        expect((await pages({}, { limit: 10, minScore: minScore - 1e-6 })).toSorted()).toEqual(
          expected.toSorted(),
        )
      })

      test('by date come all that are relevant, newest first', async () => {
        const filter = { minWidth: 100 }
        const expected = all
          .filter((picture) => oracle(filter, picture))
          .filter(({ name }) => percentile(bank, vectorOf(name), score(name)) >= 0.8)
          .sort(byDate)
        expect(expected.length).toBeGreaterThan(5)
        expect(await pages(filter, { limit: 4, orderBy: 'takenAt' })).toEqual(
          expected.map(({ name }) => hashOf(name)),
        )
        const [, second] = [3, 6].map((limit) => search(filter, { limit, orderBy: 'takenAt' }))
        const skipped = await search(filter, { limit: 3, offset: 3, orderBy: 'takenAt' })
        expect(hashes(skipped)).toEqual(hashes(await second!).slice(3))
      })

      test('by date come all that reach a minimum score, without those left out', async () => {
        const without = new Set(ranked(all).slice(0, 2))
        const expected = all.filter(({ name }) => score(name) >= 0.2 && !without.has(hashOf(name)))
        expect(await pages({}, { limit: 9, orderBy: 'takenAt', minScore: 0.2, without })).toEqual(
          expected.sort(byDate).map(({ name }) => hashOf(name)),
        )
      })

      test.each<[string, Options]>([
        ['by score', { limit: 7 }],
        ['by date', { limit: 7, orderBy: 'takenAt', minScore: -1 }],
      ])('what is screened is on no page, and counted once: %s', async (_, options) => {
        const expected = hashes(await search({}, { ...options, limit: 1000 }))
        // The best of all, some in a row, and every third.
        const secret = new Set(expected.filter((__, i) => i < 9 || i % 3 === 0))
        const screen = async (asked: readonly ContentHash[]) =>
          new Set(asked.filter((hash) => secret.has(hash)))
        const found: ContentHash[] = []
        const leftOut: ContentHash[] = []
        let page = await search({}, { ...options, screen })
        for (;;) {
          found.push(...hashes(page))
          leftOut.push(...page.leftOut)
          if (!page.next) break
          expect(page.hits).toHaveLength(7)
          page = await search({}, { ...options, screen, after: page.next })
        }
        expect(found).toEqual(expected.filter((hash) => !secret.has(hash)))
        expect(leftOut.toSorted()).toEqual([...secret].toSorted())
        const skipped = await search({}, { ...options, screen, offset: 20 })
        expect(hashes(skipped)).toEqual(found.slice(20, 27))
      })

      test('a picture as query has no relevance, and needs a minimum score by date', async () => {
        const picture = { ...query, isText: false }
        await expect(
          searchPictures(context, picture, { orderBy: 'takenAt' }),
        ).rejects.toMatchObject({ code: 'bad_input' })
        const some = await searchPictures(context, picture, { orderBy: 'takenAt', minScore: 0.5 })
        expect(some.hits.length).toBeGreaterThan(0)
      })

      test('a picture whose path went meanwhile is left out', async () => {
        const hash = ranked(all)[0]!
        const path = (await findPictures(store.db, [hash])).get(hash)!.paths[0]!
        await markMissing(store.db, [path], true)
        expect(hashes(await search({ format: 'png' }, { limit: 5 }))).toEqual(
          ranked(all).slice(1, 6),
        )
      })
    })
  }
})
