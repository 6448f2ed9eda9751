// What other people's pages, keys, files and connections may not do; one test for each attack. The
// guard of remote addresses itself, redirects and rebinding included, is in unit/fetch-image.test.ts.
import { once } from 'node:events'
import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_JSON_BYTES, MAX_UPLOAD_BYTES } from '../../src/api/limits.ts'
import { type RunningServer, startServer } from '../../src/api/server.ts'
import type { SessionResponse } from '../../src/api/contract.ts'
import { type Ask, FAR_AWAY, openTestApi, type TestApi } from '../helpers/api.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { drawPicture } from '../helpers/noise-pictures.ts'
import { indexAll } from '../helpers/open-lucida.ts'
import { newFolder } from '../helpers/picture-folder.ts'

describeDatabase('refused', (newPlace) => {
  let place: TestPlace
  let api: TestApi
  let red: string

  beforeAll(async () => {
    place = await newPlace()
    api = await openTestApi(place)
    red = api.images.get('red')!.id
  })
  afterAll(async () => {
    expect(api.errors).toEqual([])
    await api[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  const refused = async (path: string, how: Ask, ...statuses: number[]) => {
    const answer = await api.ask(path, how)
    expect(statuses).toContain(answer.status)
    return answer
  }

  describe('files', () => {
    test.each([
      '/v1/images/..%2F..%2F..%2Fetc%2Fpasswd/file',
      '/v1/images/%2Fetc%2Fpasswd/file',
      `/v1/images/${'0'.repeat(63)}%2F/file`,
      '/assets/..%2F..%2Fpackage.json',
      '/..%2F..%2Fetc%2Fpasswd',
      '/assets/%2e%2e/%2e%2e/package.json',
    ])('a path that climbs out: %s', async (path) => {
      const answer = await refused(path, {}, 400, 404)
      expect(await answer.text()).toContain('"error"')
    })

    test('a path that climbs out, sent as it is', async () => {
      await using server = await listening(api)
      for (const path of ['/../../../../etc/passwd', '/assets/../../package.json']) {
        const text = await sendRaw(server.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n`)
        expect(text).toMatch(/^HTTP\/1\.1 40[04] /)
      }
    })

    test('a picture that has become a link, or lies behind one', async () => {
      await using elsewhere = await newFolder()
      const secret = await elsewhere.write('secret.png', await drawPicture('#123456'))
      const files = ['link/a.png', 'folder/b.png']
      for (const [i, name] of files.entries()) {
        await api.folder.write(name, await drawPicture(`#abcde${i}`))
      }
      await indexAll(api.lucida, [api.folder.path])
      const { results } = await api.lucida.list({ limit: 100 })
      const idOf = (name: string) => results.find(({ path }) => path === api.folder.at(name))!.id
      const ids = files.map(idOf)
      await rm(api.folder.at('link/a.png'))
      await symlink(secret, api.folder.at('link/a.png'))
      await rename(secret, elsewhere.at('b.png'))
      await rm(api.folder.at('folder'), { recursive: true })
      await symlink(elsewhere.path, api.folder.at('folder'))
      for (const id of ids) {
        await refused(`/v1/images/${id}/file`, {}, 404)
        await refused(`/v1/images/${id}/thumbnail`, {}, 404)
      }
    })

    test('a file that is no longer what was indexed', async () => {
      await api.folder.write('changing.png', await drawPicture('#0f0f0f'))
      await indexAll(api.lucida, [api.folder.path])
      const { results } = await api.lucida.list({ limit: 100 })
      const { id } = results.find(({ path }) => path.endsWith('changing.png'))!
      expect((await api.ask(`/v1/images/${id}/file`)).status).toBe(200)
      await api.folder.write('changing.png', Buffer.from('something that nobody indexed'))
      await refused(`/v1/images/${id}/file`, {}, 409)
    })

    test('a file for whoever is not at the shell', async () => {
      const json = { terms: [{ path: '/etc/passwd' }] }
      await refused('/v1/search', { json }, 403)
      await refused('/v1/embed', { json: { images: [{ path: '/etc/passwd' }] } }, 403)
    })

    test('scripts in a picture: an SVG is served where nothing of it can run', async () => {
      await api.folder.write(
        'drawing.svg',
        Buffer.from(
          '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
        ),
      )
      await indexAll(api.lucida, [api.folder.path])
      const { results } = await api.lucida.list({ filter: { format: 'svg' } })
      const answer = await api.ask(`/v1/images/${results[0]!.id}/file`)
      expect(answer.headers.get('content-type')).toBe('image/svg+xml')
      expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/)
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    })
  })

  describe('pages of others', () => {
    const changes: [string, string, Ask][] = [
      ['POST', '/v1/index', { json: {} }],
      ['POST', '/v1/search', { json: { terms: [{ text: 'red' }] } }],
      ['POST', '/v1/generations', { json: { text: 'red' } }],
      ['POST', '/v1/images/generations', { json: { prompt: 'red' } }],
      ['POST', '/v1/session', { json: { key: 'lk_1' } }],
      ['DELETE', `/v1/images/${'0'.repeat(64)}`, { method: 'DELETE' }],
    ]
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://localhost:9999' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]
    test.each(changes)('a cross-site %s %s', async (_, path, how) => {
      for (const headers of foreign) await refused(path, { ...how, headers }, 403)
    })

    test('an address in a page of another site that would have something drawn', async () => {
      const path = `/v1/search?ifNotFound=generate&like=${red}`
      for (const headers of foreign) {
        await refused(path, { headers }, 403)
        await refused(path, { method: 'HEAD', headers }, 403)
      }
      // What is typed into the browser gets as far as being understood.
      await refused(path, { headers: { 'sec-fetch-site': 'none' } }, 400)
      await refused(path, {}, 400)
    })

    test('a form of another site, which needs no leave to be sent', async () => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      await refused('/v1/index', { body: '{}', headers }, 415)
      await refused('/v1/index', { body: '{}', headers: { 'content-type': 'text/plain' } }, 415)
    })

    test('our own page is not refused', async () => {
      const headers = { origin: 'http://localhost', 'sec-fetch-site': 'same-origin' }
      const answer = await api.ask('/v1/search', { json: { terms: [{ text: 'red' }] }, headers })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    })

    test('a foreign Host header, as after DNS rebinding', async () => {
      await using server = await listening(api)
      for (const host of [
        'evil.example',
        `evil.example:${server.port}`,
        '127.0.0.1.evil.example',
      ]) {
        const text = await sendRaw(server.port, `GET /v1/facets HTTP/1.1\r\nHost: ${host}\r\n`)
        expect(text).toMatch(/^HTTP\/1\.1 421 /)
      }
      for (const host of ['localhost', `127.0.0.1:${server.port}`, '[::1]']) {
        const text = await sendRaw(server.port, `GET /v1/facets HTTP/1.1\r\nHost: ${host}\r\n`)
        expect(text).toMatch(/^HTTP\/1\.1 200 /)
      }
    })
  })

  describe('what is too large', () => {
    test('a body, by its declared and by its real size', async () => {
      await using server = await listening(api)
      const head = (length: string) =>
        `POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${length}\r\n`
      const declared = await sendRaw(server.port, head(`Content-Length: ${MAX_JSON_BYTES + 1}`))
      expect(declared).toMatch(/^HTTP\/1\.1 413 /)
      const blanks = ' '.repeat(MAX_JSON_BYTES + 1)
      const chunk = `${blanks.length.toString(16)}\r\n${blanks}\r\n0\r\n\r\n`
      const chunked = await sendRaw(server.port, head('Transfer-Encoding: chunked'), chunk)
      expect(chunked).toMatch(/^HTTP\/1\.1 413 /)
    })

    test('an upload', async () => {
      const form = new FormData()
      form.append('image', new File([new Uint8Array(MAX_UPLOAD_BYTES)], 'huge.png'))
      await refused('/v1/search/image', { form }, 413)
    })

    test('a small file that claims to be a picture of a billion pixels', async () => {
      const form = new FormData()
      form.append('image', new File([Uint8Array.from(bombPng(40_000, 40_000))], 'bomb.png'))
      const answer = await refused('/v1/search/image', { form }, 413)
      expect(await answer.text()).toContain('1600000000 pixels')
    })

    test('a compressed body, which is not unpacked', async () => {
      const headers = { 'content-type': 'application/json', 'content-encoding': 'deflate' }
      const body = Uint8Array.from(deflateSync(JSON.stringify({ terms: [{ text: 'red' }] })))
      await refused('/v1/search', { body, headers }, 400)
    })
  })

  describe('remote addresses', () => {
    const search = (url: string): Ask => ({ json: { terms: [{ url }] } })

    test('all of them, unless the settings allow them', async () => {
      const answer = await refused('/v1/search', search('https://example.com/a.png'), 403)
      expect(await answer.text()).toContain('LUCIDA_REMOTE_URLS')
    })

    test('private ones, by number or by name, whatever DNS says the second time', async () => {
      await using victim = await listeningVictim()
      const { port } = victim
      const answers = [
        '127.0.0.1',
        '169.254.169.254',
        '10.0.0.1',
        '::1',
        'fd00::1',
        '::ffff:7f00:1',
      ]
      await using other = await newPlace()
      await using open = await openTestApi(other, {
        config: { remoteUrls: true },
        empty: true,
        api: {
          resolve: async () => {
            const address = answers.shift() ?? '127.0.0.1'
            return [{ address, family: address.includes(':') ? 6 : 4 }]
          },
        },
      })
      const urls = [
        ...answers.map(() => `http://rebinding.example:${port}/a.png`),
        `http://127.0.0.1:${port}/a.png`,
        `http://[::1]:${port}/a.png`,
        `http://0x7f000001:${port}/a.png`,
        `http://localhost:${port}/a.png`,
        'http://169.254.169.254/latest/meta-data/',
        'file:///etc/passwd',
        'gopher://127.0.0.1/',
      ]
      for (const url of urls) {
        const answer = await open.ask('/v1/search', search(url))
        expect(`${answer.status} ${url}`).toBe(`400 ${url}`)
      }
      const knn = await open.ask('/knn-service', {
        json: { image_url: `http://127.0.0.1:${port}` },
      })
      expect(knn.status).toBe(400)
      expect(victim.visits()).toBe(0)
    })
  })

  describe('slow clients', () => {
    const patience = { headersMs: 300, requestMs: 600, idleMs: 900 }

    test.each([
      ['headers that never end', 'GET /v1/facets HTTP/1.1\r\nHost: localhost\r\n'],
      [
        'a body that never comes',
        'POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
      ],
      ['nothing at all', ''],
    ])('%s', async (_, text) => {
      await using server = await listening(api, patience)
      const socket = connect(server.port, '127.0.0.1')
      socket.write(text)
      const answer = await readToEnd(socket)
      expect(answer).not.toMatch(/^HTTP\/1\.1 2/)
    })
  })

  describe('keys', () => {
    let guarded: TestApi
    let where: TestPlace
    const keys = { read: '', write: '', admin: '' }

    beforeAll(async () => {
      where = await newPlace()
      guarded = await openTestApi(where, { config: { rateLimit: 0 } })
      for (const scope of ['read', 'write', 'admin'] as const) {
        keys[scope] = (await guarded.lucida.keys.create({ name: scope, scope })).key
      }
    })
    afterAll(async () => {
      expect(guarded.errors).toEqual([])
      await guarded[Symbol.asyncDispose]()
      await where[Symbol.asyncDispose]()
    })

    const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

    test('nobody without one, as soon as there is one', async () => {
      const answer = await guarded.ask('/v1/search?text=red')
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect((await guarded.ask('/livez')).status).toBe(200)
      expect((await guarded.ask('/metrics')).status).toBe(401)
    })

    test.each([
      ['read', 'read', '/v1/facets', {}, 200],
      ['read', 'write', '/v1/index', { json: {} }, 403],
      ['write', 'write', '/v1/index', { json: {} }, 202],
      ['write', 'admin', '/v1/roots', { json: { path: '/tmp' } }, 403],
      ['admin', 'admin', '/v1/roots?path=/nowhere', { method: 'DELETE' }, 404],
      ['admin', 'the shell', '/v1/keys', {}, 403],
    ] as const)('%s key where %s is needed: %s', async (scope, _, path, how, status) => {
      const answer = await guarded.ask(path, { ...how, headers: bearer(keys[scope]) })
      expect(answer.status).toBe(status)
      const other = await guarded.ask(path, { ...how, headers: { 'x-api-key': keys[scope] } })
      expect(other.status).toBe(status)
    })

    test('ten thousand wrong keys, without keeping the right one out', {
      timeout: 300_000,
    }, async () => {
      const counts = new Map<number, number>()
      const [, id] = keys.admin.split('_')
      for (let i = 0; i < 10_000; i++) {
        // Half of them know the public part of a key.
        const start = i % 2 ? `lk_${id}_` : `lk_${i.toString(16).padStart(12, '0')}_`
        const key = start + i.toString().padStart(43, 'x')
        const answer = await guarded.ask('/v1/facets', { headers: bearer(key), from: FAR_AWAY })
        counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1)
        if (answer.status === 429)
          expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      }
      expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([401, 429])
      expect(counts.get(429)).toBeGreaterThan(9000)
      const right = await guarded.ask('/v1/facets', { headers: bearer(keys.read), from: FAR_AWAY })
      expect(right.status).toBe(200)
    })

    test('a revoked key, also for a page that had signed in with it', async () => {
      const { key, id } = await guarded.lucida.keys.create({ name: 'short', scope: 'read' })
      // Keys of other processes are noticed after a while; the owner's at once.
      await guarded.ask('/v1/keys', { json: { name: 'other' }, asOwner: true })
      expect((await guarded.ask('/v1/facets', { headers: bearer(key) })).status).toBe(200)
      const page = await signIn(guarded, key)
      expect((await guarded.ask('/v1/facets', { headers: page.headers })).status).toBe(200)
      await guarded.ask(`/v1/keys/${id}`, { method: 'DELETE', asOwner: true })
      expect((await guarded.ask('/v1/facets', { headers: bearer(key) })).status).toBe(401)
      expect((await guarded.ask('/v1/facets', { headers: page.headers })).status).toBe(401)
    })

    test('a signed-in page without its token', async () => {
      const { headers, session, cookie } = await signIn(guarded, keys.write)
      expect(cookie).toMatch(/; HttpOnly/i)
      expect(cookie).toMatch(/; SameSite=Strict/i)
      expect(session).toMatchObject({ scope: 'write', keyRequired: true })
      const index = (more: Record<string, string>) =>
        guarded.ask('/v1/index', { json: {}, headers: { ...headers, ...more } })
      expect((await index({})).status).toBe(403)
      expect((await index({ 'x-csrf-token': 'guessed' })).status).toBe(403)
      expect((await index({ 'x-csrf-token': session.csrfToken! })).status).toBe(202)
      const like = guarded.images.get('red')!.id
      const draw = (more: Record<string, string>) =>
        guarded.ask(`/v1/search?ifNotFound=generate&like=${like}`, {
          headers: { ...headers, ...more },
        })
      expect((await draw({})).status).toBe(403)
      expect((await draw({ 'x-csrf-token': session.csrfToken! })).status).toBe(400)
      const token = { 'x-csrf-token': session.csrfToken! }
      const out = { method: 'DELETE', headers: { ...headers, ...token } }
      expect((await guarded.ask('/v1/session', out)).status).toBe(204)
      expect((await guarded.ask('/v1/facets', { headers })).status).toBe(401)
    })
  })

  test('folders outside those that the settings name, links out of them included', async () => {
    await using other = await newPlace()
    await using allowed = await newFolder()
    await using outside = await newFolder()
    await mkdir(allowed.at('inside'))
    await symlink(outside.path, allowed.at('link'))
    await using open = await openTestApi(other, {
      config: { allowedRoots: [allowed.path] },
      empty: true,
    })
    const add = async (path: string) => (await open.ask('/v1/roots', { json: { path } })).status
    expect(await add(allowed.at('inside'))).toBe(202)
    expect(await add(outside.path)).toBe(403)
    expect(await add(allowed.at('link'))).toBe(403)
    expect(await add(`${allowed.path}/../`)).toBe(403)
    expect(await add(`${allowed.path}-sibling`)).toBe(403)
    expect(await add(allowed.at('missing'))).toBe(403)
  })

  test('more requests than the limit, with the time to come back', async () => {
    await using other = await newPlace()
    await using open = await openTestApi(other, { config: { rateLimit: 30 }, empty: true })
    const statuses = new Set<number>()
    let last: Response | undefined
    for (let i = 0; i < 60; i++) {
      last = await open.ask('/v1/session', { from: FAR_AWAY })
      statuses.add(last.status)
    }
    expect([...statuses].toSorted((a, b) => a - b)).toEqual([200, 429])
    expect(Number(last!.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await open.ask('/v1/session', { from: '198.51.100.7' })).status).toBe(200)
    expect((await open.ask('/v1/session')).status).toBe(200)
    // Whoever has an IPv6 address has a whole network of them.
    statuses.clear()
    for (let i = 0; i < 60; i++) {
      const from = `2001:db8::${i.toString(16)}`
      statuses.add((await open.ask('/v1/session', { from })).status)
    }
    expect([...statuses].toSorted((a, b) => a - b)).toEqual([200, 429])
    const elsewhere = await open.ask('/v1/session', { from: '2001:db8:0:1::1' })
    expect(elsewhere.status).toBe(200)
  })

  test('more requests at once than fit into the queue, and health checks never', async () => {
    await using other = await newPlace()
    await using open = await openTestApi(other, { api: { load: { requests: 4 } } })
    const searches = Array.from({ length: 40 }, (_, i) => open.ask(`/v1/search?text=red+${i}`))
    expect((await open.ask('/livez')).status).toBe(200)
    const answers = await Promise.all(searches)
    const statuses = answers.map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 503]))
    expect(statuses.filter((status) => status === 200)).toHaveLength(4)
    const busy = answers.find(({ status }) => status === 503)!
    expect(busy.headers.get('retry-after')).toBe('1')
    expect((await open.ask('/v1/search?text=red')).status).toBe(200)
  })

  test('what is served carries the headers that keep browsers in check', async () => {
    for (const path of ['/', '/docs', '/v1/facets', `/v1/images/${red}/thumbnail`, '/nowhere']) {
      const { headers } = await api.ask(path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
      expect(headers.get('content-security-policy')).not.toMatch(/script-src[^;]*unsafe/)
    }
  })
})

async function listening(
  { api }: TestApi,
  patience = { headersMs: 10_000, requestMs: 10_000, idleMs: 10_000 },
): Promise<RunningServer & AsyncDisposable> {
  // Its end must not end the API, which the other tests still need.
  const shared = { ...api, close: async () => {} }
  const server = await startServer(shared, { host: '127.0.0.1', port: 0, patience })
  return { ...server, [Symbol.asyncDispose]: () => server.close() }
}

/** A server that must never be reached. */
async function listeningVictim() {
  let visits = 0
  const server = createServer((_, answer) => {
    visits++
    answer.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    visits: () => visits,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

/** Sends bytes as they are, which `fetch` would tidy up, and returns the whole answer. */
async function sendRaw(port: number, head: string, body = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${head}Connection: close\r\n\r\n${body}`)
  return readToEnd(socket)
}

async function readToEnd(socket: Socket): Promise<string> {
  let text = ''
  socket.on('error', () => {})
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  await once(socket, 'close')
  return text
}

async function signIn(api: TestApi, key: string) {
  const answer = await api.ask('/v1/session', { json: { key } })
  expect(answer.status).toBe(200)
  const cookie = answer.headers.get('set-cookie')!
  return {
    cookie,
    session: (await answer.json()) as SessionResponse,
    headers: { cookie: cookie.split(';')[0]! },
  }
}

/** A valid PNG header for so many pixels, with hardly any data behind it. */
function bombPng(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(data.length)
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(100_000))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** The PNG specification, annex D. */
function crc32(bytes: Buffer): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
