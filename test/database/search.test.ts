// Searching through the library's entry, with the built-in model and real files.
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { normalize } from '../../src/core/vector.ts'
import type { Lucida, SearchAnswer, SearchTerm } from '../../src/lucida.ts'
import { findModel } from '../../src/models/registry.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { hnswAvailable } from '../../src/search/hnsw-index.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { makeBrokenPicture, noise } from '../helpers/noise-pictures.ts'
import { indexAll, openAt, writeDrawings } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'
import { shownVectors, vectorOf } from '../helpers/shared-store.ts'

const withoutHnsw = !(await hnswAvailable())
const EVERYTHING = { limit: 1000 }

/** Names of the pictures found, best first. */
function names({ results }: SearchAnswer): string[] {
  return results.map(({ path }) => basename(path, '.png'))
}

function scores({ results }: SearchAnswer): number[] {
  return results.map(({ score }) => score)
}

/** The same picture under another content hash. */
function withTrailer(picture: Uint8Array): Buffer {
  return Buffer.concat([picture, Buffer.from('nothing that a decoder reads')])
}

/** A copy of the built-in model that looks at pictures with another mean; returns its folder. */
async function copyModel(parent: string): Promise<string> {
  const { directory, files } = await findModel('lucida-clip-1')
  const copy = join(parent, 'model')
  await mkdir(join(copy, 'onnx'), { recursive: true })
  for (const name of Object.keys(files)) await symlink(join(directory, name), join(copy, name))
  const edit = async (name: string, change: (text: string) => string) => {
    const text = change(await readFile(join(directory, name), 'utf8'))
    await rm(join(copy, name), { force: true })
    await writeFile(join(copy, name), text)
    return { sizeBytes: Buffer.byteLength(text), sha256: sha256(text) }
  }
  const name = 'preprocessor_config.json'
  const changed = await edit(name, (text) => text.replace(/("image_mean": \[\s*)[\d.]+/, '$10.3'))
  await edit('manifest.json', (text) => {
    const manifest = JSON.parse(text)
    return JSON.stringify({ ...manifest, files: { ...manifest.files, [name]: changed } })
  })
  return copy
}

describeDatabase('search', (newPlace, engine) => {
  describe('in a dozen pictures', () => {
    let place: TestPlace
    let folder: TestFolder
    let lucida: Lucida
    let drawings: string[]
    const file = (name: string) => ({ path: folder.at(`${name}.png`) })
    const idOf = async (name: string) => sha256(await readFile(file(name).path))

    beforeAll(async () => {
      place = await newPlace()
      folder = await newFolder()
      drawings = await writeDrawings(folder)
      await cp(file('red').path, folder.at('copies.png'))
      await cp(file('red').path, folder.at('a/first.png'), { recursive: true })
      await folder.write('broken.jpg', await makeBrokenPicture(1))
      lucida = await openAt(place)
      await indexAll(lucida, [folder.path])
    })
    afterAll(async () => {
      await lucida?.close()
      await folder[Symbol.asyncDispose]()
      await place[Symbol.asyncDispose]()
    })

    test('a search ranks every picture, best first, by cosine', async () => {
      const answer = await lucida.search([{ text: 'a red circle' }], EVERYTHING)
      expect(answer).toMatchObject({ model: 'lucida-clip-1', searched: drawings.length })
      expect(answer.results).toHaveLength(drawings.length)
      expect(scores(answer)).toEqual(scores(answer).sort((a, b) => b - a))
      for (const score of scores(answer)) expect(Math.abs(score)).toBeLessThanOrEqual(1)
      for (const { id, path } of answer.results) expect(id).toBe(sha256(await readFile(path)))
      expect(answer.results[0]).toMatchObject({ width: 96, height: 96, takenAt: null })
    })

    test('no score passes 1, not even that of a picture with itself', async () => {
      for (const name of drawings) {
        const { results } = await lucida.search([{ id: await idOf(name) }], { limit: 1 })
        expect(results[0]!.id).toBe(await idOf(name))
        expect(results[0]!.score).toBeCloseTo(1, 5)
        expect(results[0]!.score).toBeLessThanOrEqual(1)
      }
    })

    test('a limit keeps the best, ten when none is given', async () => {
      const all = await lucida.search([{ text: 'stripes' }], EVERYTHING)
      const three = await lucida.search([{ text: 'stripes' }], { limit: 3 })
      expect(three.results).toEqual(all.results.slice(0, 3))
      expect((await lucida.search([{ text: 'stripes' }])).results).toEqual(all.results.slice(0, 10))
    })

    test('a minimum score leaves out what is below it', async () => {
      const all = await lucida.search([{ text: 'a beach' }], EVERYTHING)
      const minScore = scores(all)[4]!
      const some = await lucida.search([{ text: 'a beach' }], { ...EVERYTHING, minScore })
      expect(some.results).toEqual(all.results.filter(({ score }) => score >= minScore))
      expect(some.results.length).toBeLessThan(all.results.length)
    })

    test('a negative term takes pictures like it down', async () => {
      const plain = await lucida.search([{ text: 'a white wall' }], EVERYTHING)
      const [best] = plain.results
      const terms = [{ text: 'a white wall' }, { id: best!.id, weight: -1 }]
      const without = await lucida.search(terms, EVERYTHING)
      expect(names(without)).not.toEqual(names(plain))
      expect(without.results.at(-1)!.id).toBe(best!.id)
    })

    test('weights decide which term prevails', async () => {
      const terms = (red: number, blue: number): SearchTerm[] => [
        { ...file('red'), weight: red },
        { ...file('blue'), weight: blue },
      ]
      expect((await lucida.search(terms(5, 1))).results[0]!.id).toBe(await idOf('red'))
      expect((await lucida.search(terms(1, 5))).results[0]!.id).toBe(await idOf('blue'))
    })

    test('only the ratio of weights matters', async () => {
      const search = (a: number, b: number) =>
        lucida.search(
          [
            { text: 'a ball', weight: a },
            { ...file('ring'), weight: b },
          ],
          EVERYTHING,
        )
      const [one, ten] = [await search(1, -0.5), await search(10, -5)]
      expect(names(ten)).toEqual(names(one))
      for (const [i, score] of scores(one).entries()) expect(scores(ten)[i]).toBeCloseTo(score, 5)
    })

    test('a text and a picture make one query', async () => {
      const both = await lucida.search([{ text: 'a forest' }, file('disc')], EVERYTHING)
      expect(both.results).toHaveLength(drawings.length)
      expect(names(both)).not.toEqual(names(await lucida.search([file('disc')], EVERYTHING)))
    })

    test('a picture is the same query by id, by file and by vector', async () => {
      const id = await idOf('triangle')
      const database = engine === 'postgres' ? await place.open() : undefined
      const space = { model: lucida.model.name, recipe: lucida.model.recipe }
      const byId = await lucida.search([{ id }], EVERYTHING)
      expect((await lucida.search([file('triangle')], EVERYTHING)).results).toEqual(byId.results)
      if (!database) return
      const vector = (await shownVectors(database.db, space)).get(file('triangle').path)!
      await database.close()
      expect((await lucida.search([{ vector }], EVERYTHING)).results).toEqual(byId.results)
    })

    test('cursors lead through all results once, and belong to their search', async () => {
      const terms = [{ text: 'a red ball' }, { path: file('disc').path, weight: 0.5 }]
      const how = { limit: 5, filter: { format: 'png', folder: folder.path } }
      const all = await lucida.search(terms, EVERYTHING)
      expect(all.nextCursor).toBeNull()
      const first = await lucida.search(terms, how)
      const second = await lucida.search(terms, { ...how, cursor: first.nextCursor! })
      const third = await lucida.search(terms, { ...how, cursor: second.nextCursor! })
      expect([first, second, third].flatMap(({ results }) => results)).toEqual(all.results)
      expect(third).toMatchObject({ nextCursor: null, matching: drawings.length })
      expect((await lucida.search(terms, { ...how, offset: 5 })).results).toEqual(second.results)

      const cursor = first.nextCursor!
      const wrong = await Promise.allSettled([
        lucida.search([{ text: 'a red ball' }], { ...how, cursor }),
        lucida.search(terms, { limit: 5, cursor }),
        lucida.search(terms, { ...how, orderBy: 'takenAt', minScore: 0, cursor }),
        lucida.search(terms, { ...how, cursor, offset: 5 }),
        lucida.search(terms, { ...how, offset: -1 }),
        lucida.search(terms, { ...how, orderBy: 'size' as 'score' }),
        lucida.list({ cursor }),
      ])
      for (const { status, ...rest } of wrong) {
        expect(status).toBe('rejected')
        expect(rest).toMatchObject({ reason: { code: 'bad_input' } })
      }
    })

    test('a listing needs no query, and has the pages of a search', async () => {
      const filter = { root: folder.path, orientation: 'square' as const }
      const first = await lucida.list({ filter, limit: 7 })
      const second = await lucida.list({ filter, limit: 7, cursor: first.nextCursor! })
      const found = [...first.results, ...second.results]
      expect(first).toMatchObject({ matching: drawings.length })
      expect(second.nextCursor).toBeNull()
      expect(found.map(({ path }) => basename(path, '.png')).sort()).toEqual(
        names(await lucida.search([file('red')], EVERYTHING)).sort(),
      )
      expect((await lucida.list({ filter: { after: '1990' } })).results).toEqual([])
      expect(await lucida.facets(filter)).toMatchObject({
        pictures: drawings.length,
        folder: [{ value: folder.at('a'), count: 1 }],
      })
    })

    test('a result is named by its path in the folder that was asked for', async () => {
      const filter = { folder: folder.at('a') }
      const { results } = await lucida.search([file('blue')], { filter })
      expect(results.map(({ path }) => path)).toEqual([folder.at('a/first.png')])
      expect(results[0]!.paths).toHaveLength(3)
    })

    test('a root that is none is refused', async () => {
      const search = lucida.list({ filter: { root: folder.at('a') } })
      await expect(search).rejects.toMatchObject({ code: 'not_found' })
    })

    test('relevance is in [0, 1] for texts, and null as soon as a picture is in the query', async () => {
      const text = await lucida.search([{ text: 'stripes' }, { text: 'red', weight: -1 }])
      for (const { relevance } of text.results) {
        expect(relevance).toBeGreaterThanOrEqual(0)
        expect(relevance).toBeLessThanOrEqual(1)
      }
      const picture = await lucida.search([{ text: 'stripes' }, file('stripes')])
      expect(new Set(picture.results.map(({ relevance }) => relevance))).toEqual(new Set([null]))
    })

    test('many searches at once get the answers that each gets alone', async () => {
      const texts = ['a dog', 'a red ball', 'the sea', 'night', 'a zebra', 'snow']
      const search = (text: string) => lucida.search([{ text }], EVERYTHING)
      const together = await Promise.all(texts.map(search))
      for (const [i, text] of texts.entries()) {
        const alone = await search(text)
        expect(names(together[i]!)).toEqual(names(alone))
        for (const [j, score] of scores(alone).entries())
          expect(scores(together[i]!)[j]).toBeCloseTo(score, 5)
      }
    })

    test('duplicates are one result that names every place, in byte order', async () => {
      const { results } = await lucida.search([file('red')], EVERYTHING)
      expect(results.filter(({ id }) => id === results[0]!.id)).toHaveLength(1)
      expect(results[0]).toMatchObject({
        path: folder.at('a/first.png'),
        paths: ['a/first.png', 'copies.png', 'red.png'].map((name) => folder.at(name)),
      })
    })

    test('similar pictures are the others, without copies of the query', async () => {
      const id = await idOf('red')
      const others = (await lucida.search([{ id }], EVERYTHING)).results.slice(1)
      for (const term of [{ id }, file('red'), { path: folder.at('copies.png') }]) {
        expect((await lucida.similar(term, EVERYTHING)).results).toEqual(others)
      }
      expect((await lucida.similar({ id }, { limit: 3 })).results).toEqual(others.slice(0, 3))
    })

    test('pictures similar to one that is not indexed are all of them', async () => {
      await using elsewhere = await newFolder()
      await elsewhere.write('x.png', await readFile(file('disc').path).then(withTrailer))
      const answer = await lucida.similar({ path: elsewhere.at('x.png') }, EVERYTHING)
      expect(answer.results).toHaveLength(drawings.length)
      expect(answer.results[0]!.id).toBe(await idOf('disc'))
    })

    const unusable: readonly [string, () => readonly SearchTerm[], string][] = [
      ['no term', () => [], 'bad_input'],
      ['an empty text', () => [{ text: ' ' }], 'bad_input'],
      ['a weight of 0', () => [{ text: 'a dog', weight: 0 }], 'bad_input'],
      ['a weight that is no number', () => [{ text: 'a dog', weight: Number.NaN }], 'bad_input'],
      ['a huge weight', () => [{ text: 'a dog', weight: 101 }], 'bad_input'],
      ['texts that cancel out', () => [{ text: 'x' }, { text: 'x', weight: -1 }], 'bad_input'],
      [
        'pictures that cancel out',
        () => [file('red'), { ...file('red'), weight: -1 }],
        'bad_input',
      ],
      ['an unknown id', () => [{ id: sha256('nobody') }], 'not_found'],
      ['an id that is none', () => [{ id: 'red.png' }], 'not_found'],
      ['a missing file', () => [file('nobody')], 'not_found'],
      ['a broken picture', () => [{ path: folder.at('broken.jpg') }], 'corrupt_image'],
      ['a vector of another length', () => [{ vector: vectorOf('x') }], 'dimension_mismatch'],
    ]
    test.each(unusable)('%s is refused', async (_, terms, code) => {
      await expect(lucida.search(terms())).rejects.toMatchObject({ code })
    })

    test.each([0, -1, 1.5, 1001, Number.NaN])('a limit of %d is refused', async (limit) => {
      const search = lucida.search([{ text: 'a dog' }], { limit })
      await expect(search).rejects.toMatchObject({ code: 'bad_input' })
    })

    test.each([-1.1, 1.1, Number.NaN])('a minimum score of %d is refused', async (minScore) => {
      const search = lucida.search([{ text: 'a dog' }], { minScore })
      await expect(search).rejects.toMatchObject({ code: 'bad_input' })
    })

    test('single labels share 1 among them, multiple ones are each in [0, 1]', async () => {
      const labels = ['circle', 'square', 'triangle', 'beach']
      const files = [file('disc').path, file('horizon').path]
      for (const mode of ['single', 'multi'] as const) {
        let count = 0
        for await (const result of lucida.classify(files, { labels, mode })) {
          expect(result).toMatchObject({ path: files[count++], mode })
          const values = result.labels.map(({ score }) => score)
          expect(result.labels.map(({ label }) => label).sort()).toEqual([...labels].sort())
          expect(values).toEqual(values.toSorted((a, b) => b - a))
          for (const value of values) expect(value >= 0 && value <= 1).toBe(true)
          if (mode === 'single') expect(values.reduce((a, b) => a + b)).toBeCloseTo(1, 6)
        }
        expect(count).toBe(2)
      }
    })

    test.each([
      ['no labels', { labels: [] }],
      ['an empty label', { labels: ['cat', ' '] }],
      ['a repeated label', { labels: ['cat', 'cat'] }],
      ['a template without a place', { labels: ['cat'], templates: ['a photo'] }],
    ])('classifying with %s is refused', async (_, options) => {
      const first = lucida.classify([file('red').path], options).next()
      await expect(first).rejects.toMatchObject({ code: 'bad_input' })
    })

    test('the status counts pictures once, and failures beside them', async () => {
      expect(await lucida.status()).toMatchObject({
        dataDir: place.dataDir,
        database: engine,
        model: 'lucida-clip-1',
        index: 'exact',
        searchable: drawings.length,
        roots: [{ path: folder.path, pictures: drawings.length, missing: 0, failures: 1 }],
      })
    })

    test('failures say what is wrong with which file', async () => {
      expect(await lucida.failures()).toEqual([
        {
          path: folder.at('broken.jpg'),
          code: 'corrupt_image',
          reason: expect.stringMatching(/damaged/),
        },
      ])
    })

    test('a folder that is not indexed cannot be removed', async () => {
      const removing = lucida.remove(dirname(folder.path))
      await expect(removing).rejects.toMatchObject({ code: 'not_found' })
    })

    if (engine === 'postgres')
      test('a second reader of the database finds the same', async () => {
        await using dataDir = await newFolder()
        const second = await openAt({ ...place, dataDir: dataDir.path })
        const mine = await lucida.search([{ text: 'a triangle' }], EVERYTHING)
        const theirs = await second.search([{ text: 'a triangle' }], EVERYTHING)
        expect(theirs.results).toEqual(mine.results)
        await second.close()
      })
  })

  describe('over time', () => {
    test('an empty store answers with nothing, and refused patterns leave it empty', async () => {
      await using place = await newPlace()
      await using folder = await newFolder()
      const lucida = await openAt(place)
      const answer = await lucida.search([{ text: 'a dog' }])
      expect(answer).toMatchObject({ searched: 0, results: [] })
      await expect(indexAll(lucida, [])).rejects.toMatchObject({ code: 'bad_input' })

      const refused = indexAll(lucida, [folder.path], { exclude: ['*.gif', '/'] })
      await expect(refused).rejects.toMatchObject({ code: 'bad_input' })
      expect((await lucida.status()).roots).toEqual([])
      expect(await indexAll(lucida, [folder.path])).toMatchObject({ seen: 0 })
      await lucida.close()
    })

    test('results follow the files: gone, changed, new, removed with their folder', async () => {
      await using place = await newPlace()
      await using folder = await newFolder()
      const drawings = await writeDrawings(folder)
      const lucida = await openAt(place)
      await indexAll(lucida, [folder.path])
      const search = () => lucida.search([{ path: folder.at('square.png') }], EVERYTHING)
      expect(names(await search()).sort()).toEqual([...drawings].sort())

      const id = sha256(await readFile(folder.at('ring.png')))
      await folder.remove('ring.png')
      // Until the next run nobody knows, and its vector is in the store.
      expect((await lucida.similar({ id }, EVERYTHING)).results).toHaveLength(11)
      await folder.move('disc.png', 'sub/round.png')
      await folder.write('red.png', await readFile(folder.at('blue.png')))
      await indexAll(lucida, [folder.path])
      const found = names(await search())
      expect(found).toHaveLength(10)
      expect(found).toContain('round')
      expect(found).not.toContain('ring')
      expect((await lucida.search([{ path: folder.at('red.png') }])).results[0]!.paths).toEqual([
        folder.at('blue.png'),
        folder.at('red.png'),
      ])

      // 11 paths that are there and 2 that are gone.
      expect(await lucida.remove(folder.path)).toBe(13)
      expect(await search()).toMatchObject({ searched: 0, results: [] })
      expect((await lucida.status()).roots).toEqual([])
      expect(await lucida.failures()).toEqual([])
      await expect(lucida.search([{ id }])).rejects.toMatchObject({ code: 'not_found' })
      await lucida.close()
    })

    test('another recipe embeds everything again and never mixes vectors', async () => {
      await using place = await newPlace()
      await using folder = await newFolder()
      await using models = await newFolder()
      await writeDrawings(folder)
      const model = await copyModel(models.path)
      const search = (lucida: Lucida) =>
        lucida.search([{ path: folder.at('disc.png') }], EVERYTHING)

      const old = await openAt(place)
      await indexAll(old, [folder.path])
      const before = await search(old)
      await old.close()

      const changed = await openAt(place, { model })
      expect(changed.model.recipe).not.toBe(old.model.recipe)
      expect(await search(changed)).toMatchObject({ searched: 0, results: [] })
      expect(await indexAll(changed, [folder.path])).toMatchObject({ embedded: 12, unchanged: 0 })
      const after = await search(changed)
      expect(after.results).toHaveLength(12)
      expect(scores(after)).not.toEqual(scores(before))
      // A picture that is encoded now has the direction of its stored vector.
      const path = folder.at('triangle.png')
      const bytes = withTrailer(await readFile(path))
      const twin = await changed.search([{ picture: bytes }], { limit: 1 })
      expect(twin.results[0]).toMatchObject({ path, score: expect.closeTo(1, 5) })
      await changed.close()

      const back = await openAt(place)
      expect(await search(back)).toMatchObject({ searched: 0, results: [] })
      expect(await indexAll(back, [folder.path])).toMatchObject({ embedded: 12 })
      expect((await search(back)).results).toEqual(before.results)
      await back.close()
    })
  })

  describe('the saved index', () => {
    let place: TestPlace
    let folder: TestFolder
    let before: SearchAnswer
    /** Where the index of this store and model lies. */
    let indexes: string
    let storeId: string
    const terms = () => [{ path: folder.at('triangle.png') }]
    const headerOf = () => readFile(join(indexes, 'header.json'), 'utf8')

    beforeAll(async () => {
      place = await newPlace()
      folder = await newFolder()
      await writeDrawings(folder)
      const lucida = await openAt(place)
      await indexAll(lucida, [folder.path])
      before = await lucida.search(terms(), EVERYTHING)
      await lucida.close()
      const stores = await readdir(join(place.dataDir, 'indexes'))
      storeId = stores.find((name) => !name.endsWith('.json'))!
      const { name, recipe } = lucida.model
      indexes = join(place.dataDir, 'indexes', storeId, `${name}-${recipe}`, 'exact')
    })
    afterAll(async () => {
      await folder[Symbol.asyncDispose]()
      await place[Symbol.asyncDispose]()
    })

    /** Searches once in a Lucida of its own. */
    async function searchAnew(vectorIndex: 'exact' | 'hnsw' = 'exact'): Promise<SearchAnswer> {
      const lucida = await openAt(place, { vectorIndex })
      const answer = await lucida.search(terms(), EVERYTHING)
      await lucida.close()
      return answer
    }

    test('is used again as it is', async () => {
      const header = await headerOf()
      expect((await searchAnew()).results).toEqual(before.results)
      expect(await headerOf()).toBe(header)
    })

    test('is what a later search reads from', async () => {
      const identity = await identityOf(storeId)
      const index = await openExactIndex({ identity, directory: indexes })
      expect(index.size).toBe(12)
      await index.close()
    })

    const damages: readonly [string, () => Promise<unknown>][] = [
      ['deleted', () => rm(join(place.dataDir, 'indexes'), { recursive: true })],
      ['of another database', () => saveIndex('another', 1)],
      ['ahead of the store', () => saveIndex(storeId, 1_000_000)],
      ['damaged', damage],
    ]
    test.each(damages)('is built anew when it is %s', async (_, harm) => {
      await harm()
      const harmed = await headerOf().catch(() => null)
      expect((await searchAnew()).results).toEqual(before.results)
      expect(await headerOf()).not.toBe(harmed)
      expect(JSON.parse(await headerOf())).toMatchObject({ count: 12, identity: { storeId } })
    })

    test.skipIf(withoutHnsw)(
      `finds the same as a graph${withoutHnsw ? ' (skipped: hnswlib-node is not installed or does not load)' : ''}`,
      async () => {
        const first = await searchAnew('hnsw')
        const again = await searchAnew('hnsw')
        for (const graph of [first, again]) {
          expect(names(graph)).toEqual(names(before))
          for (const [i, score] of scores(before).entries())
            expect(scores(graph)[i]).toBeCloseTo(score, 5)
        }
      },
    )

    test('that cannot be written keeps neither a search nor the database from ending', async () => {
      const directory = join(place.dataDir, 'indexes')
      await rm(directory, { recursive: true })
      await writeFile(directory, 'in the way')
      const lucida = await openAt(place)
      expect((await lucida.search(terms(), EVERYTHING)).results).toEqual(before.results)
      const error = await lucida.close().catch((error: unknown) => error)
      if (error) expect.soft(error).toMatchObject({ code: 'internal' })
      const database = await place.open()
      await database.close()
    })

    /** Replaces the index by a useless one, which its own checks accept. */
    async function saveIndex(ofStore: string, sequence: number): Promise<void> {
      await rm(indexes, { recursive: true })
      const identity = await identityOf(ofStore)
      const index = await openExactIndex({ identity, directory: indexes })
      const vector = normalize([...noise('nobody', identity.dimension)])
      await index.apply([{ content: sha256('nobody'), vector }], sequence)
      await index.save()
      await index.close()
    }

    async function identityOf(ofStore: string) {
      const { name, recipe, dimension } = await findModel('lucida-clip-1')
      return { storeId: ofStore, model: name, recipe, dimension }
    }

    /** Flips a bit in the middle of the vectors. */
    async function damage(): Promise<void> {
      const name = (await readdir(indexes)).find((name) => name.startsWith('vectors-'))!
      const bytes = await readFile(join(indexes, name))
      bytes[bytes.length >> 1]! ^= 1
      await writeFile(join(indexes, name), bytes)
    }
  })
})
