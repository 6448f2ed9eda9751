// Models over HTTP and from the shell, with a server and without one.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createApi } from '../../src/api/app.ts'
import type { ModelsState } from '../../src/api/model-contract.ts'
import { startServer } from '../../src/api/server.ts'
import { openLucida } from '../../src/lucida.ts'
import { ALTERED, writeAlteredModel } from '../helpers/altered-model.ts'
import { openTestApi } from '../helpers/api.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase } from '../helpers/database.ts'
import { drawPicture } from '../helpers/noise-pictures.ts'
import { newFolder } from '../helpers/picture-folder.ts'

const FIRST = 'lucida-clip-1'

describeDatabase('models', (newPlace) => {
  let modelsDir: string
  beforeAll(async () => {
    modelsDir = await mkdtemp(join(tmpdir(), 'lucida-models-'))
    await writeAlteredModel(modelsDir)
  })
  afterAll(() => rm(modelsDir, { recursive: true }))

  test('are changed over HTTP while the server answers', async () => {
    await using place = await newPlace()
    await using test = await openTestApi(place, { config: { model: undefined, modelsDir } })
    const models = () => test.json<ModelsState>('/v1/models')
    const { api } = test
    await api.work()
    expect(await models()).toMatchObject({ pinned: false, serving: { model: FIRST, filled: 12 } })
    const begun = await test.ask('/v1/models/use', { json: { model: ALTERED } })
    expect(begun.status).toBe(202)
    await vi.waitFor(async () => expect((await models()).change).toBeNull(), 60_000)
    expect(await models()).toMatchObject({
      serving: { model: ALTERED, filled: 12, failed: 0 },
      previous: FIRST,
      stored: [
        { model: ALTERED, vectors: 12 },
        { model: FIRST, vectors: 12 },
      ],
    })
    const found = await test.json<{ model: string; searched: number }>('/v1/search?text=red')
    expect(found).toMatchObject({ model: ALTERED, searched: 12 })
    const embedded = await test.json<{ model: string }>('/v1/embed', { json: { texts: ['red'] } })
    expect(embedded.model).toBe(ALTERED)
    const back = await test.json<ModelsState>('/v1/models/rollback', { json: {} })
    expect(back.serving.model).toBe(FIRST)
    expect(await test.json(`/v1/models/${ALTERED}`, { method: 'DELETE' })).toEqual({ dropped: 12 })
    expect(test.errors).toEqual([])
  })

  test.each([
    ['/v1/models/use', { model: 'no-such-model' }, 404],
    ['/v1/models/use', { model: '/etc' }, 400],
    ['/v1/models/use', { model: 'a/../../etc' }, 404],
    ['/v1/models/pause', {}, 400],
    ['/v1/models/resume', {}, 400],
    ['/v1/models/rollback', {}, 400],
  ])('refuse what cannot be: %s %j', async (path, json, status) => {
    await using place = await newPlace()
    await using test = await openTestApi(place, {
      config: { model: undefined, modelsDir },
      empty: true,
    })
    const answer = await test.ask(path, { json })
    expect(answer.status).toBe(status)
    expect(test.errors).toEqual([])
  })

  test('are changed by administrators only, and not where the model was set', async () => {
    await using place = await newPlace()
    await using test = await openTestApi(place, { config: { modelsDir }, empty: true })
    const asked = await test.ask('/v1/models/use', { json: { model: ALTERED } })
    expect(asked.status).toBe(400)
    expect(await asked.text()).toContain('was set for this process')
    const { key } = await test.json<{ key: string }>('/v1/keys', {
      json: { name: 'writer', scope: 'write' },
      asOwner: true,
    })
    const headers = { authorization: `Bearer ${key}` }
    const refused = await test.ask('/v1/models/use', { json: { model: ALTERED }, headers })
    expect(refused.status).toBe(403)
    expect((await test.ask('/v1/models', { headers })).status).toBe(200)
  })

  test('are changed from the shell, by itself and through a server', async () => {
    await using place = await newPlace()
    await using folder = await newFolder()
    await folder.write('red.png', await drawPicture('#c81414'))
    const run = (...args: string[]) =>
      runCaptured([...args, '--data-dir', place.dataDir], {
        cwd: folder.path,
        env: { LUCIDA_MODELS_DIR: modelsDir },
      })
    await run('index', folder.path)
    // What earlier versions wrote there gives way.
    const settings = folder.at('lucida.config.json')
    await writeFile(settings, JSON.stringify({ threads: 1, model: FIRST }))
    const used = await run('models', 'use', ALTERED)
    expect(used.err).toContain(`no longer names ${FIRST}`)
    expect(used.err).toContain(`${ALTERED} answers now`)
    expect(used).toMatchObject({ code: 0, out: expect.stringContaining('with 1 of 1 pictures') })
    expect(JSON.parse(await readFile(settings, 'utf8'))).toEqual({ threads: 1 })
    expect((await run('models', 'list')).out).toContain(`* ${ALTERED} `)
    expect((await run('search', 'red', '--json')).out).toContain(`"model":"${ALTERED}"`)
    expect((await run('models', 'drop', ALTERED)).code).toBe(1)

    const lucida = await openLucida({ dataDir: place.dataDir, modelsDir })
    const api = createApi(lucida)
    const server = await startServer(api, {
      host: '127.0.0.1',
      port: 0,
      ownDirectory: place.dataDir,
    })
    await api.work()
    expect((await run('models', 'rollback')).out).toContain(`${FIRST} answers`)
    expect((await run('models', 'use', ALTERED, '--wait')).out).toContain(`${ALTERED} answers`)
    expect((await run('models', 'drop', FIRST)).err).toBe(`deleted 1 vectors of ${FIRST}\n`)
    const status = JSON.parse((await run('models', 'status', '--json')).out)
    expect(status).toMatchObject({ serving: { model: ALTERED }, previous: null, change: null })
    await server.close()
    await lucida.close()
  })
})
