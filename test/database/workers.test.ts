// Several processes on one Postgres, played by several open Lucidas: servers that take orders, workers
// that do them, each with a data directory of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createApi, type OpenApi } from '../../src/api/app.ts'
import type { Job, JobResponse, JobsResponse } from '../../src/api/contract.ts'
import type { Generation } from '../../src/api/generation-contract.ts'
import { type ContentHash, sha256 } from '../../src/core/hash.ts'
import { type Lucida, openLucida } from '../../src/lucida.ts'
import { openDatabase } from '../../src/store/database.ts'
import { claims, embeddings, paths } from '../../src/store/schema.ts'
import { readServing } from '../../src/store/serving.ts'
import { ALTERED, writeAlteredModel } from '../helpers/altered-model.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { makeBlobs, makeBrokenPicture } from '../helpers/noise-pictures.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'
import { until } from '../helpers/until.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const PICTURES = 150

describeDatabase('servers and workers on one database', (newPlace, engine) => {
  if (engine === 'pglite') {
    test.skip('are for servers: the embedded database has one process', () => {})
    return
  }
  let modelsDir: string
  let place: TestPlace
  let folder: TestFolder
  const opened: { lucida: Lucida; api: OpenApi; dataDir: string }[] = []
  beforeAll(async () => {
    modelsDir = await mkdtemp(join(tmpdir(), 'lucida-models-'))
    await writeAlteredModel(modelsDir)
  })
  beforeEach(async () => {
    place = await newPlace()
    folder = await newFolder()
  })
  afterEach(async () => {
    for (const { lucida, api, dataDir } of opened.splice(0)) {
      await api.close()
      await lucida.close()
      await rm(dataDir, { recursive: true, force: true })
    }
    await folder[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })
  afterAll(() => rm(modelsDir, { recursive: true }))

  /** One process. */
  async function newProcess(works: boolean, config = {}) {
    const dataDir = await mkdtemp(join(tmpdir(), 'lucida-process-'))
    const lucida = await openLucida({
      databaseUrl: place.databaseUrl,
      dataDir,
      modelsDir,
      vectorIndex: 'exact',
      threads: 1,
      allowedRoots: [folder.path],
      storage: join(place.dataDir, 'shared'),
      ...config,
    })
    const api = createApi(lucida)
    opened.push({ lucida, api, dataDir })
    if (works) await api.work()
    const ask = async <T>(path: string, body?: unknown, method = 'POST'): Promise<T> => {
      const answer = await api.fetch(
        new Request(`http://localhost${path}`, {
          ...(body !== undefined && {
            method,
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          }),
        }),
      )
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
      return answer.json() as Promise<T>
    }
    return { lucida, api, ask }
  }
  type Process = Awaited<ReturnType<typeof newProcess>>

  const jobAt = async ({ ask }: Process, id: string): Promise<Job> =>
    (await ask<JobResponse>(`/v1/jobs/${id}`)).job
  const ended = async (process: Process, id: string): Promise<Job> => {
    await until(async () => !['queued', 'running'].includes((await jobAt(process, id)).state))
    return jobAt(process, id)
  }
  /** Another process is embedding this content, and does not come to an end. */
  const holdClaim = async (content: ContentHash) => {
    const database = await openDatabase({ url: place.databaseUrl! })
    const until = new Date(Date.now() + 3_600_000)
    await database.db
      .insert(claims)
      .values({ content, model: 'lucida-clip-1', holder: 'somebody', until })
    await database.close()
  }
  const rowsOf = async () => {
    const database = await openDatabase({ url: place.databaseUrl! })
    const { db } = database
    const found = {
      vectors: await db.$count(embeddings),
      places: await db.$count(paths),
      claims: await db.$count(claims),
      serving: (await readServing(db))?.model,
    }
    await database.close()
    return found
  }

  describe('indexing', () => {
    beforeEach(async () => {
      // Every third one is there twice, and one is broken.
      for (let i = 0; i < PICTURES; i++) {
        const blobs = await makeBlobs(i)
        await folder.write(`${i}.png`, blobs)
        if (i % 3 === 0) await folder.write(`copies/${i}.png`, blobs)
      }
      await folder.write('broken.jpg', await makeBrokenPicture('broken'))
    })

    test('is ordered here, done there, and told everywhere; each content is embedded once', async () => {
      const [a, b] = [await newProcess(false), await newProcess(false)]
      const { job } = await a.ask<JobResponse>('/v1/roots', { path: folder.path })
      expect((await jobAt(b, job.id)).state).toBe('queued')
      for (let i = 0; i < 3; i++) await newProcess(true)
      const events = await b.api.fetch(new Request(`http://localhost/v1/jobs/${job.id}/events`))
      const told = await events.text()
      expect(told).toContain('"type":"done"')
      const done = await ended(b, job.id)
      expect(done).toMatchObject({ state: 'done', error: null })
      expect(done.counts).toMatchObject({ embedded: PICTURES, reused: 50, failed: 1 })
      expect(done.failures).toMatchObject([{ path: folder.at('broken.jpg') }])
      expect(await rowsOf()).toMatchObject({ vectors: PICTURES, places: 200, claims: 0 })
      for (const server of [a, b]) {
        expect((await server.lucida.status()).searchable).toBe(PICTURES)
        expect((await server.ask<JobsResponse>('/v1/jobs')).items).toEqual([done])
      }
      const answers = await Promise.all(
        [a, b].map(({ lucida }) => lucida.search([{ text: 'soft colours' }], { limit: 20 })),
      )
      const shown = answers.map(({ results }) => results.map(({ id, score }) => [id, score]))
      expect(shown[0]).toEqual(shown[1])
    })

    test('goes on when the worker that leads it ends', async () => {
      const server = await newProcess(false)
      const first = await newProcess(true)
      const { job } = await server.ask<JobResponse>('/v1/roots', { path: folder.path })
      await until(async () => (await jobAt(server, job.id)).done > 0)
      await first.api.close()
      await first.lucida.close()
      opened.splice(1, 1)
      await newProcess(true)
      expect((await ended(server, job.id)).state).toBe('done')
      expect(await rowsOf()).toMatchObject({ vectors: PICTURES, places: 200, claims: 0 })
    })

    test('is cancelled from any server, while it waits and while it runs', async () => {
      const [a, b] = [await newProcess(false), await newProcess(false)]
      const { job } = await a.ask<JobResponse>('/v1/roots', { path: folder.path })
      await b.ask(`/v1/jobs/${job.id}`, {}, 'DELETE')
      expect((await jobAt(a, job.id)).state).toBe('cancelled')
      // Somebody is at one of the pictures for ever, so the job cannot end by itself.
      const held = sha256(await readFile(folder.at('1.png')))
      await holdClaim(held)
      await newProcess(true)
      const second = await a.ask<JobResponse>('/v1/roots', { path: folder.path })
      await until(async () => (await jobAt(a, second.job.id)).done > 0)
      await b.ask(`/v1/jobs/${second.job.id}`, {}, 'DELETE')
      expect((await ended(a, second.job.id)).state).toBe('cancelled')
    })
  })

  test('another model is filled by all workers together, and answers everywhere', async () => {
    for (let i = 0; i < PICTURES; i++) await folder.write(`${i}.png`, await makeBlobs(i))
    const server = await newProcess(false)
    const workers = [await newProcess(true), await newProcess(true)]
    const { job } = await server.ask<JobResponse>('/v1/roots', { path: folder.path })
    await ended(server, job.id)
    await server.ask('/v1/models/use', { model: ALTERED })
    await until(async () => (await rowsOf()).serving === ALTERED)
    expect(await rowsOf()).toMatchObject({ vectors: 2 * PICTURES })
    // Another worker may be looking just now whether anything is left.
    await until(async () => (await rowsOf()).claims === 0)
    for (const process of [server, ...workers]) {
      await until(async () => {
        const { model } = await process.lucida.search([{ text: 'soft' }], { limit: 1 })
        return model === ALTERED
      })
    }
  })

  test('drawing is ordered on one server, looked at and kept on another', async () => {
    const [a, b] = [await newProcess(false), await newProcess(false)]
    await newProcess(true)
    const order = { text: 'a red balloon', candidates: 2, steps: 2, seed: 7 }
    const { generation } = await a.ask<{ generation: Generation }>('/v1/generations', order)
    const at = async ({ ask }: Process) =>
      (await ask<{ generation: Generation }>(`/v1/generations/${generation.id}`)).generation
    await until(async () => !['queued', 'running'].includes((await at(b)).status))
    const drawn = await at(b)
    expect(drawn).toMatchObject({ status: 'done', error: null })
    expect(drawn.candidates).toHaveLength(2)
    const pictures = await Promise.all(
      [a, b].map(async ({ api }) => {
        const answer = await api.fetch(
          new Request(`http://localhost/v1/generations/${generation.id}/candidates/0`),
        )
        expect(answer.headers.get('content-type')).toBe('image/png')
        return Buffer.from(await answer.arrayBuffer())
      }),
    )
    expect(pictures[0]!.equals(pictures[1]!)).toBe(true)
    const { picture } = await b.ask<{ picture: string }>(
      `/v1/generations/${generation.id}/candidates/0/keep`,
      {},
    )
    expect((await at(a)).picture).toBe(picture)
    expect((await a.lucida.gallery.find(picture)).generated).toBe(true)
    // Its file lies where every process finds it.
    expect((await a.lucida.gallery.readFile(picture)).bytes.byteLength).toBeGreaterThan(100)
  })

  test.each([['worker'], ['serve', '--port', '0']])(
    'a process that cannot take up work (%s) ends, so that it is started again',
    async (...args) => {
      // Tables of a queue that this version cannot use.
      const database = await openDatabase({ url: place.databaseUrl! })
      await database.db.execute(sql`create schema pgboss`)
      await database.db.execute(sql`create table pgboss.version as select 999 as version`)
      await database.close()
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', MAIN, ...args, '--data-dir', place.dataDir],
        {
          env: { PATH: process.env.PATH, DATABASE_URL: place.databaseUrl, HOME: place.dataDir },
          stdio: 'ignore',
        },
      )
      try {
        expect(await once(child, 'exit')).toEqual([1, null])
      } finally {
        child.kill('SIGKILL')
      }
    },
  )
})
