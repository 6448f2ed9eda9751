// What the routes do with pictures: finding, showing, indexing, forgetting.
import { once } from 'node:events'
import { copyFile, readdir, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test, vi } from 'vitest'
import type {
  ClassifyResponse,
  DuplicatesResponse,
  EmbedResponse,
  Job,
  SearchResponse,
} from '../../src/api/contract.ts'
import { parseRange } from '../../src/api/send-file.ts'
import { type RunningServer, startServer } from '../../src/api/server.ts'
import { createClient } from '../../src/client/client.ts'
import { dot } from '../../src/core/vector.ts'
import { openTestApi, type TestApi } from '../helpers/api.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { drawPicture, makeBrokenPicture, makePhoto } from '../helpers/noise-pictures.ts'
import { indexAll } from '../helpers/open-lucida.ts'

const idsOf = ({ items }: SearchResponse) => items.map(({ image }) => image.id)

describeDatabase('the API', (newPlace) => {
  /** Runs a test with an API of its own. */
  const withApi = async (
    work: (api: TestApi, place: TestPlace) => Promise<void>,
    options: Parameters<typeof openTestApi>[1] = {},
  ) => {
    await using place = await newPlace()
    await using api = await openTestApi(place, options)
    await work(api, place)
    expect(api.errors).toEqual([])
  }

  test('a page goes on as of the first one; what came since is in a new search', () =>
    withApi(async (api) => {
      for (const [i, query] of ['text=red', 'format=png'].entries()) {
        const all = `/v1/search?${query}&limit=1000`
        const before = idsOf(await api.json(all))
        const first = await api.json<SearchResponse>(`/v1/search?${query}&limit=4`)
        await api.folder.write(`new-${i}.png`, await drawPicture('#c81515', `<circle r="${i}9"/>`))
        await indexAll(api.lucida, [api.folder.path])
        const seen = idsOf(first)
        let { nextCursor } = first
        while (nextCursor !== null) {
          const page: SearchResponse = await api.json(
            `/v1/search?${query}&limit=4&cursor=${nextCursor}`,
          )
          seen.push(...idsOf(page))
          nextCursor = page.nextCursor
        }
        expect(seen).toEqual(before)
        const after = await api.json<SearchResponse>(all)
        expect(after.items).toHaveLength(before.length + 1)
      }
    }))

  test('texts of concurrent requests share runs of the encoder, and none runs twice', () =>
    withApi(async (api) => {
      await api.api.warmUp()
      const runs: number[] = []
      api.lucida.observe(({ tower, items }) => tower === 'text' && runs.push(items))
      const search = (text: string) => api.json<SearchResponse>(`/v1/search?text=${text}`)
      const texts = Array.from({ length: 24 }, (_, i) => `thing-${i}`)
      await Promise.all(texts.map(search))
      expect(runs.reduce((sum, items) => sum + items, 0)).toBe(24)
      expect(runs.length).toBeLessThan(12)
      const before = runs.length
      await Promise.all(texts.map(search))
      expect(runs).toHaveLength(before)
    }))

  test('pictures of concurrent requests give what each gives alone', () =>
    withApi(async (api) => {
      const files = await Promise.all(
        ['#224466', '#664422', '#abcdef'].map((colour) => drawPicture(colour)),
      )
      const embed = (all: Buffer[]) =>
        api.json<EmbedResponse>('/v1/embed', {
          json: { images: all.map((bytes) => ({ image: bytes.toString('base64') })) },
        })
      const together = (await embed(files)).images
      for (const [i, bytes] of files.entries()) {
        const [alone] = (await embed([bytes])).images
        expect(dot(Float32Array.from(alone!), Float32Array.from(together[i]!))).toBeCloseTo(1, 5)
      }
    }))

  test('classification has the shape of the zero-shot pipeline', () =>
    withApi(async (api) => {
      const images = ['red', 'blue'].map((name) => ({ id: api.images.get(name)!.id }))
      const labels = ['red', 'blue', 'green']
      const single = await api.json<ClassifyResponse>('/v1/classify', { json: { images, labels } })
      for (const scores of single) {
        expect(scores.map(({ label }) => label).toSorted()).toEqual(labels.toSorted())
        expect(scores.map(({ score }) => score)).toEqual(
          scores.map(({ score }) => score).toSorted((a, b) => b - a),
        )
        expect(scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6)
      }
      const scoreOf = (i: number, label: string) =>
        single[i]!.find((each) => each.label === label)!.score
      expect(scoreOf(0, 'red')).toBeGreaterThan(scoreOf(1, 'red'))
      expect(scoreOf(1, 'blue')).toBeGreaterThan(scoreOf(0, 'blue'))
      const json = {
        images,
        labels: ['red'],
        multiLabel: true,
        templates: ['a {} sheet', 'all {}'],
      }
      const multi = await api.json<ClassifyResponse>('/v1/classify', { json })
      expect(multi[0]![0]!.score).toBeGreaterThan(multi[1]![0]!.score)
    }))

  describe('thumbnails', () => {
    test('fit into their square, are upright and are made once', () =>
      withApi(async (api, place) => {
        const wide = await sharp(await drawPicture('#448844'))
          .resize(1200, 600)
          .jpeg()
          .withMetadata({ orientation: 6 })
          .toBuffer()
        await api.folder.write('wide.jpg', wide)
        await indexAll(api.lucida, [api.folder.path])
        const { items } = await api.json<SearchResponse>('/v1/search?format=jpeg')
        const url = `/v1/images/${items[0]!.image.id}/thumbnail?size=160`
        const answer = await api.ask(url)
        const bytes = Buffer.from(await answer.arrayBuffer())
        expect(await sharp(bytes).metadata()).toMatchObject({
          format: 'webp',
          width: 80,
          height: 160,
        })
        expect(answer.headers.get('cache-control')).toContain('immutable')
        const etag = answer.headers.get('etag')!
        const again = await api.ask(url, { headers: { 'if-none-match': `W/"x", ${etag}` } })
        expect(again.status).toBe(304)
        // The file may go: the thumbnail is kept.
        await expect
          .poll(async () => readdir(join(place.dataDir, 'cache/thumbnails'), { recursive: true }))
          .toContainEqual(expect.stringMatching(/-160\.webp$/))
        await rm(api.folder.at('wide.jpg'))
        const kept = await api.ask(url)
        expect(Buffer.from(await kept.arrayBuffer()).equals(bytes)).toBe(true)
        const small = await api.ask(`/v1/images/${api.images.get('red')!.id}/thumbnail?size=1280`)
        expect((await sharp(await small.arrayBuffer()).metadata()).width).toBe(96)
      }))

    test('many that are asked for at once are right', () =>
      withApi(async (api) => {
        const ids = [...api.images.values()].map(({ id }) => id)
        const answers = await Promise.all(
          [...ids, ...ids].map((id) => api.ask(`/v1/images/${id}/thumbnail`)),
        )
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      }))
  })

  describe('files', () => {
    test('arrive byte for byte, whole or in ranges', () =>
      withApi(async (api) => {
        const { id, path } = api.images.get('disc')!
        const bytes = await readFile(path)
        const get = async (range?: string, more: Record<string, string> = {}) => {
          const headers = { ...(range && { range }), ...more }
          const answer = await api.ask(`/v1/images/${id}/file`, { headers })
          return { answer, body: Buffer.from(await answer.arrayBuffer()) }
        }
        const whole = await get()
        expect(whole.body.equals(bytes)).toBe(true)
        expect(whole.answer.headers.get('content-type')).toBe('image/png')
        expect(whole.answer.headers.get('content-disposition')).toContain('disc.png')
        for (const [range, start, end] of [
          ['bytes=0-0', 0, 1],
          ['bytes=5-9', 5, 10],
          ['bytes=10-', 10, bytes.length],
          ['bytes=-7', bytes.length - 7, bytes.length],
          ['bytes=0-99999999', 0, bytes.length],
        ] as const) {
          const { answer, body } = await get(range)
          expect(answer.status).toBe(206)
          expect(body.equals(bytes.subarray(start, end))).toBe(true)
          expect(answer.headers.get('content-range')).toBe(
            `bytes ${start}-${end - 1}/${bytes.length}`,
          )
        }
        expect((await get('bytes=0-1,3-4')).answer.status).toBe(200)
        expect((await get('bytes=0-4', { 'if-range': '"another"' })).answer.status).toBe(200)
        const head = await api.ask(`/v1/images/${id}/file`, { method: 'HEAD' })
        expect(head.headers.get('content-length')).toBe(String(bytes.length))
        // Ranges are for GET alone (RFC 9110, section 14.2).
        const ranged = { method: 'HEAD', headers: { range: 'bytes=0-4' } }
        const headOfRange = await api.ask(`/v1/images/${id}/file`, ranged)
        expect(headOfRange.status).toBe(200)
        expect(headOfRange.headers.get('content-length')).toBe(String(bytes.length))
      }))

    test('any range is what RFC 9110 says', () => {
      fc.assert(
        fc.property(fc.nat(50), fc.nat(60), fc.integer({ min: 1, max: 40 }), (a, b, size) => {
          const bytes = Array.from({ length: size }, (_, i) => i)
          const slice = (range: string) => {
            try {
              const found = parseRange(range, size)
              return found ? bytes.slice(found.start, found.end + 1) : 'whole'
            } catch {
              return 'refused'
            }
          }
          const within = bytes.filter((i) => i >= a && i <= b)
          expect(slice(`bytes=${a}-${b}`)).toEqual(b < a ? 'whole' : a < size ? within : 'refused')
          const behind = bytes.filter((i) => i >= a)
          expect(slice(`bytes=${a}-`)).toEqual(a < size ? behind : 'refused')
          expect(slice(`bytes=-${b}`)).toEqual(b === 0 ? 'refused' : bytes.slice(-b))
        }),
        { seed: 42 },
      )
    })
  })

  test('duplicates are told apart by how they came about', () =>
    withApi(async (api) => {
      const photo = await makePhoto(7)
      const large = await sharp(photo).resize(400, 300, { kernel: 'cubic' }).jpeg().toBuffer()
      await api.folder.write('large.jpg', large)
      await api.folder.write('small.jpg', await sharp(large).resize(200, 150).jpeg().toBuffer())
      await copyFile(api.images.get('red')!.path, api.folder.at('red-again.png'))
      await indexAll(api.lucida, [api.folder.path])
      const groups = async (query: string) =>
        (await api.json<DuplicatesResponse>(`/v1/duplicates?${query}`)).items
      const exact = await groups('kind=exact')
      expect(exact).toHaveLength(1)
      expect(exact[0]).toMatchObject({ kind: 'exact', similarity: [1] })
      expect(exact[0]!.images[0]!.paths).toEqual(
        ['red-again.png', 'red.png'].map((name) => api.folder.at(name)),
      )
      const near = await groups('kind=near')
      expect(near).toHaveLength(1)
      expect(near[0]!.images.map(({ path }) => path).toSorted()).toEqual(
        ['large.jpg', 'small.jpg'].map((name) => api.folder.at(name)),
      )
      const all = await groups('kind=look-alike&minScore=0.5&limit=1000')
      expect(all.length).toBeGreaterThan(1)
      // Every pair is shown once, page by page too, and near copies are no look-alikes.
      const pairs = all.flatMap(({ images }) =>
        images.slice(1).map(({ id }) => [images[0]!.id, id]),
      )
      expect(new Set(pairs.map(String)).size).toBe(pairs.length)
      expect(pairs.map(String)).not.toContain(String(near[0]!.images.map(({ id }) => id)))
      const paged: typeof all = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const query: string = `kind=look-alike&minScore=0.5&limit=1${cursor && `&cursor=${cursor}`}`
        const page: DuplicatesResponse = await api.json(`/v1/duplicates?${query}`)
        paged.push(...page.items)
        cursor = page.nextCursor
      }
      expect(paged).toEqual(all)
    }))

  test('a forgotten picture is gone until its folder is indexed again', () =>
    withApi(async (api) => {
      const { id } = api.images.get('green')!
      const count = async () => (await api.json<{ searchable: number }>('/v1/status')).searchable
      const before = await count()
      expect((await api.ask(`/v1/images/${id}`, { method: 'DELETE' })).status).toBe(204)
      expect((await api.ask(`/v1/images/${id}`)).status).toBe(404)
      expect((await api.ask(`/v1/images/${id}/thumbnail`)).status).toBe(404)
      expect(await count()).toBe(before - 1)
      expect(idsOf(await api.json('/v1/search?text=green&limit=100'))).not.toContain(id)
      await indexAll(api.lucida, [api.folder.path])
      expect(await count()).toBe(before)
    }))

  test('what could not be indexed is listed page by page, whatever it is called', () =>
    withApi(async (api) => {
      // In the order of the database: UTF-16, which JavaScript compares by, has another one.
      const names = ['\uff41.jpg', '\u{1f600}.jpg', '\u{1f601}.jpg']
      for (const [i, name] of names.entries()) {
        await api.folder.write(name, await makeBrokenPicture(i))
      }
      await indexAll(api.lucida, [api.folder.path])
      const client = createClient({
        baseUrl: 'http://localhost',
        fetch: async (url, init) => api.api.fetch(new Request(url, init)),
      })
      const found: string[] = []
      let cursor: string | undefined
      while (found.length <= names.length) {
        const page = await client.failures({ query: { limit: 1, cursor } })
        found.push(...page.items.map(({ path }) => path))
        if (page.nextCursor === null) break
        cursor = page.nextCursor
      }
      expect(found).toEqual(names.map((name) => api.folder.at(name)))
    }))

  describe('jobs', () => {
    test('asked for the head of their events alone, nobody is followed', () =>
      withApi(async (api) => {
        const { job } = await api.json<{ job: Job }>('/v1/index', { json: {} })
        const begun = vi.spyOn(globalThis, 'setInterval')
        const ended = vi.spyOn(globalThis, 'clearInterval')
        const head = await api.ask(`/v1/jobs/${job.id}/events`, { method: 'HEAD' })
        expect(head.headers.get('content-type')).toBe('text/event-stream')
        await expect
          .poll(async () => (await api.api.jobs.get(job.id)).state, { timeout: 60_000 })
          .toBe('done')
        // A timer that nobody ends keeps the process from ending.
        const timers = begun.mock.results.map(({ value }) => value as unknown)
        await vi.waitFor(() => {
          const over = ended.mock.calls.map(([timer]) => timer as unknown)
          expect(timers.filter((timer) => !over.includes(timer))).toEqual([])
        })
        vi.restoreAllMocks()
      }))

    test('are followed live to their end, with what failed', () =>
      withApi(async (api) => {
        await using server = await listening(api)
        const client = createClient({ baseUrl: server.url })
        await api.folder.write('broken.jpg', await makeBrokenPicture(3))
        await api.folder.write('fresh.png', await drawPicture('#777711'))
        const { job } = await client.startIndexing({ body: { folders: [api.folder.path] } })
        const types: string[] = []
        let last: Job = job
        for await (const news of client.followJob(job.id)) {
          if (news.type === 'job') last = news.job
          else types.push(news.event.type)
        }
        expect(types[0]).toBe('start')
        expect(types).toContain('failure')
        expect(types.at(-1)).toBe('done')
        expect(last).toMatchObject({ state: 'done', counts: { embedded: 1, failed: 1 } })
        expect(last.failures.map(({ path }) => path)).toEqual([api.folder.at('broken.jpg')])
        const { items } = await client.failures()
        expect(items.map(({ path }) => path)).toEqual([api.folder.at('broken.jpg')])
        expect((await client.jobs()).items.map(({ id }) => id)).toEqual([job.id])
      }))

    test('that are cancelled end, one at work and one that waits', () =>
      withApi(async (api) => {
        for (let i = 0; i < 200; i++) await api.folder.write(`many/${i}.jpg`, await makePhoto(i))
        const start = async () =>
          (await api.json<{ job: Job }>('/v1/index', { json: { folders: [api.folder.path] } })).job
        const [first, second] = [await start(), await start()]
        expect([first.state, second.state]).toEqual(['queued', 'queued'])
        for (const { id } of [second, first]) {
          expect((await api.ask(`/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(202)
        }
        for (const { id } of [first, second]) {
          const state = async () => (await api.json<{ job: Job }>(`/v1/jobs/${id}`)).job.state
          await expect.poll(state, { timeout: 60_000 }).toBe('cancelled')
        }
      }))

    test('are asked for by what can be an id', () =>
      withApi(async (api) => {
        for (const path of ['/v1/jobs/%00', '/v1/jobs/%00/events']) {
          expect((await api.ask(path)).status).toBe(400)
        }
      }))

    test('beyond the queue are refused', () =>
      withApi(async (api) => {
        const statuses = await Promise.all(
          Array.from({ length: 80 }, async () => (await api.ask('/v1/index', { json: {} })).status),
        )
        expect(new Set(statuses)).toEqual(new Set([202, 503]))
      }))
  })

  test('a server that is told to end finishes what it has accepted, and its streams', () =>
    withApi(async (api) => {
      const server = await listening(api, false)
      const client = createClient({ baseUrl: server.url })
      for (let i = 0; i < 300; i++) await api.folder.write(`many/${i}.jpg`, await makePhoto(i))
      const { job } = await client.startIndexing({ body: {} })
      const followed = (async () => {
        let last: Job | undefined
        for await (const news of client.followJob(job.id)) if (news.type === 'job') last = news.job
        return last
      })()
      const searches = Array.from({ length: 10 }, (_, i) =>
        client.search({ query: { text: [`accepted ${i}`] } }),
      )
      // All are on their way: the first has been answered.
      await Promise.race(searches)
      const [answers] = await Promise.all([Promise.all(searches), server.close()])
      expect(answers.map(({ items }) => items.length > 0)).toEqual(answers.map(() => true))
      expect(await followed).toBeDefined()
      expect((await api.api.jobs.get(job.id)).state).toMatch(/cancelled|done/)
      await expect(client.livez()).rejects.toThrow()
    }))

  test('before it ends it is not ready, so that a balancer sends requests elsewhere', () =>
    withApi(async (api) => {
      await api.api.warmUp()
      const server = await listening(api, false)
      const ask = async (path: string) => (await fetch(`${server.url}${path}`)).status
      expect(await ask('/readyz')).toBe(200)
      const closed = server.close(2000)
      expect(await ask('/readyz')).toBe(503)
      expect(await ask('/v1/search?text=still')).toBe(200)
      await closed
      await expect(ask('/livez')).rejects.toThrow()
    }))

  test('readiness comes with the model and goes with the end', () =>
    withApi(async (api) => {
      expect((await api.ask('/readyz')).status).toBe(503)
      await api.api.warmUp()
      expect((await api.ask('/readyz')).status).toBe(200)
      await api.api.close()
      expect((await api.ask('/readyz')).status).toBe(503)
      expect((await api.ask('/livez')).status).toBe(200)
    }))

  test('metrics count requests, runs of the encoder, searches and jobs', () =>
    withApi(async (api) => {
      await api.json('/v1/search?text=something')
      const { job } = await api.json<{ job: Job }>('/v1/index', { json: {} })
      await (await api.ask(`/v1/jobs/${job.id}/events`)).text()
      const text = await (await api.ask('/metrics')).text()
      for (const line of [
        /^lucida_request_seconds_count\{method="GET",route="\/v1\/search",status="200"\} 1$/m,
        /^lucida_encode_seconds_count\{tower="text"\} [1-9]/m,
        /^lucida_search_seconds_count 1$/m,
        /^lucida_index_seconds_count\{state="done"\} 1$/m,
        new RegExp(`^lucida_index_pictures ${api.images.size}$`, 'm'),
        /^lucida_jobs_pending 0$/m,
      ]) {
        expect(text).toMatch(line)
      }
    }))

  test("clip-retrieval's clients get what they know", () =>
    withApi(async (api) => {
      const knn = (json: object) =>
        api.json<Record<string, unknown>[]>('/knn-service', {
          json: { modality: 'image', ...json },
        })
      const { id, path } = api.images.get('disc')!
      const image = (await readFile(path)).toString('base64')
      const [vector] = (await api.json<EmbedResponse>('/v1/embed', { json: { images: [{ id }] } }))
        .images
      const request = {
        num_images: 2,
        num_result_ids: 4,
        indice_name: api.lucida.model.name,
        deduplicate: true,
        use_safety_model: true,
        use_violence_detector: true,
        aesthetic_score: null,
        aesthetic_weight: 0.5,
        use_mclip: false,
      }
      const byText = await knn({ ...request, text: 'a red disc', image: null, image_url: null })
      expect(byText).toHaveLength(4)
      for (const [i, one] of byText.entries()) {
        expect(one).toMatchObject({ id: expect.any(String), similarity: expect.any(Number) })
        expect('image_path' in one && 'url' in one).toBe(i < 2)
      }
      for (const query of [{ image }, { embedding_input: vector }]) {
        const [best] = await knn({ ...request, ...query })
        expect(best).toMatchObject({ id, image_path: path })
        expect(best!.similarity).toBeCloseTo(1, 4)
        expect((await api.ask(new URL(best!.url as string).pathname)).status).toBe(200)
      }
      const ids = byText.map((one) => one.id)
      const metadata = await api.json<unknown[]>('/metadata', {
        json: { ids, indice_name: request.indice_name },
      })
      expect(metadata).toEqual(
        ids.map((one) => ({ id: one, metadata: expect.objectContaining({ width: 96 }) })),
      )
      expect(await api.json('/indices-list')).toEqual([request.indice_name])
    }))

  test('a client that goes away in the middle of what it sends is no error of the server', () =>
    withApi(async (api) => {
      await using server = await listening(api)
      for (const sent of ['--b\r\n', '--b\r\ncontent-disposition: form-data; name="image"']) {
        const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
        await once(socket, 'connect')
        const head = 'host: localhost\r\ncontent-type: multipart/form-data; boundary=b'
        socket.write(`POST /v1/images HTTP/1.1\r\n${head}\r\ncontent-length: 9999\r\n\r\n${sent}`)
        await sleep(200)
        socket.destroy()
        await sleep(200)
      }
      expect((await fetch(`${server.url}/livez`)).status).toBe(200)
      expect(api.errors).toEqual([])
    }))

  test('the reference names every route and needs nothing from elsewhere', () =>
    withApi(
      async (api) => {
        const page = await (await api.ask('/docs')).text()
        const { paths } = await api.json<{ paths: Record<string, object> }>('/openapi.json')
        for (const path of Object.keys(paths)) expect(page).toContain(`<code>${path}</code>`)
        expect(page).not.toMatch(/https?:\/\//)
        expect(page).not.toMatch(/<script|style="/)
        expect(await (await api.ask('/docs/style.css')).text()).toContain('color-scheme')
      },
      { empty: true },
    ))
})

async function listening(
  { api }: TestApi,
  shared = true,
): Promise<RunningServer & AsyncDisposable> {
  const patience = { headersMs: 10_000, requestMs: 60_000, idleMs: 60_000 }
  const served = shared ? { ...api, drain() {}, close: async () => {} } : api
  const server = await startServer(served, { host: '127.0.0.1', port: 0, patience })
  return { ...server, [Symbol.asyncDispose]: () => server.close() }
}
