// POST /v1/images: what is acknowledged is there, whatever happens next.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import type { Image, SearchResponse } from '../../src/api/contract.ts'
import { MAX_PICTURE_BYTES, MAX_UPLOAD_BYTES } from '../../src/api/limits.ts'
import { disk } from '../../src/core/durable-file.ts'
import { sha256 } from '../../src/core/hash.ts'
import { openTestApi, type TestApi } from '../helpers/api.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { drawPicture, makeBrokenPicture, makePicture } from '../helpers/noise-pictures.ts'
import { indexAll, openAt } from '../helpers/open-lucida.ts'
import { makeTiff, thumbnail } from '../helpers/raw-files.ts'

const HOT_PINK = '#ff1493'

describeDatabase('an upload', (newPlace) => {
  const withApi = async (work: (api: TestApi, place: TestPlace) => Promise<void>) => {
    await using place = await newPlace()
    await using api = await openTestApi(place, { empty: true })
    await work(api, place)
    expect(api.errors).toEqual([])
  }
  const formOf = (bytes: Uint8Array, name = 'cat.png') => {
    const form = new FormData()
    form.append('image', new File([Uint8Array.from(bytes)], name))
    return form
  }
  const send = (api: TestApi, bytes: Uint8Array, name?: string) =>
    api.ask('/v1/images', { form: formOf(bytes, name) })
  const idsOf = async (api: TestApi, query: string) =>
    (await api.json<SearchResponse>(`/v1/search?${query}`)).items.map(({ image }) => image.id)
  const kept = (place: TestPlace) => readdir(join(place.dataDir, 'uploads')).catch(() => [])

  test('is found, shown and served when it is answered; the same bytes are one picture', () =>
    withApi(async (api, place) => {
      const bytes = await drawPicture(HOT_PINK)
      const first = await send(api, bytes, '../../etc/cat.gif')
      expect(first.status).toBe(201)
      const image = (await first.json()) as Image
      const id = sha256(bytes)
      expect(image).toMatchObject({ id, width: 96, height: 96 })
      expect(await kept(place)).toEqual([`${id.slice(0, 16)}.png`])
      expect(await readFile(image.path)).toEqual(bytes)
      expect(await idsOf(api, 'text=a+pink+square')).toEqual([id])
      const file = await api.ask(`/v1/images/${id}/file`, { headers: { range: 'bytes=1-3' } })
      expect([file.status, await file.text()]).toEqual([206, 'PNG'])
      expect((await api.ask(`/v1/images/${id}/thumbnail?size=160`)).status).toBe(200)

      const again = await send(api, bytes)
      expect([again.status, ((await again.json()) as Image).id]).toEqual([200, id])
      expect(await kept(place)).toHaveLength(1)
      // Nothing is left for a run to do.
      expect(await indexAll(api.lucida, [])).toMatchObject({ seen: 1, unchanged: 1 })
    }))

  test('of which several come at once is made once', () =>
    withApi(async (api, place) => {
      const some = await Promise.all([1, 2, 3].map((seed) => makePicture(seed)))
      const answers = await Promise.all([...some, ...some].map((bytes) => send(api, bytes)))
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
        200, 200, 200, 201, 201, 201,
      ])
      expect(await kept(place)).toHaveLength(3)
      expect(await idsOf(api, 'text=noise')).toHaveLength(3)
    }))

  test('that finds the disk full says so to each of those who hand it over', () =>
    withApi(async (api) => {
      const bytes = await makePicture('full')
      const { write } = disk
      disk.write = async () => {
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
      }
      try {
        const adding = [1, 2].map(() => api.lucida.uploads.add(bytes))
        for (const one of await Promise.allSettled(adding)) {
          expect(one).toMatchObject({ status: 'rejected', reason: { code: 'disk_full' } })
        }
      } finally {
        disk.write = write
      }
      expect((await send(api, bytes)).status).toBe(201)
    }))

  test('outlives the process that took it, and the database', async () => {
    await using place = await newPlace()
    const bytes = await drawPicture(HOT_PINK)
    const first = await openAt(place)
    const { id } = await first.uploads.add(bytes)
    await first.close()
    const lucida = await openAt(place)
    expect((await lucida.search([{ text: 'pink' }])).results).toMatchObject([{ id }])
    // A repaired database may lack it; its folder has it.
    const uploads = join(place.dataDir, 'uploads')
    await lucida.remove(uploads)
    expect(await indexAll(lucida, [uploads])).toMatchObject({ embedded: 1 })
    await lucida.close()
  })

  test('that is removed loses its file; one that lies elsewhere too does not', () =>
    withApi(async (api, place) => {
      const bytes = await makePicture('both')
      const elsewhere = await api.folder.write('both.png', bytes)
      await indexAll(api.lucida, [api.folder.path])
      expect((await send(api, bytes)).status).toBe(201)
      const id = sha256(bytes)
      const forgotten = await api.ask(`/v1/images/${id}`, { method: 'DELETE' })
      expect(forgotten.status).toBe(204)
      expect(await kept(place)).toEqual([])
      expect(await readFile(elsewhere)).toEqual(bytes)
      expect((await api.ask(`/v1/images/${id}`)).status).toBe(404)
      expect((await send(api, bytes)).status).toBe(201)
      expect(await kept(place)).toHaveLength(1)
    }))

  test('whose root was removed, or whose file was lost, is taken in anew', () =>
    withApi(async (api, place) => {
      const bytes = await makePicture('lost')
      const { path, id } = (await (await send(api, bytes)).json()) as Image
      await api.lucida.remove(join(place.dataDir, 'uploads'))
      expect((await send(api, bytes)).status).toBe(201)
      await writeFile(path, 'something else')
      expect((await send(api, bytes)).status).toBe(201)
      expect(await readFile(path)).toEqual(bytes)
      expect((await api.ask(`/v1/images/${id}/file`)).status).toBe(200)
    }))

  test('of a camera keeps the extension that tells what it is', () =>
    withApi(async (api, place) => {
      const preview = await sharp(await drawPicture(HOT_PINK))
        .resize(300)
        .jpeg()
        .toBuffer()
      const raw = makeTiff([thumbnail(preview)])
      const answer = await send(api, raw, 'DSC_1.NEF')
      expect(answer.status).toBe(201)
      expect(await kept(place)).toEqual([`${sha256(raw).slice(0, 16)}.nef`])
    }))

  test('that is no whole picture leaves nothing behind', () =>
    withApi(async (api, place) => {
      const broken = await makeBrokenPicture('b')
      for (const [bytes, status] of [
        [Buffer.from('a text'), 415],
        [broken, 422],
        [Buffer.alloc(0), 422],
      ] as const) {
        expect((await send(api, bytes)).status).toBe(status)
      }
      const two = formOf(broken)
      two.append('image', new File(['x'], 'x.png'))
      expect((await api.ask('/v1/images', { form: two })).status).toBe(400)
      expect(await kept(place)).toEqual([])
      expect(await api.lucida.failures()).toEqual([])
    }))

  test('may be larger than a query, but not endless', () =>
    withApi(async (api) => {
      // What follows the end of a picture does no harm.
      const large = Buffer.concat([await drawPicture(HOT_PINK), Buffer.alloc(MAX_UPLOAD_BYTES)])
      expect((await send(api, large)).status).toBe(201)
      const headers = {
        'content-type': 'multipart/form-data; boundary=x',
        'content-length': String(MAX_PICTURE_BYTES + 1),
      }
      const answer = await api.ask('/v1/images', { method: 'POST', body: 'x', headers })
      expect(answer.status).toBe(413)
    }))

  test('needs a key that may write', () =>
    withApi(async (api) => {
      const bytes = await makePicture('key')
      const keys = {
        read: await api.lucida.keys.create({ name: 'r', scope: 'read' }),
        write: await api.lucida.keys.create({ name: 'w', scope: 'write' }),
      }
      const ask = (headers: Record<string, string>) =>
        api.ask('/v1/images', { form: formOf(bytes), headers })
      expect((await ask({})).status).toBe(401)
      expect((await ask({ 'x-api-key': keys.read.key })).status).toBe(403)
      expect((await ask({ 'x-api-key': keys.write.key })).status).toBe(201)
    }))
})
