// A hub on this machine: describes and redirects as the real one does, and keeps large files on a
// storage server of its own.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  createServer,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { sha256 } from '../../src/core/hash.ts'

export const COMMIT = 'c'.repeat(40)

export interface SeenRequest {
  readonly at: 'hub' | 'storage'
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** Answers instead of the server; false where it leaves the answer to the server. */
type Trick = (request: IncomingMessage, response: ServerResponse) => boolean

export interface FakeHub {
  readonly endpoint: string
  readonly storage: string
  /** Contents by `owner/name/path`. */
  readonly files: Map<string, Buffer>
  readonly seen: SeenRequest[]
  /** What happens at the next requests for bytes, one each. */
  readonly storageTricks: Trick[]
  /** What always happens at the hub itself. */
  hubTrick: Trick | undefined
  /** Requests for bytes that reached the storage. */
  gets(): SeenRequest[]
  close(): void
}

/** Larger ones are kept on the storage server, as Git LFS does. */
const LARGE = 1000

export async function startFakeHub(): Promise<FakeHub> {
  const files = new Map<string, Buffer>()
  const seen: SeenRequest[] = []
  const storageTricks: Trick[] = []
  const see = (at: SeenRequest['at'], { method = '', url = '', headers }: IncomingMessage) => {
    seen.push({ at, method, url, headers })
  }
  const storage = await listen((request, response) => {
    see('storage', request)
    const content = files.get(decodeURIComponent(request.url!.slice(1)))
    if (!content) response.writeHead(404).end()
    else if (!storageTricks.shift()?.(request, response)) sendRange(request, response, content)
  })
  const hub: FakeHub = {
    endpoint: '',
    storage: addressOf(storage),
    files,
    seen,
    storageTricks,
    hubTrick: undefined,
    gets: () => seen.filter(({ at, method }) => at === 'storage' && method === 'GET'),
    close: () => {
      for (const server of [storage, front]) {
        server.closeAllConnections()
        server.close()
      }
    },
  }
  const front = await listen((request, response) => {
    see('hub', request)
    if (hub.hubTrick?.(request, response)) return
    const folder = /^\/api\/models\/(.+?)\/tree\/[^/]+\/(.+)$/.exec(request.url!)
    if (folder) return sendListing(response, files, `${folder[1]}/`, `${folder[2]}/`)
    const [, repository, path] = /^\/(.+?)\/resolve\/[^/]+\/(.+)$/.exec(request.url!) ?? []
    const key = decodeURIComponent(`${repository}/${path}`)
    const content = files.get(key)
    response.setHeader('x-repo-commit', COMMIT)
    if (!content) {
      response.writeHead(404).end()
    } else if (content.length < LARGE) {
      const gitSha1 = createHash('sha1').update(`blob ${content.length}\0`).update(content)
      response.writeHead(200, { etag: `"${gitSha1.digest('hex')}"`, ...lengthOf(content) })
      response.end(request.method === 'HEAD' ? undefined : content)
    } else {
      response.writeHead(302, {
        'x-linked-etag': `"${sha256(content)}"`,
        'x-linked-size': String(content.length),
        location: `${hub.storage}/${encodeURIComponent(key)}`,
      })
      response.end()
    }
  })
  return Object.assign(hub, { endpoint: addressOf(front) })
}

/** The files and folders of a folder, as the hub's API lists them. */
function sendListing(
  response: ServerResponse,
  files: ReadonlyMap<string, Buffer>,
  repository: string,
  folder: string,
): void {
  const below = [...files.keys()].filter((key) => key.startsWith(repository + folder))
  const paths = below.map((key) => {
    const [first, ...deeper] = key.slice((repository + folder).length).split('/')
    return { type: deeper.length > 0 ? 'directory' : 'file', path: folder + first! }
  })
  if (paths.length === 0) response.writeHead(404).end()
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(paths))
}

function sendRange(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const rest = content.subarray(from)
  const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }
  response.writeHead(from > 0 ? 206 : 200, { ...lengthOf(rest), ...(from > 0 && range) }).end(rest)
}

function lengthOf(content: Buffer): Record<string, string> {
  return { 'content-length': String(content.length) }
}

async function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
