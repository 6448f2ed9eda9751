// A bucket for tests: s3rver from npm, a small S3 server that keeps objects as files, in a process of
// its own, and a proxy before it that can throttle, cut connections, answer in its place, and counts.
// s3rver checks neither the signature here nor implements encoding-type and If-Match.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** What the proxy does instead of passing a request on. */
export type Fault =
  /** 503 SlowDown. */
  | 'throttle'
  /** Half of the answer, and then nothing. */
  | 'cut'
  /** Nothing at all. */
  | 'hang up'
  | { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }

/** A request as the proxy sees it. */
export interface SeenRequest {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  /** From 1. */
  readonly number: number
}

/** The server of a test. */
export interface TestBucket extends AsyncDisposable {
  /** Puts an object by its file, past HTTP. */
  write(key: string, bytes: Uint8Array): Promise<void>
  remove(key: string): Promise<void>
  /** Decides about each request; none is touched until it is set. */
  onRequest: (seen: SeenRequest) => Fault | undefined
  /** Of the requests so far. */
  readonly seen: readonly SeenRequest[]
}

/** Whatever the server is asked with; must never be found anywhere else. */
export const SECRETS = ['test-secret-key-6f1e', 'endpoint-password-9c2d', 'session-token-77aa']

export const BUCKET = 'photos'

const START = `
const S3rver = require('s3rver')
const [directory, name] = process.argv.slice(1)
const server = new S3rver({
  directory, port: 0, address: '127.0.0.1', silent: true, vhostBuckets: false,
  allowMismatchedSignatures: true, configureBuckets: [{ name, configs: [] }],
})
server.run().then(({ port }) => process.send(port))
process.on('disconnect', () => process.exit())
`

/** Starts it, and points the SDK to it by the environment. */
export async function startBucket(): Promise<TestBucket> {
  const directory = await mkdtemp(join(tmpdir(), 'lucida-bucket-'))
  // Its tokens for the next page are made with DES, which OpenSSL 3 has put aside.
  const args = ['--openssl-legacy-provider', '-e', START, directory, BUCKET]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [port] = (await once(child, 'message')) as [number]

  const seen: SeenRequest[] = []
  const fileOf = (key: string) => join(directory, BUCKET, `${key}._S3rver_object`)
  const bucket: TestBucket = {
    seen,
    onRequest: () => undefined,
    async write(key, bytes) {
      const path = fileOf(key)
      await mkdir(dirname(path), { recursive: true })
      await rm(`${path}.md5`, { force: true })
      await writeFile(path, bytes)
    },
    async remove(key) {
      await rm(fileOf(key))
      await rm(`${fileOf(key)}.md5`, { force: true })
    },
    async [Symbol.asyncDispose]() {
      proxy.closeAllConnections()
      proxy.close()
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
      await rm(directory, { recursive: true, force: true })
    },
  }

  const proxy = createServer((asked, answer) => {
    const { method = 'GET', headers } = asked
    const url = new URL(asked.url!, 'http://127.0.0.1')
    const one = { method, url, headers, number: seen.length + 1 }
    seen.push(one)
    const fault = bucket.onRequest(one)
    if (fault === 'hang up') asked.socket.destroy()
    else if (fault === 'throttle') answerInstead(asked, answer, SLOW_DOWN)
    else if (typeof fault === 'object') answerInstead(asked, answer, fault)
    else pass(asked, answer, port, fault === 'cut')
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  pointSdkTo((proxy.address() as AddressInfo).port)
  return bucket
}

const SLOW_DOWN = {
  status: 503,
  body: '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
}

function answerInstead(
  asked: IncomingMessage,
  answer: ServerResponse,
  { status, body = '', headers = {} }: Exclude<Fault, string>,
): void {
  asked.resume()
  answer.writeHead(status, { 'content-type': 'application/xml', ...headers })
  answer.end(asked.method === 'HEAD' ? '' : body)
}

function pass(asked: IncomingMessage, answer: ServerResponse, port: number, isCut: boolean): void {
  const { method, url, headers } = asked
  const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (found) => {
    answer.writeHead(found.statusCode!, found.headers)
    if (!isCut) return void found.pipe(answer)
    found.once('data', (bytes: Buffer) => {
      answer.write(bytes.subarray(0, bytes.length / 2), () => asked.socket.destroy())
    })
  })
  onward.on('error', () => asked.socket.destroy())
  asked.pipe(onward)
}

function pointSdkTo(port: number): void {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: `http://someone:${SECRETS[1]}@127.0.0.1:${port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: SECRETS[0],
    AWS_SESSION_TOKEN: SECRETS[2],
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
  })
}
