// The model hub over HTTP: where a file lies, what the hub says about it, and its bytes. Redirects are
// followed by hand, so that the token goes to the hub's own address and nowhere else.
import { z } from 'zod'
import { LucidaError, messageOf, systemCode } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { type Silence, watchSilence } from './silence.ts'

const MAX_REDIRECTS = 5
const SILENCE_MS = 30_000
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** Which hub, and how it is asked. */
export interface Hub {
  /** Address of the hub or of a mirror. */
  readonly endpoint: string
  readonly token?: string | undefined
  /** Folder in which other programs keep what they have pulled from the hub. */
  readonly cacheDirectory?: string | undefined
  /** How long it may say nothing; 30 s by default. */
  readonly silenceMs?: number
}

/** A file on the hub. */
export interface HubPath {
  readonly repository: string
  readonly revision: string
  readonly path: string
}

/** What the hub says about a file. */
export interface RemoteFile extends HubPath {
  readonly sizeBytes: number
  /** Of large files it knows the SHA-256, of others Git's own SHA-1 of the content. */
  readonly digest: { readonly sha256: string } | { readonly gitSha1: string }
}

/** Asks what the hub has. Throws `not_found`, `unauthorized`, `fetch_failed`. */
export async function describeFile(
  hub: Hub,
  file: HubPath,
  signal: AbortSignal,
): Promise<RemoteFile> {
  const watch = watchSilence(hub.silenceMs ?? SILENCE_MS, signal)
  try {
    const { response } = await ask(hub, file, { method: 'HEAD', signal: watch.signal })
    const { headers } = response
    const etag = headers.get('x-linked-etag') ?? headers.get('etag') ?? ''
    const digest = digestOf(etag)
    const size = headers.get('x-linked-size') ?? headers.get('content-length')
    const sizeBytes = size === null ? NaN : Number(size)
    if (!digest || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw failed(
        urlOf(hub, file),
        'comes without size and checksum',
        'a mirror must pass on the headers X-Linked-Size and X-Linked-ETag of the hub',
      )
    }
    return { ...file, revision: headers.get('x-repo-commit') ?? file.revision, sizeBytes, digest }
  } catch (error) {
    throw explain(error, hub, file, watch)
  } finally {
    watch.end()
  }
}

/** The bytes of a file from `offset` on; `offset` of the answer is where they really begin. */
export async function openFile(
  hub: Hub,
  file: HubPath,
  offset: number,
  signal: AbortSignal,
): Promise<{ offset: number; chunks: AsyncGenerator<Uint8Array> }> {
  const watch = watchSilence(hub.silenceMs ?? SILENCE_MS, signal)
  try {
    const range: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {}
    const { response, url } = await ask(hub, file, {
      method: 'GET',
      headers: range,
      signal: watch.signal,
    })
    const start = Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1])
    if (response.status === 206 && start !== offset) throw failed(url, 'sends another part', RETRY)
    const { body } = response
    if (!body) throw failed(url, 'sends nothing', RETRY)
    return { offset: response.status === 206 ? offset : 0, chunks: watched(body, hub, file, watch) }
  } catch (error) {
    watch.end()
    throw explain(error, hub, file, watch)
  }
}

const RETRY = 'try again'

/** Paths of the files that lie in a folder itself. Throws as `describeFile`, and `fetch_failed`. */
export async function listFolder(
  hub: Hub,
  folder: HubPath,
  signal: AbortSignal,
): Promise<string[]> {
  const watch = watchSilence(hub.silenceMs ?? SILENCE_MS, signal)
  const url = urlOf(hub, folder, ['api', 'models'], 'tree')
  try {
    const { response } = await ask(hub, folder, { method: 'GET', signal: watch.signal }, url)
    const entries = listing.safeParse(await response.json().catch(() => undefined))
    if (entries.success) {
      return entries.data.filter(({ type }) => type === 'file').map(({ path }) => path)
    }
    throw failed(url, 'lists no files', 'a mirror must pass on the lists of files of the hub')
  } catch (error) {
    throw explain(error, hub, folder, watch)
  } finally {
    watch.end()
  }
}

/** As the hub lists a folder; more is said of each entry. */
const listing = z.array(z.object({ type: z.string(), path: z.string() }))

async function* watched(
  body: ReadableStream<Uint8Array>,
  hub: Hub,
  file: HubPath,
  watch: Silence,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      watch.heard()
      yield chunk
    }
  } catch (error) {
    throw explain(error, hub, file, watch)
  } finally {
    watch.end()
  }
}

interface Request {
  readonly method: 'HEAD' | 'GET'
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/**
 * Follows redirects. A HEAD ends where the hub sends elsewhere for the bytes: its own answer is the
 * one with the metadata, and the storage behind knows nothing of it.
 */
async function ask(
  hub: Hub,
  file: HubPath,
  request: Request,
  from = urlOf(hub, file),
): Promise<{ response: Response; url: URL }> {
  const endpoint = new URL(hub.endpoint)
  let url = from
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const own = url.origin === endpoint.origin
    const response = await fetch(url.href, {
      method: request.method,
      redirect: 'manual',
      signal: request.signal,
      headers: {
        ...request.headers,
        // The sizes and hashes are those of the plain bytes.
        'accept-encoding': 'identity',
        'user-agent': `lucida/${VERSION}`,
        ...(own && hub.token ? { authorization: `Bearer ${hub.token}` } : {}),
      },
    })
    const location = response.headers.get('location')
    if (!REDIRECTS.has(response.status) || location === null) {
      if (response.ok) return { response, url }
      await response.body?.cancel()
      throw refusal(response.status, url, file, hub)
    }
    await response.body?.cancel()
    const next = nextUrl(location, url, endpoint)
    const leaves = next.origin !== endpoint.origin
    if (request.method === 'HEAD' && (leaves || saysAll(response))) return { response, url }
    url = next
  }
  const message = `redirects more than ${MAX_REDIRECTS} times`
  throw failed(from, message, 'check HF_ENDPOINT')
}

/** A redirect within the hub may already carry what is asked for, and its target may not. */
function saysAll({ headers }: Response): boolean {
  return headers.has('x-linked-etag') && headers.has('x-linked-size')
}

/** Never away from https; a hub on this machine or in this network may stay on plain http. */
function nextUrl(location: string, from: URL, endpoint: URL): URL {
  if (!URL.canParse(location, from.href)) throw failed(from, 'redirects to no address', RETRY)
  const url = new URL(location, from)
  const stays = url.protocol === endpoint.protocol && url.hostname === endpoint.hostname
  if (url.protocol === 'https:' || (stays && from.protocol !== 'https:')) return url
  throw failed(from, `redirects to ${url.origin}, which is not https`, 'check HF_ENDPOINT')
}

export function urlOf(
  { endpoint }: Hub,
  { repository, revision, path }: HubPath,
  before: readonly string[] = [],
  action = 'resolve',
): URL {
  const parts = [...repository.split('/'), action, revision, ...path.split('/')]
  const place = [...before, ...parts.filter((part) => part !== '')]
  return new URL(`${endpoint.replace(/\/+$/, '')}/${place.map(encodeURIComponent).join('/')}`)
}

/** ETags are quoted, and weak ones say so. */
function digestOf(etag: string): RemoteFile['digest'] | undefined {
  const value = etag.replace(/^W\//, '').replaceAll('"', '').toLowerCase()
  if (/^[0-9a-f]{64}$/.test(value)) return { sha256: value }
  return /^[0-9a-f]{40}$/.test(value) ? { gitSha1: value } : undefined
}

function explain(error: unknown, hub: Hub, file: HubPath, watch: Silence): unknown {
  if (error instanceof LucidaError) return error
  const url = urlOf(hub, file)
  if (watch.late()) return failed(url, 'says nothing for too long', RETRY, error)
  if (watch.signal.aborted) {
    return new LucidaError('cancelled', 'The pull was cancelled; the same command goes on with it')
  }
  // fetch only says that it failed; why is in the cause.
  const { cause } = error as { cause?: unknown }
  const reason = messageOf(cause ?? error) || systemCode(cause)
  return failed(url, `could not be fetched (${reason})`, RETRY, error)
}

function refusal(status: number, url: URL, { repository, path, revision }: HubPath, hub: Hub) {
  if (status === 404) {
    const message = `${repository} has no ${path} at ${revision} on ${new URL(hub.endpoint).host}`
    return new LucidaError('not_found', `${message}; lucida models show tells what is expected`)
  }
  if (status === 401 || status === 403) {
    const remedy = hub.token
      ? 'the token does not allow it, or the terms on its page are not accepted yet'
      : 'set HF_TOKEN if it is private or has terms to accept'
    return new LucidaError('unauthorized', `${url.host} refuses ${repository}: ${remedy}`)
  }
  return failed(url, `answers with status ${status}`, RETRY)
}

function failed(url: URL, what: string, remedy: string, cause?: unknown): LucidaError {
  // Addresses of storage carry signatures in their query.
  return new LucidaError('fetch_failed', `${url.origin}${url.pathname} ${what}; ${remedy}`, {
    cause,
  })
}
