// Every route against the OpenAPI document: with good requests and bad ones.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROUTES } from '../../src/client/routes.ts'
import type { Job, SearchResponse } from '../../src/api/contract.ts'
import type { GenerationResponse } from '../../src/api/generation-contract.ts'
import { type Ask, openTestApi, type TestApi } from '../helpers/api.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { useFakePainter } from '../helpers/fake-painter.ts'
import { drawPicture, makeBrokenPicture } from '../helpers/noise-pictures.ts'
import { mismatch, type Operation, readOperations } from '../helpers/openapi.ts'

useFakePainter()

const SMALL = { width: 32, height: 32 }
const UNKNOWN = 'f'.repeat(64)

describeDatabase('the contract', (newPlace) => {
  let place: TestPlace
  let api: TestApi
  let operations: Map<string, Operation>
  let red: string
  let picture: Buffer

  beforeAll(async () => {
    place = await newPlace()
    api = await openTestApi(place)
    operations = new Map((await readOperations(api)).map((each) => [each.operationId, each]))
    red = api.images.get('red')!.id
    picture = await drawPicture('#c81414')
  })
  afterAll(async () => {
    expect(api.errors).toEqual([])
    await api[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  const upload = (bytes: Uint8Array, more: Record<string, string> = {}) => {
    const form = new FormData()
    form.append('image', new File([Uint8Array.from(bytes)], 'query.png'))
    for (const [name, value] of Object.entries(more)) form.append(name, value)
    return form
  }
  const base64 = () => picture.toString('base64')
  const drawn = async () => {
    const how = { json: { text: 'drawn', candidates: 1 } }
    const { generation } = await api.json<GenerationResponse>('/v1/generations', how)
    await (await api.ask(generation.eventsUrl)).text()
    return generation.id
  }
  const job = async () => {
    const { job } = await api.json<{ job: Job }>('/v1/index', { json: {} })
    return job.id
  }

  /** Requests of each operation with the status that they must have; all answers are checked. */
  const samples: Record<string, readonly (readonly [status: number, ask: () => Sample])[]> = {
    search: [
      [200, () => '/v1/search?text=a+red+square&limit=3'],
      [200, () => `/v1/search?like=${red}&unlike=${red.replace(/^./, red[0]!)}&text=x&not=blue`],
      [200, () => '/v1/search?text=red&format=png,jpg&minScore=-1&gps=false&orientation=square'],
      [200, () => '/v1/search?format=png&limit=2'],
      [400, () => '/v1/search?text=red&limit=0'],
      [400, () => '/v1/search?text=red&limit=ten'],
      [400, () => '/v1/search?text=red&cursor=nonsense'],
      [400, () => '/v1/search?text=red&near=1,2'],
      [400, () => '/v1/search?text=red&after=yesterday'],
      [400, () => '/v1/search?text=%00'],
      [400, () => '/v1/search?text=%20'],
      [404, () => `/v1/search?like=${UNKNOWN}`],
      [404, () => '/v1/search?text=red&root=/nowhere'],
      [200, () => '/v1/search?text=a+fox&format=gif&ifNotFound=generate'],
      [400, () => `/v1/search?like=${red}&ifNotFound=generate`],
      [200, () => '/v1/search?text=a+doctor&debias=gender&balance=age'],
      [400, () => '/v1/search?text=a+doctor&balance=height'],
      [400, () => '/v1/search?text=a+doctor&balance=age&orderBy=takenAt'],
    ],
    searchTerms: [
      [200, () => post('/v1/search', { terms: [{ text: 'red' }, { id: red, weight: -0.5 }] })],
      [200, () => post('/v1/search', { terms: [{ image: base64() }], withoutQuery: true })],
      [200, () => post('/v1/search', { terms: [{ vector: ones() }], limit: 1 })],
      [200, () => post('/v1/search', { filter: { format: ['png'], minWidth: 10 } })],
      [200, () => post('/v1/search', { terms: [{ text: 'red' }], orderBy: 'takenAt' })],
      [400, () => post('/v1/search', { terms: [{ text: 'red', id: red }] })],
      [400, () => post('/v1/search', { terms: [{ text: 'red', weight: 0 }] })],
      [400, () => post('/v1/search', { terms: [{ text: 'a' }, { text: 'a', weight: -1 }] })],
      [400, () => post('/v1/search', { terms: [{ vector: [1, 2] }] })],
      [400, () => post('/v1/search', { terms: [{ vector: ones().fill(0) }] })],
      [400, () => post('/v1/search', { filter: { colour: 'red' } })],
      [400, () => ['/v1/search', { body: '{"terms":', headers: JSON_TYPE }]],
      [400, () => post('/v1/search', { terms: [], orderBy: 'score' })],
      [403, () => post('/v1/search', { terms: [{ url: 'https://example.com/a.png' }] })],
      [403, () => post('/v1/search', { terms: [{ path: '/etc/passwd' }] })],
      [404, () => post('/v1/search', { terms: [{ id: UNKNOWN }] })],
      [415, () => ['/v1/search', { body: '{}', headers: { 'content-type': 'text/plain' } }]],
      [415, () => post('/v1/search', { terms: [{ image: btoa('no picture') }] })],
      [200, () => post('/v1/search', { terms: [{ text: 'red' }], ifNotFound: 'generate' })],
      [400, () => post('/v1/search', { terms: [{ id: red }], ifNotFound: 'generate' })],
      [400, () => post('/v1/search', { ifNotFound: 'generate' })],
      [400, () => post('/v1/search', { terms: [{ text: '\uD800' }] })],
      [200, () => post('/v1/search', { terms: [{ text: 'a man' }], balance: 'gender' })],
      [200, () => post('/v1/search', { terms: [{ id: red }], debias: 'gender' })],
      [400, () => post('/v1/search', { balance: 'gender' })],
    ],
    searchImage: [
      [200, () => ['/v1/search/image', { form: upload(picture, { limit: '2', text: 'red' }) }]],
      [400, () => ['/v1/search/image', { form: new FormData() }]],
      [415, () => ['/v1/search/image', { form: upload(Buffer.from('no picture')) }]],
      [415, () => post('/v1/search/image', {})],
    ],
    uploadImage: [
      [201, () => ['/v1/images', { form: upload(picture) }]],
      [200, () => ['/v1/images', { form: upload(picture) }]],
      [400, () => ['/v1/images', { form: new FormData() }]],
      [415, () => ['/v1/images', { form: upload(Buffer.from('no picture')) }]],
      [415, () => post('/v1/images', {})],
      [422, async () => ['/v1/images', { form: upload(await makeBrokenPicture('up')) }]],
    ],
    image: [
      [200, () => `/v1/images/${red}`],
      [400, () => '/v1/images/red'],
      [404, () => `/v1/images/${UNKNOWN}`],
    ],
    thumbnail: [
      [200, () => `/v1/images/${red}/thumbnail`],
      [200, () => `/v1/images/${red}/thumbnail?size=160`],
      [
        304,
        () => [`/v1/images/${red}/thumbnail`, { headers: { 'if-none-match': `"${red}-320"` } }],
      ],
      [400, () => `/v1/images/${red}/thumbnail?size=99999`],
      [404, () => `/v1/images/${UNKNOWN}/thumbnail`],
    ],
    file: [
      [200, () => `/v1/images/${red}/file`],
      [206, () => [`/v1/images/${red}/file`, { headers: { range: 'bytes=0-9' } }]],
      [304, () => [`/v1/images/${red}/file`, { headers: { 'if-none-match': `"${red}"` } }]],
      [404, () => `/v1/images/${UNKNOWN}/file`],
      [416, () => [`/v1/images/${red}/file`, { headers: { range: 'bytes=999999999-' } }]],
    ],
    similar: [
      [200, () => `/v1/images/${red}/similar?limit=5`],
      [404, () => `/v1/images/${UNKNOWN}/similar`],
    ],
    classify: [
      [
        200,
        () =>
          post('/v1/classify', {
            images: [{ id: red }, { image: base64() }],
            labels: ['red', 'blue'],
          }),
      ],
      [
        200,
        () =>
          post('/v1/classify', {
            images: [{ id: red }],
            labels: ['red', 'blue'],
            templates: ['a picture of {}', 'something {}'],
            multiLabel: true,
          }),
      ],
      [400, () => post('/v1/classify', { images: [{ id: red }], labels: ['red', 'red'] })],
      [400, () => post('/v1/classify', { images: [{ id: red }], labels: [] })],
      [400, () => post('/v1/classify', { images: [{ id: red }], labels: ['a'], templates: ['x'] })],
      [404, () => post('/v1/classify', { images: [{ id: UNKNOWN }], labels: ['red'] })],
    ],
    embed: [
      [200, () => post('/v1/embed', { texts: ['red'], images: [{ id: red }] })],
      [200, () => post('/v1/embed', {})],
      [400, () => post('/v1/embed', { texts: 'red' })],
    ],
    audit: [
      [200, () => post('/v1/audit', QUICK)],
      [200, () => post('/v1/audit', { ...QUICK, labels: { 'red.png': 'warm' }, target: 'equal' })],
      [400, () => post('/v1/audit', { attributes: ['height'] })],
      [400, () => post('/v1/audit', { k: 4 })],
      [400, () => post('/v1/audit', { labels: { 'red.png': 1 } })],
      [404, () => post('/v1/audit', { filter: { root: '/nowhere' } })],
    ],
    auditReport: [
      [200, () => '/v1/audit/report?attribute=gender&k=5&format=png'],
      [400, () => '/v1/audit/report?attribute=height'],
      [404, () => '/v1/audit/report?root=/nowhere'],
    ],
    attributes: [[200, () => '/v1/attributes']],
    modelCard: [
      [200, () => '/v1/models/lucida-clip-1/card'],
      [200, () => '/v1/models/lucida-unclip-1/card'],
      [404, () => '/v1/models/none/card'],
      [404, () => '/v1/models/..%2Flucida-clip-1/card'],
    ],
    explain: [
      [200, () => post('/v1/explain', { image: { id: red }, terms: [{ text: 'red' }] })],
      [
        200,
        () =>
          post('/v1/explain', {
            image: { image: base64() },
            terms: [{ text: 'red' }, { id: red, weight: 0.5 }, { text: 'blue', weight: -2 }],
          }),
      ],
      [400, () => post('/v1/explain', { image: { id: red }, terms: [] })],
      [400, () => post('/v1/explain', { image: { text: 'red' }, terms: [{ text: 'red' }] })],
      [
        400,
        () =>
          post('/v1/explain', {
            image: { id: red },
            terms: [{ text: 'red' }, { text: 'red', weight: -1 }],
          }),
      ],
      [403, () => post('/v1/explain', { image: { path: '/etc/x' }, terms: [{ text: 'red' }] })],
      [404, () => post('/v1/explain', { image: { id: UNKNOWN }, terms: [{ text: 'red' }] })],
      [
        415,
        () => post('/v1/explain', { image: { image: btoa('none') }, terms: [{ text: 'red' }] }),
      ],
    ],
    safetyScores: [
      [200, () => post('/v1/safety', { images: [{ id: red }, { image: base64() }] })],
      [400, () => post('/v1/safety', { images: [] })],
      [404, () => post('/v1/safety', { images: [{ id: UNKNOWN }] })],
    ],
    status: [[200, () => '/v1/status']],
    facets: [
      [200, () => '/v1/facets'],
      [200, () => '/v1/facets?format=png&minWidth=20'],
      [400, () => '/v1/facets?minWidth=0'],
    ],
    duplicates: [
      [200, () => '/v1/duplicates'],
      [200, () => '/v1/duplicates?kind=near'],
      [200, () => '/v1/duplicates?kind=look-alike&minScore=0.6'],
      [400, () => '/v1/duplicates?kind=all'],
      [400, () => '/v1/duplicates?cursor=1'],
    ],
    teachConcept: [
      [200, () => post('/v1/concepts', { name: 'red thing', like: [{ id: red }] })],
      [400, () => post('/v1/concepts', { name: 'a:b', like: [{ id: red }] })],
      [400, () => post('/v1/concepts', { name: 'nothing' })],
      [403, () => post('/v1/concepts', { name: 'far', like: [{ path: '/etc/passwd' }] })],
      [404, () => post('/v1/concepts', { name: 'unknown', like: [{ id: UNKNOWN }] })],
      [415, () => post('/v1/concepts', { name: 'no picture', like: [{ image: btoa('no') }] })],
    ],
    concepts: [[200, () => '/v1/concepts']],
    concept: [
      [200, () => '/v1/concepts/red%20thing'],
      [400, () => '/v1/concepts/a:b'],
      [404, () => '/v1/concepts/nowhere'],
    ],
    forgetConcept: [
      [204, () => ['/v1/concepts/red%20thing', { method: 'DELETE' }]],
      [404, () => ['/v1/concepts/nowhere', { method: 'DELETE' }]],
    ],
    failures: [[200, () => '/v1/failures?limit=5']],
    roots: [[200, () => '/v1/roots']],
    addRoot: [
      [400, () => post('/v1/roots', { path: 'relative' })],
      [403, () => post('/v1/roots', { path: '/tmp' })],
    ],
    removeRoot: [
      [400, () => ['/v1/roots', { method: 'DELETE' }]],
      [404, () => ['/v1/roots?path=/nowhere', { method: 'DELETE' }]],
    ],
    startIndexing: [
      [202, () => post('/v1/index', {})],
      [202, () => post('/v1/index', { folders: [api.folder.path], prune: true })],
      [404, () => post('/v1/index', { folders: ['/etc'] })],
      [404, () => post('/v1/index', { folders: [`${api.folder.path}/none/../../etc`] })],
    ],
    jobs: [[200, () => '/v1/jobs']],
    job: [
      [200, async () => `/v1/jobs/${await job()}`],
      [404, () => '/v1/jobs/none'],
    ],
    cancelJob: [
      [202, async () => [`/v1/jobs/${await job()}`, { method: 'DELETE' }]],
      [404, () => ['/v1/jobs/none', { method: 'DELETE' }]],
    ],
    jobEvents: [
      [200, async () => `/v1/jobs/${await job()}/events`],
      [404, () => '/v1/jobs/none/events'],
    ],
    startGeneration: [
      [400, () => post('/v1/generations', { text: 'half \ud800' })],
      [202, () => post('/v1/generations', { text: 'a dog', candidates: 1, seed: 1 })],
      [400, () => post('/v1/generations', { text: 'half a character: \ud800' })],
      [
        202,
        () => post('/v1/generations', { terms: [{ id: red }, { text: 'snow' }], keep: 'best' }),
      ],
      [202, () => post('/v1/generations', { between: [{ id: red }, { text: 'snow' }], at: 1 })],
      [202, () => post('/v1/generations', { change: { image: base64() }, to: 'snow', by: 0 })],
      [202, () => post('/v1/generations', { hitsOf: [{ text: 'red' }], size: SMALL })],
      [202, () => post('/v1/generations', { text: 'a', start: { image: { id: red } } })],
      [400, () => post('/v1/generations', {})],
      [400, () => post('/v1/generations', { text: 'a', steps: 0 })],
      [400, () => post('/v1/generations', { change: { text: 'a' }, to: 'b' })],
      [403, () => post('/v1/generations', { terms: [{ path: '/etc/passwd' }] })],
      [404, () => post('/v1/generations', { terms: [{ id: UNKNOWN }] })],
      [415, () => ['/v1/generations', { body: '{}', headers: { 'content-type': 'text/plain' } }]],
    ],
    generation: [
      [200, async () => `/v1/generations/${await drawn()}`],
      [404, () => '/v1/generations/none'],
    ],
    generationEvents: [
      [200, async () => `/v1/generations/${await drawn()}/events`],
      [404, () => '/v1/generations/none/events'],
    ],
    cancelGeneration: [
      [202, async () => [`/v1/generations/${await drawn()}`, { method: 'DELETE' }]],
      [404, () => ['/v1/generations/none', { method: 'DELETE' }]],
    ],
    candidate: [
      [200, async () => `/v1/generations/${await drawn()}/candidates/0`],
      [400, async () => `/v1/generations/${await drawn()}/candidates/best`],
      [404, async () => `/v1/generations/${await drawn()}/candidates/7`],
      [404, () => '/v1/generations/none/candidates/0'],
    ],
    keepCandidate: [
      [200, async () => post(`/v1/generations/${await drawn()}/candidates/0/keep`, {})],
      [404, async () => post(`/v1/generations/${await drawn()}/candidates/7/keep`, {})],
      [415, async () => [`/v1/generations/${await drawn()}/candidates/0/keep`, { method: 'POST' }]],
    ],
    openaiGenerate: [
      [200, () => post('/v1/images/generations', { prompt: 'a dog', n: 2, size: '64x64' })],
      [200, () => post('/v1/images/generations', { prompt: 'a', response_format: 'url' })],
      [400, () => post('/v1/images/generations', { prompt: 'a', n: 0 })],
      [415, () => ['/v1/images/generations', { form: upload(picture) }]],
    ],
    openaiEdit: [
      [200, () => ['/v1/images/edits', { form: upload(picture, { prompt: 'snow', n: '1' }) }]],
      [400, () => ['/v1/images/edits', { form: upload(picture) }]],
      [415, () => ['/v1/images/edits', { form: upload(Buffer.from('none'), { prompt: 'a' }) }]],
      [415, () => post('/v1/images/edits', {})],
    ],
    openaiVary: [
      [200, () => ['/v1/images/variations', { form: upload(picture, { size: '32x32' }) }]],
      [400, () => ['/v1/images/variations', { form: new FormData() }]],
      [415, () => ['/v1/images/variations', { form: upload(Buffer.from('no picture')) }]],
    ],
    // The model of this server was set; what changes it is in models.test.ts.
    models: [[200, () => '/v1/models']],
    useModel: [
      [400, () => post('/v1/models/use', { model: 'lucida-clip-1' })],
      [400, () => post('/v1/models/use', { model: '/etc' })],
      [404, () => post('/v1/models/use', { model: 'a/../../etc' })],
      [415, () => ['/v1/models/use', { method: 'POST' }]],
    ],
    pauseModel: [[400, () => post('/v1/models/pause', {})]],
    resumeModel: [[400, () => post('/v1/models/resume', {})]],
    rollbackModel: [[400, () => post('/v1/models/rollback', {})]],
    modelFailures: [[200, () => '/v1/models/failures']],
    dropModel: [
      [400, () => ['/v1/models/lucida-clip-1', { method: 'DELETE' }]],
      [404, () => ['/v1/models/never-used', { method: 'DELETE' }]],
    ],
    session: [[200, () => '/v1/session']],
    signIn: [
      [400, () => post('/v1/session', {})],
      [401, () => post('/v1/session', { key: 'lk_wrong' })],
    ],
    signOut: [[204, () => ['/v1/session', { method: 'DELETE' }]]],
    keys: [
      [200, () => ['/v1/keys', { asOwner: true }]],
      [403, () => '/v1/keys'],
    ],
    createKey: [[403, () => post('/v1/keys', { name: 'mine' })]],
    revokeKey: [
      [403, () => ['/v1/keys/abc', { method: 'DELETE' }]],
      [404, () => ['/v1/keys/abc', { method: 'DELETE', asOwner: true }]],
    ],
    copyDatabase: [[403, () => post('/v1/database/copy', {})]],
    knnService: [
      [200, () => post('/knn-service', { text: 'red', num_images: 3 })],
      [400, () => post('/knn-service', {})],
      [400, () => post('/knn-service', { text: 'red', modality: 'text' })],
      [404, () => post('/knn-service', { text: 'red', indice_name: 'laion5B' })],
    ],
    metadata: [
      [200, () => post('/metadata', { ids: [red] })],
      [404, () => post('/metadata', { ids: [UNKNOWN] })],
    ],
    indicesList: [[200, () => '/indices-list']],
    livez: [[200, () => '/livez']],
    readyz: [[503, () => '/readyz']],
    metrics: [[200, () => '/metrics']],
    // Last, since they take away what others need.
    forgetImage: [
      [404, () => [`/v1/images/${UNKNOWN}`, { method: 'DELETE' }]],
      [204, () => [`/v1/images/${api.images.get('black')!.id}`, { method: 'DELETE' }]],
    ],
  }
  const ones = () => Array.from({ length: api.lucida.model.dimension }, () => 1)

  test('every route of the table is in the document, and every operation has samples', () => {
    expect(new Set(operations.keys())).toEqual(new Set(Object.keys(ROUTES)))
    expect(new Set(Object.keys(samples))).toEqual(new Set(operations.keys()))
  })

  describe.each(Object.entries(samples))('%s', (name, all) => {
    test.each(all)('answers %i, as the document says (%#)', async (status, sample) => {
      const [path, how] = [await sample()].flat() as [string, Ask?]
      const answer = await api.ask(path, how)
      const copy = answer.clone()
      expect(await mismatch(operations.get(name)!, answer)).toBeNull()
      expect(copy.status).toBe(status)
      if (copy.status >= 400) expect(await copy.json()).toHaveProperty('error.message')
    })
  })

  test('a damaged picture is told from one that is none', async () => {
    const form = upload(await makeBrokenPicture(1))
    expect((await api.ask('/v1/search/image', { form })).status).toBe(422)
  })

  test('a bad request names the field', async () => {
    const answer = await api.ask('/v1/search', { json: { terms: [{ text: 'a', weight: 'much' }] } })
    const { error } = (await answer.json()) as { error: { code: string; message: string } }
    expect(error.code).toBe('bad_input')
    expect(error.message).toMatch(/^terms\.0\.weight: /)
  })

  test('what is nowhere is not found', async () => {
    const answer = await api.ask('/v2/search')
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ error: { code: 'not_found' } })
  })

  test('the pages of a search hold every picture once', async () => {
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const next = cursor === null ? '' : `&cursor=${cursor}`
      const page: SearchResponse = await api.json(`/v1/search?text=red&limit=5${next}`)
      seen.push(...page.items.map(({ image }) => image.id))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen).toHaveLength(new Set(seen).size)
    expect(seen).toHaveLength(api.images.size - 1)
  })
})

type Sample = string | readonly [string, Ask] | Promise<string | readonly [string, Ask]>

const QUICK = { attributes: ['gender'], k: 5, permutations: 99, resamples: 100 }
const JSON_TYPE = { 'content-type': 'application/json' }

function post(path: string, json: unknown): readonly [string, Ask] {
  return [path, { json }]
}
