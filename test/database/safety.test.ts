// The safety policy over a collection: results labelled or left out, drawings refused or withheld.
import { readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createApi } from '../../src/api/app.ts'
import type { ListAnswer, Lucida, PartialConfig, Picture } from '../../src/lucida.ts'
import { decodeRaster } from '../../src/pictures/raster.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase, testOn, type TestPlace } from '../helpers/database.ts'
import { useFakePainter } from '../helpers/fake-painter.ts'
import { indexAll, openAt, writeDrawings } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'

const painter = useFakePainter()
const SECRET = ['red', 'disc']

describeDatabase('the safety policy', (newPlace, engine) => {
  let place: TestPlace
  let folder: TestFolder
  let policy: string
  let names: string[]
  let opened: Lucida | undefined
  const log = () => join(place.dataDir, 'safety.jsonl')
  const open = async (config: PartialConfig) =>
    (opened = await openAt(place, { safetyFile: policy, ...config }))

  beforeAll(async () => {
    place = await newPlace()
    folder = await newFolder()
    names = await writeDrawings(folder)
    const lucida = await openAt(place)
    await indexAll(lucida, [folder.path])
    // A head that knows two of the pictures by heart, so that the model's own opinion plays no part.
    const { model } = lucida
    const concepts = []
    for (const [i, vector] of (await lucida.embed(SECRET.map(fileOf))).vectors.entries()) {
      const head = {
        model: model.name,
        recipe: model.recipe,
        weights: [...vector].map((value) => value * 2000),
        bias: -1996,
      }
      await folder.write(`head-${i}.json`, Buffer.from(JSON.stringify(head)))
      concepts.push({ name: `secret ${i}`, head: `head-${i}.json`, threshold: 0.9 })
    }
    policy = folder.at('policy.json')
    await writeFile(policy, JSON.stringify({ concepts, blockedPrompts: ['forbidden*'] }))
    await lucida.close()
  })
  afterEach(async () => {
    painter.reset()
    await opened?.close()
    opened = undefined
    await rm(log(), { force: true })
  })
  afterAll(async () => {
    await place[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const fileOf = (name: string) => ({ path: folder.at(`${name}.png`) })
  const namesOf = (results: readonly Picture[]) => results.map(({ path }) => basename(path, '.png'))
  const logged = async () =>
    (await readFile(log(), 'utf8').catch(() => ''))
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  describe('on results', () => {
    test('that is off says and hides nothing', async () => {
      const lucida = await open({})
      const { results, leftOut } = await lucida.search([{ text: 'red' }], { limit: 100 })
      expect(results).toHaveLength(names.length)
      expect(leftOut).toBe(0)
      expect(results.every((each) => each.safety === undefined)).toBe(true)
    })

    test('labels what reaches a threshold', async () => {
      const lucida = await open({ safety: 'label' })
      for (const answer of [
        await lucida.search([{ text: 'red' }], { limit: 100 }),
        await lucida.list({ limit: 100 }),
      ]) {
        const { results, leftOut } = answer
        expect(results).toHaveLength(names.length)
        expect(leftOut).toBe(0)
        const labelled = results.filter(({ safety }) => safety !== undefined)
        expect(namesOf(labelled).sort()).toEqual([...SECRET].sort())
        const red = labelled.find(({ path }) => path.endsWith('red.png'))
        expect(red!.safety).toEqual([{ concept: 'secret 0', score: expect.closeTo(0.98, 2) }])
      }
      expect(await logged()).toEqual([])
    })

    test('hides it from every page, says how many, and notes which', async () => {
      const lucida = await open({ safety: 'hide' })
      const ask = {
        search: (how: object) => lucida.search([{ text: 'red' }], how),
        list: (how: object) => lucida.list(how),
        similar: (how: object) => lucida.similar(fileOf('square'), how),
      }
      for (const [kind, page] of Object.entries(ask)) {
        const found: string[] = []
        let [cursor, leftOut]: [string | null, number] = [null, 0]
        do {
          const answer: ListAnswer = await page({ limit: 3, ...(cursor !== null && { cursor }) })
          found.push(...namesOf(answer.results))
          leftOut += answer.leftOut
          cursor = answer.nextCursor
        } while (cursor !== null)
        const expected = names.filter((name) => !SECRET.includes(name))
        expect(found.sort()).toEqual(
          expected.filter((name) => kind !== 'similar' || name !== 'square').sort(),
        )
        expect(leftOut).toBe(SECRET.length)
      }
      const events = await logged()
      expect(new Set(events.map(({ what }) => what))).toEqual(new Set(['hidden']))
      const pictures = Object.assign({}, ...events.map((event) => event.pictures)) as object
      expect(new Set(Object.values(pictures).flat())).toEqual(new Set(['secret 0', 'secret 1']))
    })

    test('that cannot be read lets nobody search', async () => {
      const lucida = await open({ safety: 'hide', safetyFile: folder.at('nothing.json') })
      const asked = lucida.search([{ text: 'red' }])
      await expect(asked).rejects.toMatchObject({ code: 'not_found' })
    })

    testOn('pglite', engine)('holds for a search without the database', async () => {
      await (await open({})).close()
      opened = undefined
      const env = { LUCIDA_SAFETY: 'hide', LUCIDA_SAFETY_FILE: policy }
      const args = ['search', 'red', '--files', '-k', '100', '--data-dir', place.dataDir]
      const { out, code } = await runCaptured(args, { env, cwd: folder.path })
      expect(code).toBe(0)
      const found = out.trim().split('\n')
      expect(found).toHaveLength(names.length - SECRET.length)
      expect(found.some((path) => path.endsWith('red.png'))).toBe(false)
    })
  })

  describe('over HTTP', () => {
    test('labels, counts and scores', async () => {
      const lucida = await open({ safety: 'hide' })
      const api = createApi(lucida)
      const post = async (path: string, body: object) => {
        const headers = { 'content-type': 'application/json' }
        const request = { method: 'POST', headers, body: JSON.stringify(body) }
        const answer = await api.fetch(new Request(`http://localhost${path}`, request), {
          incoming: { socket: { remoteAddress: '127.0.0.1' } },
        })
        return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
      }
      const found = await post('/v1/search', { terms: [{ text: 'red' }], limit: 100 })
      expect(found.body.leftOut).toBe(SECRET.length)
      const image = (await readFile(fileOf('red').path)).toString('base64')
      const { body } = await post('/v1/safety', { images: [{ image }] })
      expect(body).toMatchObject({ results: 'hide', drawing: 'prompts' })
      expect((body.scores as { concept: string; threshold: number }[][])[0]).toEqual([
        { concept: 'secret 0', score: expect.any(Number), threshold: 0.9 },
        { concept: 'secret 1', score: expect.any(Number), threshold: 0.9 },
      ])
      const refused = await post('/v1/generations', { text: 'a forbiddenness' })
      expect(refused.status).toBe(422)
      expect(refused.body.error).toMatchObject({ code: 'refused' })
      const openai = await post('/v1/images/generations', { prompt: 'forbidden things' })
      expect(openai.status).toBe(422)
      expect(openai.body.error).toMatchObject({ code: 'content_policy_violation' })
      await api.close()
    })
  })

  describe('on drawing', () => {
    const raster = async (name: string) => {
      const picture = await openPicture(await readFile(fileOf(name).path), `${name}.png`)
      const { widthPx, heightPx } = picture
      return decodeRaster(picture.image(), 'png', { widthPx, heightPx }, { widthPx, heightPx })
    }
    const drawn = async (lucida: Lucida, how: Partial<Parameters<Lucida['plan']>[0]> = {}) => {
      const plan = await lucida.plan({ idea: { text: 'a dog' }, candidates: 2, seed: 1, ...how })
      const events = []
      const run = plan.run()
      let next = await run.next()
      for (; !next.done; next = await run.next()) events.push(next.value)
      return { ...next.value, events }
    }

    test('refuses what is wanted, before anything is drawn, and not what is to be avoided', async () => {
      const lucida = await open({})
      const refused = { code: 'refused', message: expect.stringContaining('forbidden*') }
      const red = fileOf('red')
      for (const idea of [
        { text: 'Forbidden things' },
        { mix: [red, { text: 'forbidden', weight: 0.5 }] },
        { between: [red, { text: 'forbidden' }] as const, at: 0.5 },
        { change: red, to: 'forbidden' },
        { hitsOf: [{ text: 'forbidden' }] },
      ]) {
        await expect(lucida.plan({ idea })).rejects.toMatchObject(refused)
      }
      expect(painter.orders).toEqual([])
      expect(await logged()).toEqual(
        Array.from({ length: 5 }, () => ({
          at: expect.any(String),
          what: 'refused',
          by: 'blocklist',
          entry: 'forbidden*',
        })),
      )
      await lucida.plan({ idea: { text: 'a dog' }, avoid: 'forbidden things' })
      await lucida.plan({ idea: { mix: [red, { text: 'forbidden', weight: -1 }] } })
    })

    test('that is off refuses nothing', async () => {
      const lucida = await open({ drawingSafety: 'off' })
      await lucida.plan({ idea: { text: 'forbidden things' } })
    })

    test('withholds what was drawn, shows none of it, and keeps what may be kept', async () => {
      const secret = await raster('red')
      const noise = painter.paint
      painter.paint = (order, seed) => (seed === 1 ? secret : noise(order, seed))
      const lucida = await open({ drawingSafety: 'pictures' })
      const { candidates, withheld, events, id } = await drawn(lucida)
      expect(candidates.map(({ seed }) => seed)).toEqual([2])
      expect(withheld).toBe(1)
      expect(events.some((event) => event.type === 'step' && event.previews)).toBe(false)
      expect(await logged()).toEqual([
        {
          at: expect.any(String),
          what: 'withheld',
          order: id,
          seed: 1,
          concepts: ['secret 0'],
        },
      ])
      const stored = await lucida.generation(id)
      expect(stored.outcome).toMatchObject({ withheld: 1 })
    })

    test('ends as refused where nothing is left', async () => {
      const secret = await raster('red')
      painter.paint = () => secret
      const lucida = await open({ drawingSafety: 'pictures' })
      await expect(drawn(lucida)).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('secret 0'),
      })
    })

    test('hands out what nobody asked to be scored, with previews', async () => {
      const secret = await raster('red')
      painter.paint = () => secret
      const { candidates, withheld, events } = await drawn(await open({}))
      expect([candidates.length, withheld]).toEqual([2, 0])
      expect(events.some((event) => event.type === 'step' && event.previews)).toBe(true)
    })
  })
})
