// Listings as real S3 gives them and small servers do not: encoded keys, pages, odd names. The answers
// are written by hand after Amazon's reference of ListObjectsV2.
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ListedObject, listBucket } from '../../src/sources/list-bucket.ts'
import { scanBucket } from '../../src/sources/scan-bucket.ts'
import type { SkippedEntry } from '../../src/sources/source.ts'

let server: Server
let pages: readonly (readonly string[])[] = []
const asked: URLSearchParams[] = []

beforeAll(async () => {
  server = createServer((request, answer) => {
    const query = new URL(request.url!, 'http://x').searchParams
    asked.push(query)
    const at = Number(query.get('continuation-token') ?? 0)
    answer.writeHead(200, { 'content-type': 'application/xml' })
    answer.end(pageXml(pages[at] ?? [], at + 1 < pages.length ? at + 1 : null))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
  })
})
afterAll(() => server.close())

/** As Amazon encodes keys when it is asked to: spaces as plus signs. */
const encoded = (key: string) =>
  encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/')

function pageXml(keys: readonly string[], next: number | null): string {
  const contents = keys.map(
    (key) =>
      `<Contents><Key>${key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>` +
      `<ETag>&quot;${key.length}&quot;</ETag><Size>12</Size></Contents>`,
  )
  return `<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType>
    <IsTruncated>${next !== null}</IsTruncated>
    ${next === null ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`}
    ${contents.join('')}</ListBucketResult>`
}

async function list(folder: string): Promise<ListedObject[]> {
  const found: ListedObject[] = []
  for await (const object of listBucket(folder)) found.push(object)
  return found
}

const ODD = [
  '/a.png',
  '100%.png',
  'a b+c.png',
  'line\nbreak\u0001.png',
  'x//y.png',
  'é.png',
  '\uffee.png',
  '🦊.png',
]

test('keys come as they are, in pages and in the order of their bytes', async () => {
  pages = [ODD.slice(0, 3).map(encoded), ODD.slice(3, 6).map(encoded), ODD.slice(6).map(encoded)]
  asked.length = 0
  const found = await list('s3://odd-names')
  expect(found.map(({ path }) => path)).toEqual(ODD.map((key) => `s3://odd-names/${key}`))
  expect(found.every(({ isText, sizeBytes }) => isText && sizeBytes === 12)).toBe(true)
  expect(asked.map((query) => query.get('continuation-token'))).toEqual([null, '1', '2'])
})

test('only what lies below the prefix is asked for', async () => {
  pages = [[]]
  asked.length = 0
  await list('s3://odd-names/a b')
  expect(asked[0]!.get('prefix')).toBe('a b/')
})

test('a list in another order is refused', async () => {
  pages = [['b.png', 'a.png']]
  await expect(list('s3://odd-names')).rejects.toMatchObject({ code: 'unreadable' })
  // The order of UTF-16, which differs from that of bytes.
  pages = [[encoded('🦊.png'), encoded('\uffee.png')]]
  await expect(list('s3://odd-names')).rejects.toMatchObject({ code: 'unreadable' })
})

test('what is left out is left out, and what cannot be stored is said', async () => {
  const others = ['..%2Fup.png', '.git/a.png', 'a/', 'a/../d.png', 'b.txt']
  const pictures = ['a/b.arw', 'a/b.arw.xmp', 'a/b.jpg', 'a/c.nef']
  pages = [['%00.png', 'a%FF.png', '%00.txt', ...[...others, ...pictures].sort()]]
  const skipped: SkippedEntry[] = []
  const found: string[] = []
  const options = { exclude: [], onSkip: (entry: SkippedEntry) => void skipped.push(entry) }
  for await (const { path } of scanBucket('s3://odd-names', options)) found.push(path)
  expect(found).toEqual(['a/b.jpg', 'a/c.nef'].map((key) => `s3://odd-names/${key}`))
  expect(skipped.map(({ kind, path }) => [kind, path.slice('s3://odd-names/'.length)])).toEqual([
    ['bad_name', '\uFFFD.png'],
    ['bad_name', 'a\uFFFD.png'],
    ['raw_beside_picture', 'a/b.arw'],
  ])
})

test('a raw file is left out on either side of its picture', async () => {
  const keys = ['A.JPG', 'A.a.JPG', 'A.a.NEF', 'A.b.JPG', 'A.b.XMP', 'A.nef', 'B.CR2', 'B.JPG']
  keys.push('B.NEF', 'C.HEIC', 'D.NEF', 'D0.JPG', 'D0.raf')
  // One a page: what lies on another page is a neighbour too.
  pages = keys.map((key) => [key])
  const aside: string[] = []
  const onSkip = ({ path }: SkippedEntry) => void aside.push(path)
  for await (const _ of scanBucket('s3://odd-names', { exclude: [], onSkip }));
  const expected = ['A.a.NEF', 'A.nef', 'B.CR2', 'B.NEF', 'D0.raf']
  expect(aside).toEqual(expected.map((key) => `s3://odd-names/${key}`))
})

test('a cancelled scan stops', async () => {
  pages = [['a.png'], ['b.png']]
  const stop = new AbortController()
  const scan = async () => {
    for await (const _ of scanBucket('s3://odd-names', { exclude: [], signal: stop.signal })) {
      stop.abort()
    }
  }
  await expect(scan()).rejects.toMatchObject({ code: 'cancelled' })
})
