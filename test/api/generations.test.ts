// Drawing over HTTP, with a painter that does what the test says.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Generation } from '../../src/api/generation-contract.ts'
import type { SearchResponse } from '../../src/api/contract.ts'
import { createClient, type GenerationNews } from '../../src/client/client.ts'
import { sha256 } from '../../src/core/hash.ts'
import { fromXmp } from '../../src/generate/provenance.ts'
import { encodePicture } from '../../src/pictures/encode-picture.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { FAR_AWAY, openTestApi, type TestApi } from '../helpers/api.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { useFakePainter } from '../helpers/fake-painter.ts'
import { drawPicture, makeBrokenPicture } from '../helpers/noise-pictures.ts'
import { indexAll } from '../helpers/open-lucida.ts'
import { noisePicture } from '../helpers/toy-pipelines.ts'
import { until } from '../helpers/until.ts'

const painter = useFakePainter()
const TEXT = { text: 'a dog on the beach' }

describeDatabase('drawing over HTTP', (newPlace) => {
  let place: TestPlace
  let api: TestApi

  beforeAll(async () => {
    place = await newPlace()
    api = await openTestApi(place)
  })
  afterEach(() => painter.reset())
  afterAll(async () => {
    expect(api.errors).toEqual([])
    await api[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  const idOf = (name: string) => api.images.get(name)!.id
  const client = () =>
    createClient({
      baseUrl: 'http://localhost',
      fetch: async (url, init) => api.api.fetch(new Request(url, init)),
    })

  /** Orders something, and how it stands in the end. */
  async function drawn(json: unknown): Promise<Generation> {
    const { generation } = await api.json<{ generation: Generation }>('/v1/generations', { json })
    for await (const news of client().followGeneration(generation.id)) void news
    return find(generation.id)
  }
  async function find(id: string): Promise<Generation> {
    return (await api.json<{ generation: Generation }>(`/v1/generations/${id}`)).generation
  }
  async function refused(json: unknown) {
    const answer = await api.ask('/v1/generations', { json })
    const { error } = (await answer.json()) as { error: { code: string; message: string } }
    return { status: answer.status, ...error }
  }
  const keptFiles = () => readdir(join(place.dataDir, 'drawn')).catch(() => [])

  describe('an order', () => {
    test('is drawn, judged, and shown with its marks', async () => {
      const generation = await drawn({ ...TEXT, candidates: 3, seed: 5 })
      expect(generation).toMatchObject({
        status: 'done',
        request: { idea: TEXT, candidates: 3, seed: 5, steps: 4, guidance: 2, keep: 'none' },
        progress: null,
        picture: null,
        offered: null,
        error: null,
      })
      expect(generation.tries).toHaveLength(1)
      expect(new Set(generation.candidates.map(({ seed }) => seed))).toEqual(new Set([5, 6, 7]))
      const ranks = generation.candidates.map(({ passes, score }) => Number(passes) * 10 + score)
      expect(ranks).toEqual(ranks.toSorted((a, b) => b - a))
      for (const { url, seed, nearest, relevance } of generation.candidates) {
        const answer = await api.ask(url!)
        expect(answer.headers.get('content-type')).toBe('image/png')
        const picture = await openPicture(new Uint8Array(await answer.arrayBuffer()))
        expect(fromXmp(picture.xmp)).toMatchObject({ idea: TEXT, seed })
        expect(nearest).not.toBeNull()
        expect(relevance).not.toBeNull()
      }
      expect(await keptFiles()).toEqual([])
    })

    test('that is given twice at the same moment is drawn once', async () => {
      const gate = painter.hold()
      const json = { ...TEXT, candidates: 1, seed: 77 }
      const orders = await Promise.all(
        [1, 2, 3].map(() => api.json<{ generation: Generation }>('/v1/generations', { json })),
      )
      gate.open()
      expect(new Set(orders.map(({ generation }) => generation.id)).size).toBe(1)
      await drawn(json)
    })

    test('of each kind is understood as it is written', async () => {
      const [red, disc] = [idOf('red'), idOf('disc')]
      const image = (await drawPicture('#00ff00')).toString('base64')
      const ideas: [order: Record<string, unknown>, idea: unknown][] = [
        [{ terms: [{ id: red }] }, { mix: [{ picture: red }] }],
        [
          { terms: [{ id: red }, { image, weight: 2 }, { text: 'night', weight: -0.5 }] },
          { mix: [{ picture: red }, { weight: 2 }, { text: 'night', weight: -0.5 }] },
        ],
        [
          { between: [{ id: red }, { text: 'the sea' }], at: 0.25 },
          { between: [{ picture: red }, { text: 'the sea' }], at: 0.25 },
        ],
        [
          { change: { id: disc }, to: 'winter', from: 'summer', by: 0.5 },
          { change: { picture: disc }, to: 'winter', from: 'summer', by: 0.5 },
        ],
        [{ hitsOf: [{ text: 'red' }], count: 2 }, { hitsOf: [{ text: 'red' }] }],
      ]
      for (const [order, idea] of ideas) {
        const { status, request } = await drawn({ ...order, candidates: 1 })
        expect(status).toBe('done')
        expect(request.idea).toMatchObject(idea as object)
      }
    })

    test('begins with a picture, by its bytes or its id, and has its shape again', async () => {
      const wide = await sharp(await drawPicture('#336699'))
        .resize(300, 150, { fit: 'fill' })
        .png()
        .toBuffer()
      const start = { image: { image: wide.toString('base64') }, strength: 0.4 }
      const { id, request } = await drawn({ ...TEXT, candidates: 1, start })
      expect(painter.orders[0]!.start).toMatchObject({ strength: 0.4, picture: { widthPx: 300 } })
      expect(request.size).toEqual({ width: 96, height: 48 })
      const png = Buffer.from(
        await (await api.ask(`/v1/generations/${id}/candidates/0`)).arrayBuffer(),
      )
      expect(await sharp(png).metadata()).toMatchObject({ width: 96, height: 48 })
      const mask = (await drawPicture('#fff')).toString('base64')
      await drawn({ ...TEXT, candidates: 1, start: { image: { id: idOf('red') }, mask } })
      expect(painter.orders[1]!.start!.mask!.every((value) => value === 255)).toBe(true)
    })

    test('like one under way is that one', async () => {
      const gate = painter.hold()
      const ask = async () => {
        const answer = await api.ask('/v1/generations', { json: { text: 'twins' } })
        return { status: answer.status, ...((await answer.json()) as { generation: Generation }) }
      }
      const [first, second] = [await ask(), await ask()]
      expect([first.status, second.status]).toEqual([202, 200])
      expect(second.generation.id).toBe(first.generation.id)
      const other = await api.json<{ generation: Generation }>('/v1/generations', {
        json: { text: 'twins', seed: 1 },
      })
      expect(other.generation.id).not.toBe(first.generation.id)
      gate.open()
      await until(async () => (await api.api.generations.countPending()) === 0)
      expect((await ask()).status).toBe(202)
    })

    test('that was drawn and kept before is answered at once', async () => {
      const order = { text: 'a purple bicycle', keep: 'best' }
      const { id, picture } = await drawn(order)
      expect(await api.json(`/v1/images/${picture}`)).toMatchObject({ generated: true })
      expect(await keptFiles()).toHaveLength(1)
      const { generation } = await api.json<{ generation: Generation }>('/v1/generations', {
        json: order,
      })
      expect(generation).toMatchObject({ id, status: 'done', picture })
      expect(generation.candidates[0]).toMatchObject({ url: null })
      expect(painter.orders).toHaveLength(1)
      // Left out of searches unless it is asked for.
      const only = await api.json<SearchResponse>('/v1/search?text=a+purple+bicycle&generated=only')
      expect(only.items.map(({ image }) => image.id)).toEqual([picture])
      const plain = await api.json<SearchResponse>('/v1/search?text=a+purple+bicycle&limit=100')
      expect(plain.items.map(({ image }) => image.id)).not.toContain(picture)
      // Forgetting it takes its file too, or the next one that is kept would bring it back.
      await api.ask(`/v1/images/${picture}`, { method: 'DELETE' })
      expect(await keptFiles()).toEqual([])
    })

    test('that fails says why, and the next is drawn', async () => {
      painter.paint = () => {
        throw new Error('out of paint')
      }
      const generation = await drawn({ text: 'failing' })
      expect(generation).toMatchObject({
        status: 'failed',
        error: { code: 'internal', message: 'out of paint' },
      })
      painter.reset()
      expect(await drawn({ text: 'failing' })).toMatchObject({ status: 'done' })
      expect(await api.lucida.generation(generation.id)).toMatchObject({ state: 'failed' })
    })
  })

  describe('followed live', () => {
    test('it tells its steps with previews, its rounds, and how it stands', async () => {
      const gate = painter.hold()
      const { generation } = await client().startGeneration({
        body: { ...TEXT, candidates: 2, rounds: 2 },
      })
      const news: GenerationNews[] = []
      for await (const one of client().followGeneration(generation.id)) {
        if (news.length === 0) gate.open()
        news.push(one)
      }
      const steps = news.filter((one) => one.type === 'step')
      expect(steps).toHaveLength(8)
      expect(steps.map(({ round, step }) => [round, step])).toContainEqual([2, 4])
      const previews = steps.flatMap((one) => one.previews ?? [])
      expect(previews).toHaveLength(4)
      for (const preview of previews) expect(preview).toMatch(/^data:image\/webp;base64,/)
      expect(news.filter((one) => one.type === 'judged').map((one) => one.try.round)).toEqual([
        1, 2,
      ])
      const last = news.at(-1)!
      expect(last).toMatchObject({ type: 'generation', generation: { status: 'done' } })
    })

    test('it goes on where a connection broke', async () => {
      const gate = painter.hold()
      const { generation } = await client().startGeneration({ body: { ...TEXT, seed: 77 } })
      await until(() => painter.active === 1)
      const answer = await api.ask(generation.eventsUrl, { headers: { 'last-event-id': '1' } })
      gate.open()
      const text = await answer.text()
      expect(text).not.toMatch(/^id: 1$/m)
      expect(text).toMatch(/^id: 2$/m)
    })

    test('one that only the database remembers says how it stands', async () => {
      const { id, picture } = await drawn({ text: 'remembered', keep: 'best' })
      await using other = await restarted(api)
      const answer = await other.fetch(new Request(`http://localhost/v1/generations/${id}/events`))
      const text = await answer.text()
      expect(text.match(/^event: generation$/gm)).toHaveLength(2)
      expect(text).toContain(`"picture":"${picture}"`)
      expect(text).toContain('"url":null')
      await api.ask(`/v1/images/${picture}`, { method: 'DELETE' })
    })
  })

  describe('cancelled', () => {
    test('it ends between two steps and leaves nothing behind', async () => {
      const before = await keptFiles()
      painter.hold()
      const { generation } = await client().startGeneration({ body: { text: 'fog', keep: 'best' } })
      await until(() => painter.active === 1)
      const { id } = generation
      expect((await find(id)).status).toBe('running')
      const answer = await api.ask(`/v1/generations/${id}`, { method: 'DELETE' })
      expect(answer.status).toBe(202)
      await until(async () => (await find(id)).status === 'cancelled')
      expect(painter.active).toBe(0)
      expect(await keptFiles()).toEqual(before)
      expect(await api.lucida.generation(id)).toMatchObject({ state: 'cancelled', picture: null })
    })

    test('it never begins where it was waiting', async () => {
      const gate = painter.hold()
      const first = await client().startGeneration({ body: { text: 'first' } })
      const second = await client().startGeneration({ body: { text: 'second' } })
      await until(() => painter.active === 1)
      const { generation } = await client().cancelGeneration({
        params: { id: second.generation.id },
      })
      expect(generation.status).toBe('cancelled')
      gate.open()
      await until(async () => (await find(first.generation.id)).status === 'done')
      expect(painter.orders).toHaveLength(1)
    })
  })

  test('one is drawn at a time, and fifty wait at most', async () => {
    const gate = painter.hold()
    const ids: string[] = []
    for (let i = 0; i < 50; i++) {
      const { generation } = await client().startGeneration({
        body: { text: `number ${i}`, candidates: 1, steps: 1 },
      })
      ids.push(generation.id)
    }
    expect(painter.active).toBe(1)
    expect(await refused({ text: 'one too many' })).toMatchObject({
      status: 503,
      code: 'overloaded',
    })
    const busy = await api.ask('/v1/generations', { json: { text: 'one too many' } })
    expect(busy.headers.get('retry-after')).toBe('30')
    expect(await (await api.ask('/metrics')).text()).toMatch(/^lucida_draw_pending 50$/m)
    for (const id of ids.slice(1)) await api.ask(`/v1/generations/${id}`, { method: 'DELETE' })
    gate.open()
    await until(async () => (await api.api.generations.countPending()) === 0)
  })

  describe('keeping a candidate', () => {
    test('puts it into the collection', async () => {
      const { id, candidates } = await drawn({ text: 'a keepsake', candidates: 2 })
      const { picture } = await client().keepCandidate({ params: { id, n: '1' }, body: {} })
      expect(await api.json(`/v1/images/${picture}`)).toMatchObject({ generated: true })
      expect(await find(id)).toMatchObject({ picture })
      expect(await api.lucida.generation(id)).toMatchObject({ picture })
      expect(candidates).toHaveLength(2)
      // The first that was kept stays the order's picture.
      const other = await client().keepCandidate({ params: { id, n: '0' }, body: {} })
      expect(other.picture).not.toBe(picture)
      expect(await find(id)).toMatchObject({ picture })
      for (const one of [picture, other.picture])
        await api.ask(`/v1/images/${one}`, { method: 'DELETE' })
    })

    test('is refused for a near copy of an indexed picture', async () => {
      const original = noisePicture(96, 96, 4)
      const path = await api.folder.write('original.png', await encodePicture(original, 'png'))
      await indexAll(api.lucida, [api.folder.path])
      const copied = sha256(await readFile(path))
      painter.paint = () => ({ ...original, data: original.data.map((value) => value ^ 1) })
      const { id, candidates } = await drawn({ text: 'a copy', candidates: 1, keep: 'best' })
      expect(candidates[0]).toMatchObject({ nearCopyOf: copied, passes: false })
      expect((await find(id)).picture).toBeNull()
      const answer = await api.ask(`/v1/generations/${id}/candidates/0/keep`, {
        method: 'POST',
        json: {},
      })
      expect(answer.status).toBe(400)
      expect(await answer.text()).toContain(copied)
    })

    test.each(['9', '1000', 'x', '-1'])('there is no candidate %s', async (n) => {
      const { id } = await drawn({ text: 'few', candidates: 1 })
      const status = n === '9' ? 404 : 400
      expect((await api.ask(`/v1/generations/${id}/candidates/${n}`)).status).toBe(status)
    })
  })

  describe('refused', () => {
    const cases: [string, Record<string, unknown>, field?: string][] = [
      ['nothing to draw', {}],
      ['two ideas', { text: 'a', terms: [{ text: 'b' }] }],
      ['no words', { text: '   ' }],
      ['10,000 words', { text: 'word '.repeat(10_000) }, 'text'],
      ['10,000 words to avoid', { ...TEXT, avoid: 'word '.repeat(10_000) }, 'avoid'],
      ['an unknown field', { ...TEXT, colour: 'red' }],
      ['no candidates', { ...TEXT, candidates: 0 }, 'candidates'],
      ['too many candidates', { ...TEXT, candidates: 17 }, 'candidates'],
      ['half a candidate', { ...TEXT, candidates: 1.5 }, 'candidates'],
      ['negative steps', { ...TEXT, steps: -1 }, 'steps'],
      ['a seed that is no number', { ...TEXT, seed: Number.NaN }, 'seed'],
      ['a negative seed', { ...TEXT, seed: -1 }, 'seed'],
      ['a seed beyond 32 bits', { ...TEXT, seed: 2 ** 32 }, 'seed'],
      ['a seed as text', { ...TEXT, seed: '1' }, 'seed'],
      ['too much guidance', { ...TEXT, guidance: 21 }, 'guidance'],
      ['more than all variation', { ...TEXT, variation: 1.1 }, 'variation'],
      ['no width', { ...TEXT, size: { width: 0, height: 100 } }, 'size.width'],
      ['a huge size', { ...TEXT, size: { width: 1e9, height: 1e9 } }, 'size.width'],
      ['a size of words', { ...TEXT, size: 'large' }, 'size'],
      ['too many rounds', { ...TEXT, rounds: 6 }, 'rounds'],
      ['an unknown way to keep', { ...TEXT, keep: 'all' }, 'keep'],
      ['three ends', { between: [{ text: 'a' }, { text: 'b' }, { text: 'c' }], at: 0.5 }],
      ['a way without a place on it', { between: [{ text: 'a' }, { text: 'b' }] }],
      ['a place beyond the end', { between: [{ text: 'a' }, { text: 'b' }], at: 2 }, 'at'],
      ['too many hits', { hitsOf: [{ text: 'a' }], count: 21 }, 'count'],
      ['a sum of nothing', { terms: [] }, 'terms'],
      ['a sum that cancels out', { terms: [{ text: 'a' }, { text: 'a', weight: -1 }] }],
      ['a start without a picture', { ...TEXT, start: { strength: 0.5 } }, 'start.image'],
      ['a start that is a text', { ...TEXT, start: { image: { text: 'a dog' } } }],
    ]
    test.each(cases)('%s', async (_, json, field) => {
      const { status, code, message } = await refused(json)
      expect([status, code]).toEqual([400, 'bad_input'])
      if (field) expect(message).toMatch(new RegExp(`^${field.replace('.', '\\.')}`))
      expect(painter.orders).toHaveLength(0)
    })

    test('a strength or a mask that does not fit', async () => {
      const image = { image: (await drawPicture('#123456')).toString('base64') }
      const strength = (value: number) => refused({ ...TEXT, start: { image, strength: value } })
      expect(await strength(0)).toMatchObject({ status: 400 })
      expect(await strength(1.01)).toMatchObject({ status: 400 })
      const mask = await sharp(await drawPicture('#fff'))
        .resize(40, 80, { fit: 'fill' })
        .png()
        .toBuffer()
      const answer = await refused({ ...TEXT, start: { image, mask: mask.toString('base64') } })
      expect(answer).toMatchObject({
        status: 400,
        message: expect.stringContaining('mask') as string,
      })
    })

    test('pictures that are none, or damaged, or unknown', async () => {
      const broken = (await makeBrokenPicture(1)).toString('base64')
      const start = (image: unknown) => refused({ ...TEXT, start: { image } })
      expect(await start({ image: broken })).toMatchObject({ status: 422, code: 'corrupt_image' })
      expect(await start({ image: btoa('no picture') })).toMatchObject({ status: 415 })
      expect(await start({ id: 'f'.repeat(64) })).toMatchObject({ status: 404 })
      expect(await start({ path: '/etc/passwd' })).toMatchObject({ status: 403 })
      expect(await start({ url: 'https://example.com/a.png' })).toMatchObject({ status: 403 })
      expect(await refused({ change: { image: broken }, to: 'snow' })).toMatchObject({
        status: 422,
      })
      expect(await refused({ terms: [{ id: 'f'.repeat(64) }] })).toMatchObject({ status: 404 })
    })

    test('who may only read', async () => {
      await using keyed = await withKeys(api)
      await using other = await restarted(api)
      const { read, write } = keyed.keys
      const ask = async (key: string, path: string, json?: unknown, method?: string) =>
        other.fetch(
          new Request(`http://localhost${path}`, {
            method: method ?? (json === undefined ? 'GET' : 'POST'),
            headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
            ...(json !== undefined && { body: JSON.stringify(json) }),
          }),
          { incoming: { socket: { remoteAddress: FAR_AWAY } } },
        )
      expect((await ask(read, '/v1/generations', TEXT)).status).toBe(403)
      const answer = await ask(write, '/v1/generations', TEXT)
      expect(answer.status).toBe(202)
      const { generation } = (await answer.json()) as { generation: Generation }
      const { id } = generation
      expect((await ask(read, `/v1/generations/${id}`)).status).toBe(200)
      expect((await ask(read, `/v1/generations/${id}`, undefined, 'DELETE')).status).toBe(403)
      expect((await ask(read, `/v1/generations/${id}/candidates/0/keep`, {})).status).toBe(403)
      expect((await ask(read, '/v1/images/generations', { prompt: 'a' })).status).toBe(403)
      const nowhere = '/v1/search?text=zzz&format=gif&ifNotFound=generate'
      expect((await ask(read, nowhere)).status).toBe(403)
      const drawn = await ask(write, nowhere)
      expect(drawn.status).toBe(200)
      expect((await drawn.json()) as SearchResponse).toMatchObject({
        generation: { picture: null },
      })
    })
  })

  describe('a search that finds nothing', () => {
    // No gif is indexed, so nothing is relevant.
    const MISSING = '/v1/search?text=a+green+fox&format=gif&ifNotFound=generate'

    test('begins to draw, and says where to follow it', async () => {
      const answer = await api.json<SearchResponse>(MISSING)
      expect(answer.items).toEqual([])
      const { id, eventsUrl, status } = answer.generation!
      expect(['queued', 'running']).toContain(status)
      expect(await (await api.ask(eventsUrl)).text()).toContain('event: generation')
      const generation = await find(id)
      expect(generation.request).toMatchObject({
        idea: { text: 'a green fox' },
        keep: 'accepted',
        rounds: 3,
      })
      expect(generation.offered).not.toBeNull()
    })

    test('draws a sum of texts as a sum', async () => {
      const json = {
        terms: [{ text: 'a fox' }, { text: 'snow', weight: -0.5 }],
        filter: { format: ['gif'] },
        ifNotFound: 'generate',
      }
      const { generation } = await api.json<SearchResponse>('/v1/search', { json })
      const { request } = await find(generation!.id)
      expect(request.idea).toEqual({ mix: [{ text: 'a fox' }, { text: 'snow', weight: -0.5 }] })
      await until(async () => (await api.api.generations.countPending()) === 0)
    })

    test('shows the near misses, where there are pictures', async () => {
      // What the model finds relevant is not for this test to say: both are checked against the answer.
      for (const text of ['red', 'a steam locomotive on a bridge']) {
        const { items, relevanceThreshold, generation } = await api.json<SearchResponse>(
          `/v1/search?text=${encodeURIComponent(text)}&ifNotFound=generate`,
        )
        expect(items.length).toBeGreaterThan(0)
        const isFound = items.some(({ relevance }) => relevance! >= relevanceThreshold!)
        expect(generation === null).toBe(isFound)
        await until(async () => (await api.api.generations.countPending()) === 0)
      }
    })

    test('by date, draws where nothing is left', async () => {
      const { items, generation } = await api.json<SearchResponse>(`${MISSING}&orderBy=takenAt`)
      expect(items).toEqual([])
      expect(generation).not.toBeNull()
      await until(async () => (await api.api.generations.countPending()) === 0)
    })

    test('draws nothing for later pages, nor unless it is asked to', async () => {
      const json = (more: object) => ({
        json: { terms: [TEXT], filter: { format: ['gif'] }, ...more },
      })
      for (const more of [{ ifNotFound: 'generate', offset: 20 }, { ifNotFound: 'nothing' }, {}]) {
        const { generation } = await api.json<SearchResponse>('/v1/search', json(more))
        expect(generation).toBeNull()
      }
      expect(painter.orders).toHaveLength(0)
    })

    test('is told that pictures cannot be missed', async () => {
      const terms = [{ text: 'like' }, { id: idOf('red') }]
      const answer = await api.ask('/v1/search', { json: { terms, ifNotFound: 'generate' } })
      expect(answer.status).toBe(400)
      expect(await answer.text()).toContain('texts only')
      const like = await api.ask(`/v1/search?like=${idOf('red')}&ifNotFound=generate`)
      expect(like.status).toBe(400)
      expect((await api.ask('/v1/search?ifNotFound=generate')).status).toBe(400)
    })
  })

  test('a server that closes ends what is drawn', async () => {
    painter.hold()
    const other = await restarted(api)
    const body = JSON.stringify({ text: 'closing' })
    const headers = { 'content-type': 'application/json' }
    const answer = await other.fetch(
      new Request('http://localhost/v1/generations', { method: 'POST', body, headers }),
    )
    const { generation } = (await answer.json()) as { generation: Generation }
    await until(() => painter.active === 1)
    await other[Symbol.asyncDispose]()
    expect(painter.active).toBe(0)
    expect(await find(generation.id)).toMatchObject({ status: 'cancelled' })
  })
})

/** Another server over the same Lucida, which has nothing in memory. */
async function restarted(api: TestApi) {
  const { createApi } = await import('../../src/api/app.ts')
  const other = createApi(api.lucida)
  return { fetch: other.fetch, [Symbol.asyncDispose]: () => other.close() }
}

/** Keys, which nobody needs any more afterwards. */
async function withKeys({ lucida }: TestApi) {
  const [read, write] = [
    await lucida.keys.create({ name: 'read', scope: 'read' }),
    await lucida.keys.create({ name: 'write', scope: 'write' }),
  ]
  return {
    keys: { read: read.key, write: write.key },
    [Symbol.asyncDispose]: async () => {
      for (const { id } of [read, write]) await lucida.keys.revoke(id)
    },
  }
}
