// A bucket behind the API: indexed, searched, shown, and used for Lucida's own files; and no secret
// anywhere. Against s3rver from npm, a local S3 server, behind a proxy (test/helpers/bucket.ts).
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Image, Job, SearchResponse } from '../../src/api/contract.ts'
import { sha256 } from '../../src/core/hash.ts'
import { rows } from '../../src/store/database.ts'
import { openTestApi, type TestApi } from '../helpers/api.ts'
import { BUCKET, SECRETS, startBucket, type TestBucket } from '../helpers/bucket.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { drawPicture, makeBrokenPicture } from '../helpers/noise-pictures.ts'
import { indexAll } from '../helpers/open-lucida.ts'

const ALBUM = `s3://${BUCKET}/album`
const OWN = `s3://${BUCKET}/own`
const COLOURS = { red: '#c81414', green: '#14a028', blue: '#1432d2' }
const FULL = { status: 507, body: '<Error><Code>XMinioStorageFull</Code></Error>' }
const DENIED = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }

describeDatabase('a bucket over HTTP', (newPlace) => {
  let bucket: TestBucket
  let place: TestPlace
  let api: TestApi
  /** All that anybody was told. */
  const told: string[] = []

  beforeAll(async () => {
    bucket = await startBucket()
    place = await newPlace()
    const config = { storage: OWN, allowedRoots: [`${ALBUM}/`] }
    api = await openTestApi(place, { config, empty: true })
    for (const [name, colour] of Object.entries(COLOURS)) {
      await bucket.write(`album/2024/${name}.png`, await drawPicture(colour))
    }
    await bucket.write('album/broken.jpg', await makeBrokenPicture('b'))
  })
  afterAll(async () => {
    await api[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
    await bucket[Symbol.asyncDispose]()
  })

  const ask = async (...how: Parameters<TestApi['ask']>) => {
    const answer = await api.ask(...how)
    told.push(await answer.clone().text(), JSON.stringify([...answer.headers]))
    return answer
  }
  const json = async <T>(...how: Parameters<TestApi['ask']>): Promise<T> => {
    return (await (await ask(...how)).json()) as T
  }
  const run = async (path: string, body: unknown) => {
    const { job } = await json<{ job: Job }>(path, { json: body })
    const events = await (await ask(`/v1/jobs/${job.id}/events`)).text()
    return { job: (await json<{ job: Job }>(`/v1/jobs/${job.id}`)).job, events }
  }
  const find = async (query: string) =>
    (await json<SearchResponse>(`/v1/search?${query}`)).items.map(({ image }) => image)

  test('is added where the settings allow it', async () => {
    for (const path of [`s3://${BUCKET}`, `s3://${BUCKET}/albums`, 's3://elsewhere/album']) {
      expect((await ask('/v1/roots', { json: { path } })).status).toBe(403)
    }
    const secret = `s3://key:${SECRETS[0]}@${BUCKET}/album`
    for (const asOwner of [false, true]) {
      expect((await ask('/v1/roots', { json: { path: secret }, asOwner })).status).toBe(400)
      const folders = [secret]
      expect((await ask('/v1/index', { json: { folders }, asOwner })).status).toBe(400)
    }
    const query = `path=${encodeURIComponent(secret)}`
    expect((await ask(`/v1/roots?${query}`, { method: 'DELETE' })).status).toBe(400)
    const nothing = await run('/v1/roots', { path: `${ALBUM}/2030` })
    expect(nothing.job).toMatchObject({ state: 'failed', error: { code: 'not_found' } })
    const { job } = await run('/v1/roots', { path: ALBUM })
    expect(job.state).toBe('done')
    const { items } = await json<{ items: { path: string; pictures: number }[] }>('/v1/roots')
    expect(items).toMatchObject([{ path: ALBUM, pictures: 3, failures: 1 }])
  })

  test('is searched, filtered and shown like a folder', async () => {
    const [red] = await find('text=a+red+square')
    expect(red!.path).toBe(`${ALBUM}/2024/red.png`)
    const id = red!.id
    expect(id).toBe(sha256(await drawPicture(COLOURS.red)))
    const folder = encodeURIComponent(`${ALBUM}/2024/`)
    expect(await find(`folder=${folder}`)).toHaveLength(3)
    expect(await find(`folder=${encodeURIComponent(`${ALBUM}/20`)}`)).toHaveLength(0)
    const facets = await json<{ folder: unknown; root: unknown }>('/v1/facets')
    expect(facets).toMatchObject({
      root: [{ value: ALBUM, count: 3 }],
      folder: [{ value: `${ALBUM}/2024`, count: 3 }],
    })
    const file = await ask(`/v1/images/${id}/file`, { headers: { range: 'bytes=1-3' } })
    expect([file.status, await file.text()]).toEqual([206, 'PNG'])
    expect(file.headers.get('content-disposition')).toContain("filename*=UTF-8''red.png")
    expect((await ask(`/v1/images/${id}/file`, { method: 'HEAD' })).status).toBe(200)
    expect((await ask(`/v1/images/${id}/thumbnail`)).status).toBe(200)
    const similar = await json<SearchResponse>(`/v1/images/${id}/similar`)
    expect(similar.items).toHaveLength(2)
    const why = { image: { id }, terms: [{ text: 'red' }] }
    expect((await ask('/v1/explain', { json: why })).status).toBe(200)
    expect((await ask('/v1/duplicates?kind=near')).status).toBe(200)
    const { items } = await json<{ items: { path: string }[] }>('/v1/failures')
    expect(items).toMatchObject([{ path: `${ALBUM}/broken.jpg` }])
  })

  test('changes what it shows only when it is indexed again', async () => {
    const before = sha256(await drawPicture(COLOURS.green))
    await bucket.write('album/2024/green.png', await drawPicture('#14a029'))
    expect((await ask(`/v1/images/${before}/file`)).status).toBe(409)
    await run('/v1/index', { folders: [`${ALBUM}/2024`] })
    expect((await ask(`/v1/images/${before}/file`)).status).toBe(404)
    expect(await find('text=green')).toHaveLength(3)
  })

  test('keeps what is uploaded, whole or not at all', async () => {
    const bytes = await drawPicture('#ff1493')
    const id = sha256(bytes)
    const send = async () => {
      const form = new FormData()
      form.append('image', new File([Uint8Array.from(bytes)], 'pink.png'))
      return ask('/v1/images', { form })
    }
    bucket.onRequest = ({ method }) => (method === 'PUT' ? FULL : undefined)
    expect((await send()).status).toBe(507)
    expect((await ask(`/v1/images/${id}`)).status).toBe(404)
    bucket.onRequest = () => undefined
    const answer = await send()
    expect(answer.status).toBe(201)
    const path = `${OWN}/uploads/${id.slice(0, 16)}.png`
    expect((await answer.json()) as Image).toMatchObject({ id, path })
    expect((await send()).status).toBe(200)
    expect(Buffer.from(await (await ask(`/v1/images/${id}/file`)).arrayBuffer())).toEqual(bytes)
    expect(await indexAll(api.lucida, [`${OWN}/uploads`])).toMatchObject({ seen: 1, unchanged: 1 })
    expect((await ask(`/v1/images/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await indexAll(api.lucida, [`${OWN}/uploads`])).toMatchObject({ seen: 0 })
    expect(api.errors).toEqual([])
  })

  test('tells nobody what it is reached with', async () => {
    const faults = [DENIED, 'hang up', { status: 400, body: BAD_KEY }, { status: 301 }] as const
    for (const fault of faults) {
      bucket.onRequest = () => fault
      const { job, events } = await run('/v1/index', { folders: [] })
      told.push(JSON.stringify(job), events)
      const blue = sha256(await drawPicture(COLOURS.blue))
      expect((await ask(`/v1/images/${blue}/file`)).status).toBeGreaterThan(400)
    }
    bucket.onRequest = () => undefined
    told.push(await (await ask('/metrics')).text(), await (await ask('/v1/status')).text())
    told.push(JSON.stringify(api.errors.map((error) => [String(error), error])))
    await api.api.close()
    await api.lucida.close()

    const env = { LUCIDA_DATA_DIR: place.dataDir, DATABASE_URL: place.databaseUrl ?? '' }
    for (const args of [
      ['index', ALBUM],
      ['status'],
      ['failures', '--json'],
      ['doctor'],
      ['index', `s3://key:${SECRETS[0]}@${BUCKET}`],
      ['remove', `s3://key:${SECRETS[0]}@${BUCKET}`],
      ['search', 'red', '--folder', `s3://key:${SECRETS[0]}@${BUCKET}`],
    ]) {
      const { out, err } = await runCaptured(args, { env: { ...env, LUCIDA_DEBUG: '1' } })
      told.push(out, err)
    }
    expect(told.join('\n')).toContain(ALBUM)
    const database = await place.open()
    const tables = await rows<{ name: string }>(
      database.db,
      sql`select tablename as name from pg_tables where schemaname = 'public'`,
    )
    for (const { name } of tables) {
      const found = await rows(
        database.db,
        sql`select row_to_json(t) as row from ${sql.identifier(name)} t`,
      )
      told.push(JSON.stringify(found))
    }
    expect(told.at(-1)).toBeDefined()
    await database.close()
    const files = await readdir(place.dataDir, { recursive: true, withFileTypes: true })
    for (const file of files.filter((one) => one.isFile())) {
      told.push(await readFile(join(file.parentPath, file.name), 'latin1'))
    }
    const all = told.join('\n')
    expect(tables.length).toBeGreaterThan(10)
    expect(all).toContain('album/2024/red.png')
    for (const secret of SECRETS) expect(all.includes(secret)).toBe(false)
  }, 300_000)
})

const BAD_KEY = `<Error><Code>InvalidAccessKeyId</Code><Message>${SECRETS[0]}</Message></Error>`
