// Concepts that people teach: in the shell, over HTTP and beside a server; as a term, a filter and a
// label; and fitted anew when they were of another model.
import { eq } from 'drizzle-orm'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { createApi } from '../../src/api/app.ts'
import type { Concept } from '../../src/api/concept-contract.ts'
import type { ClassifyResponse, Image, SearchResponse } from '../../src/api/contract.ts'
import { startServer } from '../../src/api/server.ts'
import { dot, normalize } from '../../src/core/vector.ts'
import { demoScenes } from '../../src/demo/scenes.ts'
import type { Lucida } from '../../src/lucida.ts'
import { concepts } from '../../src/store/schema.ts'
import { openTestApi } from '../helpers/api.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase } from '../helpers/database.ts'
import { indexAll, openAt } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'

const CARS = ['red-car', 'blue-car', 'yellow-taxi', 'red-car-by-the-sea', 'red-car-in-snow']
const OTHERS = ['beach', 'forest', 'horse', 'cat', 'clock', 'guitar', 'lighthouse', 'rainbow']
const TAUGHT = CARS.slice(0, 3)

async function writeScenes(folder: TestFolder): Promise<void> {
  for (const name of [...CARS, ...OTHERS]) await folder.write(`${name}.png`, await scene(name))
}

const scene = (name: string) =>
  sharp(Buffer.from(demoScenes.get(name)!()))
    .flatten()
    .resize(240, 160, { fit: 'fill' })
    .png()
    .toBuffer()

describeDatabase('a concept', (newPlace) => {
  test('that several teach at once keeps what each of them says', async () => {
    await using place = await newPlace()
    await using api = await openTestApi(place, { empty: true })
    await writeScenes(api.folder)
    await indexAll(api.lucida, [api.folder.path])
    const { items } = await api.json<SearchResponse>('/v1/search?limit=4')
    const ids = items.map(({ image }) => image.id)
    const teach = (id: string) => api.json('/v1/concepts', { json: { name: 'it', like: [{ id }] } })
    await Promise.all(ids.map(teach))
    const taught = await api.json<Concept>('/v1/concepts/it')
    expect(taught.like.toSorted()).toEqual(ids.toSorted())
  })

  test('is taught over HTTP, searched for, filtered by, a label, and forgotten', async () => {
    await using place = await newPlace()
    await using api = await openTestApi(place, { empty: true })
    await writeScenes(api.folder)
    await indexAll(api.lucida, [api.folder.path])
    const listed = await api.json<SearchResponse>('/v1/search?limit=100')
    const images = new Map<string, Image>(
      listed.items.map(({ image }) => [image.path.replace(/^.*[/\\]|\.png$/g, ''), image]),
    )
    const id = (name: string) => images.get(name)!.id
    const names = ({ items }: SearchResponse) =>
      items.map(({ image }) => [...images].find(([, one]) => one.id === image.id)![0])

    const one = { json: { name: 'my car', like: [{ id: id('red-car') }] } }
    expect(await api.json<Concept>('/v1/concepts', one)).toMatchObject({
      like: [id('red-car')],
      quality: null,
    })
    // More are added; one of them is not indexed.
    const turned = await sharp(await scene('yellow-taxi'))
      .flop()
      .png()
      .toBuffer()
    const more = {
      name: 'my car',
      like: [{ id: id('blue-car') }, { image: turned.toString('base64') }],
      unlike: [{ id: id('guitar') }],
    }
    const taught = await api.json<Concept>('/v1/concepts', { json: more })
    expect(taught.like).toHaveLength(3)
    expect(taught.unlike).toEqual([id('guitar')])
    expect(taught.quality!.auc).toBeGreaterThan(0.5)
    expect(await api.json('/v1/concepts')).toEqual({ items: [taught] })
    expect(await api.json('/v1/concepts/my%20car')).toEqual(taught)

    const terms = [{ concept: 'my car' }]
    const found = await api.json<SearchResponse>('/v1/search', { json: { terms } })
    expect(names(found).slice(0, CARS.length).toSorted()).toEqual(CARS.toSorted())
    const query = await api.json<SearchResponse>('/v1/search?text=concept:my+car')
    expect(names(query)).toEqual(names(found))
    const minus = { terms: [...terms, { id: id('red-car'), weight: -1 }] }
    expect(names(await api.json('/v1/search', { json: minus }))[0]).not.toBe('red-car')

    const filtered = async (atLeast: number) =>
      names(
        await api.json<SearchResponse>('/v1/search', {
          json: { filter: { concept: { name: 'my car', atLeast } } },
        }),
      )
    const some = await filtered(0.01)
    expect(some).toContain('red-car')
    expect(some.length).toBeLessThan(CARS.length + OTHERS.length)
    expect(await filtered(0)).toHaveLength(CARS.length + OTHERS.length)
    expect(await filtered(1)).toEqual([])
    const { pictures } = await api.json<{ pictures: number }>('/v1/facets?concept=my+car:0.01')
    expect(pictures).toBe(some.length)

    for (const multiLabel of [false, true]) {
      const labels = ['concept:my car', 'a horse']
      const asked = { images: [{ id: id('red-car') }, { id: id('horse') }], labels, multiLabel }
      const [car, horse] = await api.json<ClassifyResponse>('/v1/classify', { json: asked })
      const score = (scores: ClassifyResponse[number]) =>
        scores.find(({ label }) => label === 'concept:my car')!.score
      expect(score(car!)).toBeGreaterThan(score(horse!))
    }

    expect((await api.ask('/v1/concepts/my%20car', { method: 'DELETE' })).status).toBe(204)
    expect((await api.ask('/v1/search', { json: { terms } })).status).toBe(404)
    const gone = { filter: { concept: { name: 'my car' } } }
    expect((await api.ask('/v1/search', { json: gone })).status).toBe(404)
    const text = { json: { name: 'words', like: [] } }
    expect((await api.ask('/v1/concepts', text)).status).toBe(400)
    expect(api.errors).toEqual([])
  })

  test('of another model is fitted anew from its examples', async () => {
    await using place = await newPlace()
    await using folder = await newFolder()
    await writeScenes(folder)
    const open = async <T>(work: (lucida: Lucida) => Promise<T>): Promise<T> => {
      const lucida = await openAt(place)
      try {
        return await work(lucida)
      } finally {
        await lucida.close()
      }
    }
    const before = await open(async (lucida) => {
      await indexAll(lucida, [folder.path])
      const like = TAUGHT.map((name) => ({ path: folder.at(`${name}.png`) }))
      const foreign = await scene('sailing-boat')
      await lucida.concepts.teach('car', { like, unlike: [{ picture: foreign }], text: 'a car' })
      return lucida.concepts.head('car')
    })
    const database = await place.open()
    const wrong = { recipe: 'other', weights: Float32Array.of(1), bias: 0 }
    await database.db.update(concepts).set(wrong).where(eq(concepts.name, 'car'))
    await database.close()
    const after = await open(async (lucida) => {
      await lucida.search([{ concept: 'car' }])
      return lucida.concepts.head('car')
    })
    // The copy that is kept of what is not indexed differs by its compression.
    expect(after.bias).toBeCloseTo(before.bias, 0)
    expect(after.weights).toHaveLength(before.weights.length)
    const direction = (head: typeof before) => normalize(head.weights)
    expect(dot(direction(before), direction(after))).toBeGreaterThan(0.99)
  })

  test('is taught in the shell; a server beside it changes nothing', async () => {
    await using place = await newPlace()
    await using folder = await newFolder()
    await writeScenes(folder)
    const run = async (...args: readonly string[]) => {
      const result = await runCaptured([...args, '--data-dir', place.dataDir], {
        cwd: folder.path,
        env: place.databaseUrl ? { LUCIDA_DATABASE_URL: place.databaseUrl } : {},
      })
      const out = result.out.replaceAll(/"(tookMs|createdAt|taughtAt)":("[^"]*"|\d+)/g, '"$1":0')
      return { ...result, out }
    }
    await run('index', folder.path)
    const files = TAUGHT.map((name) => `${name}.png`)
    const teach = ['teach', 'car', '--like', ...files, '--unlike', 'horse.png']
    const taught = await run(...teach, '--text', 'a car')
    expect(taught.code).toBe(0)
    expect(taught.out).toMatch(
      /^concept:car {2}3 like, 1 unlike, “a car”; left out one by one: average precision/,
    )
    expect((await run('concepts')).out).toBe(taught.out)
    expect((await run('teach', 'a:b', '--like', 'cat.png')).err).toContain('letters, digits')

    const all = [
      ['concepts', '--json'],
      ['concepts', 'show', 'car', '--json'],
      ['search', 'concept:car', '--files', '-k', '5'],
      ['search', 'concept:car', '+', '0.5:red', '--json'],
      ['search', '--concept', 'car:0.01', '--order', 'date', '--json'],
      ['facets', '--concept', 'car:0.01', '--json'],
      ['classify', 'cat.png', '--labels', 'concept:car,a cat', '--json'],
    ]
    const alone = []
    for (const args of all) alone.push((await run(...args)).out)
    const found = alone[2]!.trimEnd().split('\n')
    expect(found.toSorted()).toEqual(CARS.map((name) => folder.at(`${name}.png`)).toSorted())

    if (!place.databaseUrl) {
      const lucida = await openAt(place)
      const api = createApi(lucida)
      const options = { host: '127.0.0.1', port: 0, ownDirectory: place.dataDir }
      const server = await startServer(api, options)
      try {
        for (const [i, args] of all.entries()) expect((await run(...args)).out).toBe(alone[i])
        expect((await run(...teach, '--anew', '--text', 'a car')).out).toBe(taught.out)
      } finally {
        await server.close()
        await lucida.close()
      }
    }
    expect((await run('concepts', 'forget', 'car')).code).toBe(0)
    expect((await run('search', 'concept:car')).err).toContain('There is no concept car')
  })
})
