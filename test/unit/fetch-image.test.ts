import { once } from 'node:events'
import { type RequestListener, type Server, createServer } from 'node:http'
import { type AddressInfo, setDefaultAutoSelectFamily } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import {
  type FetchBounds,
  type Resolve,
  fetchBounded,
  fetchImage,
  isPublicAddress,
} from '../../src/search/fetch-image.ts'

const PICTURE = Uint8Array.from([0xff, 0xd8, 0xff, 0xe0])
let server: Server | undefined

/** Starts a loopback server and gives its address under a name that `loopback` resolves. */
async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://pictures.test:${(server.address() as AddressInfo).port}`
}

/** The policy of production, except that 127.0.0.1 (alone) plays the public internet. */
const loopback: FetchBounds = {
  allows: (address) => address === '127.0.0.1' || isPublicAddress(address),
  resolve: async () => [{ address: '127.0.0.1', family: 4 }],
}

const silent: Resolve = () => new Promise(() => {})
const unknown: Resolve = () => Promise.reject(new Error('getaddrinfo ENOTFOUND pictures.test'))

const resolvesTo =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
})

test.each([
  '8.8.8.8',
  '93.184.215.14',
  '172.15.255.255',
  '172.32.0.1',
  '192.0.1.1',
  '198.17.255.255',
  '198.20.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00:1450:4001::64',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

test.each([
  // "This" network, private, carrier-grade NAT, loopback, link-local with the metadata service.
  ['0.0.0.0', '0.1.2.3', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  ['100.64.0.1', '100.100.100.200', '127.0.0.1', '127.255.255.254', '169.254.169.254'],
  // Protocol assignments, documentation, benchmarking, AS112, AMT, 6to4 relay, Azure's services.
  ['192.0.0.192', '192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '198.19.255.255'],
  ['192.31.196.1', '192.52.193.1', '192.88.99.1', '192.175.48.1', '168.63.129.16'],
  // Multicast, reserved, broadcast.
  ['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  // Unspecified, loopback, link-local, site-local, unique-local, multicast, discard.
  ['::', '::1', 'fe80::1', 'febf::1', 'fec0::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '100::1'],
  // Documentation, benchmarking, ORCHID, AS112, AMT, segment routing, protocol assignments.
  ['2001:db8::1', '3fff::1', '2001:2::1', '2001:10::1', '2001:20::1', '2001:30::1', '5f00::1'],
  ['2001:4:112::1', '2620:4f:8000::1', '2001:3::1', '2001:1::1'],
  // Unassigned, and so said to be unicast by ipaddr.js.
  ['100:0:0:1::1', '64:ff9b:2::1', '4000::1', '200::1', '1::1'],
  // IPv4 in disguise: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP.
  ['::ffff:127.0.0.1', '::ffff:a00:1', '::FFFF:169.254.169.254', '::10.0.0.1', '::7f00:1'],
  ['::8.8.8.8', '::ffff:0:127.0.0.1', '64:ff9b::10.0.0.1', '64:ff9b::a9fe:a9fe'],
  ['64:ff9b:1::808:808', '2002:7f00:1::', '2002:c0a8:101::1', '2001:0:1234::1'],
  ['2606:4700::5efe:10.0.0.1', '2606:4700::200:5efe:a00:1'],
  // Not canonical, zoned, or no address at all.
  ['010.0.0.1', '0x7f.1', '2130706433', '127.1', 'fe80::1%eth0', '2606:4700::1111%lo'],
  ['', 'localhost', 'example.com', '::1]:80/[', '[::1]', '8.8.8.8 '],
])('not public: %s %s %s %s %s %s', (...addresses) => {
  expect(addresses.filter(isPublicAddress)).toEqual([])
})

test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://0177.0.0.1/',
  'http://0x7f000001/',
  'http://2130706433/',
  'http://127.0.0.1./',
  'http://%31%32%37.0.0.1/',
  'http://①②⑦.⓪.⓪.①/',
  'https://10.0.0.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[64:ff9b::a00:1]/',
  'http://[fd00::1]:8080/',
  'http://0/',
])('an address in the URL is refused without asking DNS: %s', async (url) => {
  await expect(fetchImage(url, { resolve: unknown })).rejects.toMatchObject({
    code: 'bad_input',
    message: expect.stringMatching(/private or reserved address/),
  })
})

test.each(['http://intranet.test/a.jpg', 'https://intranet.test./a.jpg', 'http://localhost./'])(
  'a name for a private address is refused: %s',
  async (url) => {
    for (const address of ['127.0.0.1', '::1', '10.1.2.3', '::ffff:10.1.2.3', '169.254.169.254']) {
      const options = { resolve: resolvesTo(address) }
      await expect(fetchImage(url, options)).rejects.toMatchObject({
        code: 'bad_input',
        message: expect.stringContaining(url),
      })
    }
  },
)

test('the real resolver is checked too', async () => {
  await expect(fetchImage('http://localhost/')).rejects.toMatchObject({ code: 'bad_input' })
})

test('no option of a caller switches the check off', async () => {
  const base = await serve((_, response) => response.end(PICTURE))
  const options = { ...loopback, allows: () => true, timeoutMs: 1000 }
  await expect(fetchImage(base, options)).rejects.toMatchObject({ code: 'bad_input' })
})

test.each([
  'ftp://example.com/a.jpg',
  'file:///etc/passwd',
  'data:image/png;base64,AAAA',
  'a.jpg',
  '',
  'http://',
])('only http: and https: URLs are followed: %j', async (url) => {
  await expect(fetchImage(url)).rejects.toMatchObject({
    code: 'bad_input',
    message: expect.stringContaining(`for url but received ${JSON.stringify(url)}`),
  })
})

test('a password in the URL is refused and not repeated', async () => {
  const failure = fetchImage('https://me:secret@example.com/a.jpg')
  await expect(failure).rejects.toMatchObject({
    code: 'bad_input',
    message: expect.not.stringContaining('secret'),
  })
})

test('a picture arrives byte for byte, asked for plainly and without a kept connection', async () => {
  let headers: Record<string, unknown> = {}
  const base = await serve((request, response) => {
    headers = request.headers
    response.setHeader('content-type', 'Image/JPEG; foo=bar').end(PICTURE)
  })
  const bytes = await fetchBounded(`${base}/a%20b.jpg?x=1#part`, loopback)
  expect(bytes).toEqual(PICTURE)
  expect(bytes.buffer.byteLength).toBe(PICTURE.length)
  expect(headers).toMatchObject({
    'accept-encoding': 'identity',
    connection: 'close',
    host: new URL(base).host,
  })
})

test.each([undefined, 'application/octet-stream', 'binary/octet-stream', 'image/x-anything'])(
  'type %s is left to the decoder',
  async (type) => {
    const base = await serve((_, response) => {
      if (type) response.setHeader('content-type', type)
      response.end(PICTURE)
    })
    expect(await fetchBounded(base, loopback)).toEqual(PICTURE)
  },
)

test.each([
  [{ 'content-type': 'text/html' }, 'text/html'],
  [{ 'content-type': 'application/json; x=image/png' }, 'application/json'],
  [{ 'content-type': 'image/png', 'content-encoding': 'gzip' }, 'gzip'],
])('an answer with %j is not a picture', async (headers, reason) => {
  const base = await serve((_, response) => response.writeHead(200, headers).end('x'))
  await expect(fetchBounded(`${base}/page`, loopback)).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringMatching(new RegExp(`${base}/page.*${reason}`)),
  })
})

test.each([404, 500, 204, 206, 304, 302])('status %d is named', async (status) => {
  const base = await serve((_, response) => response.writeHead(status).end())
  await expect(fetchBounded(`${base}/a.jpg`, loopback)).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining(`${base}/a.jpg answers with status ${status}`),
  })
})

test('only allowed addresses of a name are tried', async () => {
  const base = await serve((_, response) => response.end(PICTURE))
  const resolve = resolvesTo('10.0.0.1', '::1', '127.0.0.1', '169.254.169.254')
  expect(await fetchBounded(base, { ...loopback, resolve })).toEqual(PICTURE)
})

test('the check holds when Node.js asks for a single address', async () => {
  const base = await serve((_, response) => response.end(PICTURE))
  setDefaultAutoSelectFamily(false)
  try {
    const resolve = resolvesTo('10.0.0.1', '127.0.0.1')
    expect(await fetchBounded(base, { ...loopback, resolve })).toEqual(PICTURE)
    const refused = fetchBounded(base, { ...loopback, resolve: resolvesTo('10.0.0.1') })
    await expect(refused).rejects.toMatchObject({ code: 'bad_input' })
  } finally {
    setDefaultAutoSelectFamily(true)
  }
})

test('a name that changes its address between two connections is checked at each', async () => {
  const asked: string[] = []
  const base = await serve((_, response) =>
    response.writeHead(302, { location: '/again.jpg' }).end(),
  )
  const resolve: Resolve = async (hostname) => {
    asked.push(hostname)
    return [{ address: asked.length === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]
  }
  await expect(fetchBounded(base, { ...loopback, resolve })).rejects.toMatchObject({
    code: 'bad_input',
    message: expect.stringMatching(/again.jpg \(redirected from .*private or reserved/),
  })
  // Once for each connection: no second look-up could differ from the checked one.
  expect(asked).toEqual(['pictures.test', 'pictures.test'])
})

test.each([
  ['http://10.0.0.1/a.jpg', 'private or reserved'],
  ['//169.254.169.254/latest', 'private or reserved'],
  ['http://[::1]/', 'private or reserved'],
  ['file:///etc/passwd', 'an http: or https: URL'],
  ['http://me:secret@pictures.test/', 'user name or password'],
  ['http://', 'an http: or https: URL'],
])('a redirect to %s is not followed', async (location, reason) => {
  const base = await serve((_, response) => response.writeHead(301, { location }).end())
  await expect(fetchBounded(base, loopback)).rejects.toMatchObject({
    code: 'bad_input',
    message: expect.stringContaining(reason),
  })
})

test('five redirects are followed, a sixth is not', async () => {
  let left = 5
  let requests = 0
  const base = await serve((_, response) => {
    requests++
    if (left-- > 0) response.writeHead(307, { location: `/${left}` }).end()
    else response.end(PICTURE)
  })
  expect(await fetchBounded(base, loopback)).toEqual(PICTURE)
  left = 6
  requests = 0
  await expect(fetchBounded(base, loopback)).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining('redirects more than 5 times'),
  })
  expect(requests).toBe(6)
})

test('a redirect in raw UTF-8 arrives', async () => {
  const base = await serve((request, response) => {
    if (request.url === '/') {
      response.writeHead(302, { location: Buffer.from('/é.jpg').toString('latin1') }).end()
    } else response.end(request.url)
  })
  expect(Buffer.from(await fetchBounded(base, loopback)).toString()).toBe('/%C3%A9.jpg')
})

test('a size over the bound is refused on its declaration alone', async () => {
  const base = await serve((_, response) =>
    response.writeHead(200, { 'content-length': 50_000_001 }).flushHeaders(),
  )
  await expect(fetchBounded(base, loopback)).rejects.toMatchObject({
    code: 'too_large',
    message: expect.stringContaining(`${base}/ is larger than 50 MB`),
  })
})

test('an endless picture of undeclared size is cut off at the bound', async () => {
  let ended = false
  const base = await serve((_, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(10_000)), 1)
    response.on('close', () => {
      clearInterval(timer)
      ended = true
    })
  })
  await expect(fetchBounded(base, { ...loopback, maxBytes: 100_000 })).rejects.toMatchObject({
    code: 'too_large',
  })
  await expect.poll(() => ended).toBe(true)
})

test('a picture of exactly the bound arrives', async () => {
  const base = await serve((_, response) => response.end(Buffer.alloc(1000)))
  const bytes = await fetchBounded(base, { ...loopback, maxBytes: 1000 })
  expect(bytes).toHaveLength(1000)
})

test('a picture that breaks off is an error, not half a picture', async () => {
  const base = await serve((_, response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('half', () => response.destroy())
  })
  await expect(fetchBounded(base, loopback)).rejects.toMatchObject({ code: 'fetch_failed' })
})

test('the deadline covers a silent server, a dripping one and a silent resolver', async () => {
  const base = await serve((request, response) => {
    if (request.url === '/drip') {
      const timer = setInterval(() => response.write('x'), 10)
      response.on('close', () => clearInterval(timer))
    }
  })
  const late = { code: 'fetch_failed', message: expect.stringContaining('within 0.2 s') }
  const bounds = { ...loopback, timeoutMs: 200 }
  const failures = [
    fetchBounded(`${base}/silent`, bounds),
    fetchBounded(`${base}/drip`, bounds),
    fetchBounded(base, { ...bounds, resolve: silent }),
  ]
  for (const failure of await Promise.allSettled(failures)) {
    expect(failure).toMatchObject({ status: 'rejected', reason: late })
  }
})

test('a caller can cancel, before and during', async () => {
  const base = await serve((_, response) => response.writeHead(200).write('x'))
  const stop = new AbortController()
  const failure = fetchBounded(base, { ...loopback, signal: stop.signal })
  void sleep(50).then(() => stop.abort())
  await expect(failure).rejects.toMatchObject({ code: 'cancelled' })
  await expect(fetchBounded(base, { ...loopback, signal: stop.signal })).rejects.toMatchObject({
    code: 'cancelled',
  })
})

test('a refused connection, an unknown name and broken TLS are named with the URL', async () => {
  const base = await serve((_, response) => response.end(PICTURE))
  const secure = base.replace('http:', 'https:')
  await expect(fetchBounded(secure, loopback)).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining(`${secure}/ could not be fetched`),
  })
  await expect(fetchImage('http://pictures.test/', { resolve: unknown })).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining('ENOTFOUND'),
  })
  server?.close()
  await expect(fetchBounded(base, loopback)).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining('ECONNREFUSED'),
  })
})

test('a server that changes to another protocol is not waited for', async () => {
  const base = await serve(({ socket }) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
  )
  await expect(fetchBounded(base, { ...loopback, timeoutMs: 2000 })).rejects.toMatchObject({
    code: 'fetch_failed',
  })
}, 20_000)
