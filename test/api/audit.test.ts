// Audits, debiasing and balancing over HTTP and in the shell: what they show, and what they never do.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi } from '../../src/api/app.ts'
import type { AuditReport } from '../../src/api/audit-contract.ts'
import type { SearchResponse } from '../../src/api/contract.ts'
import { startServer } from '../../src/api/server.ts'
import { loadTermSets } from '../../src/audit/term-sets.ts'
import { createClient } from '../../src/client/client.ts'
import { openTestApi, type TestApi } from '../helpers/api.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { indexAll, openAt, writeDrawings } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'

/** A dozen drawings in two groups, as somebody might label them. */
const PLAIN = ['red', 'green', 'blue', 'yellow', 'black', 'white']
const QUICK = { k: 5, permutations: 99, resamples: 100 }
const kindOf = (path: string) =>
  PLAIN.includes(path.replace(/^.*\/|\.png$/g, '')) ? 'plain' : 'drawn'

describeDatabase('audits', (newPlace) => {
  let place: TestPlace
  let api: TestApi
  let labels: Record<string, string>
  let files: TestFolder
  let terms: string

  beforeAll(async () => {
    place = await newPlace()
    files = await newFolder()
    const shipped = await loadTermSets()
    const kind = {
      name: 'kind',
      title: 'Kind',
      source: 'this test',
      limits: 'None.',
      labels: 'kinds.csv',
    }
    await files.write(
      'terms.json',
      Buffer.from(JSON.stringify({ ...shipped, attributes: [...shipped.attributes, kind] })),
    )
    terms = files.at('terms.json')
    api = await openTestApi(place, { config: { terms } })
    labels = Object.fromEntries([...api.images.values()].map(({ path }) => [path, kindOf(path)]))
    const lines = [...api.images.keys()].map((name) => `${name}.png,${kindOf(name)}`)
    await files.write('kinds.csv', Buffer.from(['path,label', ...lines].join('\n')))
  })
  afterAll(async () => {
    expect(api.errors).toEqual([])
    await api[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
    await files[Symbol.asyncDispose]()
  })

  test('measure by labels, and name no picture', async () => {
    const report = await api.json<AuditReport>('/v1/audit', {
      json: { ...QUICK, attributes: ['kind'], labels },
    })
    expect(report.pictures).toBe(12)
    const [byTerms, byRequest] = report.compositions
    expect(byTerms).toMatchObject({ attribute: 'kind', kind: 'labels', pictures: 12 })
    expect(byRequest!.queries).toHaveLength(report.sensitivity!.queries.length)
    expect(byRequest!.queries).toEqual(byTerms!.queries)
    expect(report.misclassification.length).toBeGreaterThan(0)
    const html = await (await api.ask('/v1/audit/report?attribute=kind&k=5')).text()
    for (const text of [JSON.stringify(report), html]) {
      for (const { id, path } of api.images.values()) {
        expect(text).not.toContain(id)
        expect(text).not.toContain(path)
        expect(text).not.toContain(path.split('/').at(-1))
      }
      expect(text).not.toContain(api.folder.path)
    }
  })

  test('are a document without scripts, with plots, that says what it cannot show', async () => {
    const answer = await api.ask('/v1/audit/report?attribute=kind&k=5')
    expect(answer.headers.get('content-type')).toMatch('text/html')
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    const html = await answer.text()
    expect(html).not.toMatch(/<script|\son\w+=|javascript:|https?:/i)
    expect(html.match(/<svg /g)!.length).toBeGreaterThanOrEqual(2)
    expect(html).toContain('What this can and cannot show')
    expect(html).toContain('drawn 50.0 %, plain 50.0 %')
  })

  test('of pictures that the filter leaves over', async () => {
    const report = await api.json<AuditReport>('/v1/audit', {
      json: { ...QUICK, attributes: [], filter: { format: ['gif'] } },
    })
    expect(report).toMatchObject({ pictures: 0, compositions: [], sensitivity: null })
  })

  test('attributes are listed, with what they cannot tell', async () => {
    const { items } = await api.json<{ items: { name: string; kind: string; limits: string }[] }>(
      '/v1/attributes',
    )
    expect(items.map(({ name, kind }) => [name, kind])).toEqual([
      ['gender', 'prompts'],
      ['age', 'prompts'],
      ['skin-tone', 'prompts'],
      ['kind', 'labels'],
    ])
    expect(items[0]!.limits).toContain('Gender is not binary')
  })

  const search = (json: object) => api.json<SearchResponse>('/v1/search', { json })
  const kinds = ({ items }: SearchResponse) => items.map(({ image }) => kindOf(image.path))

  test('a balanced search brings both kinds by turns, says so, and pages well', async () => {
    const terms = [{ text: 'a red square' }]
    const plain = await search({ terms, limit: 12 })
    const whole = await search({ terms, limit: 12, balance: 'kind' })
    expect(plain.adjusted).toBeNull()
    expect(whole.adjusted).toEqual({
      debias: null,
      balance: { attribute: 'kind', leftAsItIs: null, window: 200 },
    })
    for (let n = 2; n <= 12; n += 2) {
      expect(
        kinds(whole)
          .slice(0, n)
          .filter((kind) => kind === 'plain'),
      ).toHaveLength(n / 2)
    }
    expect(kinds(plain)).not.toEqual(kinds(whole))
    const ids = ({ items }: SearchResponse) => items.map(({ image }) => image.id)
    expect(ids(whole).sort()).toEqual(ids(plain).sort())

    const paged: string[] = []
    let cursor: string | null = null
    do {
      const next = cursor === null ? {} : { cursor }
      const page: SearchResponse = await search({ terms, limit: 5, balance: 'kind', ...next })
      paged.push(...page.items.map(({ image }) => image.id))
      cursor = page.nextCursor
      if (cursor !== null) {
        const answer = await api.ask('/v1/search', { json: { terms, limit: 5, cursor } })
        expect(answer.status).toBe(400)
      }
    } while (cursor !== null)
    const again = await search({ terms, limit: 12, balance: 'kind' })
    expect(paged).toEqual(again.items.map(({ image }) => image.id))
  })

  test('a debiased search scores otherwise, unless it asks for the attribute', async () => {
    const [text, asked] = [[{ text: 'a doctor' }], [{ text: 'a man' }]]
    const scores = ({ items }: SearchResponse) => items.map(({ score }) => score)
    const debiased = await search({ terms: text, debias: 'gender' })
    expect(debiased.adjusted!.debias).toEqual({ attribute: 'gender', leftAsItIs: null })
    expect(scores(debiased)).not.toEqual(scores(await search({ terms: text })))
    const left = await search({ terms: asked, debias: 'gender' })
    expect(left.adjusted!.debias!.leftAsItIs).toBe('asks_for_it')
    expect(scores(left)).toEqual(scores(await search({ terms: asked })))
    const byLabels = await api.ask('/v1/search', { json: { terms: text, debias: 'kind' } })
    expect(await byLabels.json()).toMatchObject({
      error: { code: 'bad_input', message: expect.stringContaining('known by labels only') },
    })
  })

  test('the client knows the routes', async () => {
    const client = createClient({
      baseUrl: 'http://localhost',
      fetch: async (url, init) => api.api.fetch(new Request(url, init)),
    })
    const report = await client.audit({ body: { ...QUICK, attributes: ['kind'] } })
    expect(report.compositions[0]!.attribute).toBe('kind')
    expect((await client.attributes()).items).toHaveLength(4)
    const card = await (await api.ask(client.modelCardUrl('lucida-clip-1').slice(16))).text()
    expect(card).toContain('# lucida-clip-1')
    expect(client.auditReportUrl({ attribute: 'kind', k: 5 })).toBe(
      'http://localhost/v1/audit/report?attribute=kind&k=5',
    )
  })
})

describeDatabase('lucida audit', (newPlace) => {
  let place: TestPlace
  let folder: TestFolder
  const run = (args: readonly string[]) =>
    runCaptured([...args, '--data-dir', place.dataDir], { cwd: folder.path })

  beforeAll(async () => {
    place = await newPlace()
    folder = await newFolder()
    const names = await writeDrawings(folder)
    const lines = names.map((name) => `./${name}.png,${kindOf(name)}`)
    await folder.write('labels.csv', Buffer.from(lines.join('\n')))
    const lucida = await openAt(place)
    await indexAll(lucida, [folder.path])
    await lucida.close()
  })
  afterAll(async () => {
    await folder[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  const AUDIT = ['audit', '-k', '5', '--permutations', '99', '--labels', 'labels.csv']

  test('prints figures, writes a document, and is the same beside a server', async () => {
    const alone = await run([...AUDIT, '-o', 'report.html'])
    expect(alone.code).toBe(0)
    expect(alone.out).toContain('Your labels, of 12 pictures that have a value')
    expect(alone.out).toMatch(/MaxSkew +\d\.\d\d \[/)
    expect(alone.out).toContain('flowers-insects')
    expect(alone.err).toContain('That it finds none is no proof')
    expect(await readFile(join(folder.path, 'report.html'), 'utf8')).toContain('<svg ')
    const json = await run([...AUDIT, '--json'])
    expect(JSON.parse(json.out)).toMatchObject({ schema: 'lucida.audit/1', pictures: 12 })

    const lucida = await openAt(place)
    const ownDirectory = place.dataDir
    const server = await startServer(createApi(lucida), {
      host: '127.0.0.1',
      port: 0,
      ownDirectory,
    })
    try {
      expect((await run(AUDIT)).out).toBe(alone.out)
      const searched = await run(['search', 'a red square', '--balance', 'age', '--json'])
      expect(JSON.parse(searched.out)).toMatchObject({
        adjusted: { balance: { attribute: 'age', window: 200 } },
      })
    } finally {
      await server.close()
      await lucida.close()
    }
  })

  test('search says what it has done, also without the database', async () => {
    const { code, err } = await run([
      'search',
      'a doctor',
      '--debias',
      'gender',
      '--balance',
      'age',
    ])
    expect(code).toBe(0)
    expect(err).toContain('debiased: gender was taken out of the query')
    expect(err).toContain('balanced by age among the best 200')
    const asked = await run(['search', 'a man', '--debias', 'gender', '--balance', 'gender'])
    expect(asked.err).toContain('not debiased: the query asks for gender itself')
    expect(asked.err).toContain('not balanced: the query asks for gender itself')
    const picture = await run(['search', './red.png', '--debias', 'gender'])
    expect(picture.err).toContain('not debiased: only queries by words are')
  })

  test('refuses what it does not know', async () => {
    expect(await run(['audit', '--attribute', 'height'])).toMatchObject({ code: 1 })
    expect((await run(['search', 'a', '--balance', 'height'])).err).toContain('gender or age')
    expect(await run(['search', '--format', 'png', '--balance', 'age'])).toMatchObject({ code: 2 })
    expect((await run(['audit', '--labels', 'none.csv'])).err).toContain('Cannot read the labels')
    const unwritten = await run([...AUDIT, '-o', 'nowhere/report.html'])
    expect(unwritten).toMatchObject({ code: 1, err: expect.stringContaining('Cannot write') })
  })

  test('prints the words in use, which may be edited and given back', async () => {
    const { out } = await run(['audit', '--print-terms'])
    await folder.write('mine.json', Buffer.from(out.replaceAll('"gender"', '"mine"')))
    const { err, code } = await runCaptured(
      ['search', 'a doctor', '--balance', 'mine', '--data-dir', place.dataDir],
      { cwd: folder.path, env: { LUCIDA_TERMS: './mine.json' } },
    )
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('by mine') })
  })
})
