// Fetches a picture that a person named by URL. The process may stand inside a private network or
// beside a cloud's metadata service, so the address is judged when the connection is made: the
// very address that was checked is the one connected to, and a DNS answer that changes between
// check and use (rebinding) gains nothing.
import { ADDRCONFIG } from 'node:dns'
import { lookup as lookupAddresses } from 'node:dns/promises'
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { type LookupFunction, isIP, isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { LucidaError, invalidInput, messageOf, systemCode } from '../core/errors.ts'

const MAX_BYTES = 50_000_000
const TIMEOUT_MS = 60_000
const MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const REMEDY = 'or download the picture and give its path'

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly { address: string; family: number }[]>

export interface FetchImageOptions {
  readonly signal?: AbortSignal | undefined
  /** Stands in for DNS in tests; its answers are checked like those of the real one. */
  readonly resolve?: Resolve | undefined
}

/** What bounds a fetch. Only tests choose `allows`: `fetchImage` always asks `isPublicAddress`. */
export interface FetchBounds extends FetchImageOptions {
  readonly allows: (address: string) => boolean
  readonly timeoutMs?: number
  readonly maxBytes?: number
}

/**
 * The bytes at an http: or https: URL, at most 50 MB and within 60 s. Never connects to an address
 * outside the public internet. Throws `bad_input` for a URL that is not followed, `too_large`,
 * `cancelled`, and `fetch_failed` for everything that the network or the server does.
 */
export async function fetchImage(
  url: string,
  options: FetchImageOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  // Named one by one, so that no stray property of `options` can replace the address policy.
  const { signal, resolve } = options
  return fetchBounded(url, { signal, resolve, allows: isPublicAddress })
}

/** `fetchImage` with its policy and limits as parameters, for tests against a loopback server. */
export async function fetchBounded(
  url: string,
  bounds: FetchBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  const parsed = parseUrl(url)
  const target = { url: parsed, name: nameOf(parsed) }
  const { signal, timeoutMs = TIMEOUT_MS } = bounds
  const stop = new AbortController()
  const cancel = () =>
    stop.abort(new LucidaError('cancelled', `Fetching ${target.name} was cancelled`))
  const late = `${target.name} did not arrive within ${timeoutMs / 1000} s; try again, ${REMEDY}`
  const timer = setTimeout(() => stop.abort(new LucidaError('fetch_failed', late)), timeoutMs)
  if (signal?.aborted) cancel()
  signal?.addEventListener('abort', cancel)
  try {
    return await follow(target, bounds, stop.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', cancel)
  }
}

/** Whether an IP address (not a host name) belongs to the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return isPublicIPv4(ipaddr.IPv4.parse(address))
  if (!isIPv6(address) || address.includes('%')) return false
  // The URL parser spells `::10.0.0.1` in hexadecimal; ipaddr.js would take it for a mapped address.
  const { hostname } = new URL(`http://[${address}]`)
  return isPublicIPv6(ipaddr.IPv6.parse(hostname.slice(1, -1)))
}

/** A URL on its way, with the words that messages use for it. */
interface Target {
  readonly url: URL
  readonly name: string
}

async function follow(
  first: Target,
  bounds: FetchBounds,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  let target = first
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    try {
      const response = await send(target, bounds, signal)
      try {
        const next = redirectOf(response, target, first)
        if (!next) return await readPicture(response, target, bounds.maxBytes ?? MAX_BYTES)
        target = next
      } finally {
        response.destroy()
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason as LucidaError
      if (error instanceof LucidaError) throw error
      // Node's "all addresses failed" (an AggregateError) has a code but no words.
      const reason = messageOf(error) || systemCode(error)
      throw failed(target, `could not be fetched (${reason})`, 'check the address', error)
    }
  }
  throw failed(first, `redirects more than ${MAX_REDIRECTS} times`, 'name the final address')
}

function send(
  { url, name }: Target,
  { allows, resolve = resolvePublicly }: FetchBounds,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  // An address written in the URL is connected to without a lookup.
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(literal) && !allows(literal)) throw refused(name)
  const secure = url.protocol === 'https:'
  return new Promise((accept, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(url, {
      // An agent of its own: the global one may keep connections alive or go through a proxy.
      agent: new (secure ? HttpsAgent : HttpAgent)({ keepAlive: false }),
      headers: { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'lucida' },
      lookup: guardedLookup(name, resolve, allows),
      signal,
    })
    request.on('response', accept)
    request.on('error', reject)
    // A server that changes to another protocol gives neither an answer nor an error.
    request.on('close', () => reject(new Error('the connection was closed without an answer')))
    request.end()
  })
}

/** A `lookup` for node:net that knows only allowed addresses, so that no other is ever tried. */
function guardedLookup(
  name: string,
  resolve: Resolve,
  allows: (address: string) => boolean,
): LookupFunction {
  return (hostname, options, callback) => {
    const answer = (found: Awaited<ReturnType<Resolve>>) => {
      const allowed = found
        .filter(({ address }) => allows(address))
        .map(({ address }) => ({ address, family: isIP(address) }))
      const [first] = allowed
      if (!first) callback(refused(name), '')
      else if (options.all) callback(null, allowed)
      else callback(null, first.address, first.family)
    }
    resolve(hostname).then(answer, (error: Error) => callback(error, ''))
  }
}

function resolvePublicly(hostname: string) {
  return lookupAddresses(hostname, { all: true, hints: ADDRCONFIG })
}

/** Where the answer sends us, or nothing when it is the final one. */
function redirectOf(response: IncomingMessage, from: Target, first: Target): Target | undefined {
  const { location } = response.headers
  if (!REDIRECTS.has(response.statusCode ?? 0) || location === undefined) return undefined
  // Servers write other letters as UTF-8; Node.js reads header bytes as Latin-1.
  const url = parseUrl(Buffer.from(location, 'latin1').toString(), from.url.href)
  return { url, name: `${nameOf(url)} (redirected from ${first.name})` }
}

async function readPicture(
  response: IncomingMessage,
  target: Target,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { statusCode, headers } = response
  if (statusCode !== 200) throw failed(target, `answers with status ${statusCode}`)
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() || 'image/unknown'
  // A server that does not know the type says octet-stream; the decoder looks at the bytes.
  if (!/^image\/|^(application|binary)\/octet-stream$/.test(type)) {
    throw failed(target, `is not a picture (its type is ${type})`, 'name the picture file itself')
  }
  const encoding = headers['content-encoding'] || 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    throw failed(target, `answers compressed (${encoding}) although asked not to`)
  }
  const tooLarge = () =>
    new LucidaError(
      'too_large',
      `${target.name} is larger than ${maxBytes / 1e6} MB; name a smaller picture`,
    )
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  // Memory of its own rather than Buffer's pool, so that it can be moved to another thread.
  const bytes = new Uint8Array(sizeBytes)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

function parseUrl(text: string, base?: string): URL {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text
  if (!URL.canParse(text, base)) throw invalidInput('url', 'an http: or https: URL', shown)
  const url = new URL(text, base)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalidInput('url', 'an http: or https: URL', shown)
  }
  if (url.username || url.password) {
    throw new LucidaError(
      'bad_input',
      `${nameOf(url)} carries a user name or password; remove it, ${REMEDY}`,
    )
  }
  return url
}

/** The URL without its secrets, for messages. */
function nameOf(url: URL): string {
  return `${url.origin}${url.pathname}${url.search}`
}

function refused(name: string): LucidaError {
  return new LucidaError(
    'bad_input',
    `${name} is at a private or reserved address, which is never fetched; name a public one, ${REMEDY}`,
  )
}

function failed(
  { name }: Target,
  what: string,
  hint = 'check the address',
  cause?: unknown,
): LucidaError {
  return new LucidaError('fetch_failed', `${name} ${what}; ${hint}, ${REMEDY}`, { cause })
}

function isPublicIPv4(ip: ipaddr.IPv4): boolean {
  // Azure's wire server answers virtual machines from an address of the public range.
  return ip.range() === 'unicast' && ip.toString() !== '168.63.129.16'
}

function isPublicIPv6(ip: ipaddr.IPv6): boolean {
  const range: string = ip.range()
  if (range === 'ipv4Mapped') return isPublicIPv4(ip.toIPv4Address())
  // NAT64 (RFC 6052): how IPv6-only networks reach every IPv4 host, so judged by the host.
  if (ip.match(ipaddr.IPv6.parse('64:ff9b::'), 96)) {
    return isPublicIPv4(new ipaddr.IPv4(ip.toByteArray().slice(12)))
  }
  // 6to4, Teredo and the like have ranges of their own, but `unicast` is also said of all that is
  // unassigned: `::/96` and 64:ff9b:2:: among them. Only 2000::/3 has been given out (RFC 4291).
  if (range !== 'unicast' || !ip.match(ipaddr.IPv6.parse('2000::'), 3)) return false
  // ISATAP (RFC 5214) hides an IPv4 address behind ::[02]00:5efe under any prefix.
  return !((ip.parts[4]! & ~0x0200) === 0 && ip.parts[5] === 0x5efe)
}
