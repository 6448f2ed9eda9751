// Many machines on one: two API servers and three workers on one real Postgres index a collection
// together, while clients search both servers; beside it one worker alone, and a run in which a worker
// is killed (SIGKILL) half-way. Exit code 1 when a content was lost, or embedded twice without a
// kill, or an answer was wrong. Needs TEST_DATABASE_URL, whose user may create databases.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Client as Postgres } from 'pg'
import type { Job } from '../../src/api/contract.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { readRows, unpack } from './datasets.ts'
import { printHeader, quantile, sample } from './report.ts'

const MAIN = fileURLToPath(new URL('../../dist/cli/lucida.cjs', import.meta.url))

/** What one run is made of. */
interface Setup {
  readonly folder: string
  readonly photos: string
  readonly captions: readonly string[]
  readonly url: string
}

/** Runs it: `npm run bench -- workers [--pictures n] [--set name] [--threads n]`. */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    allowPositionals: true,
    strict: false,
    options: {
      pictures: { type: 'string', default: '5000' },
      set: { type: 'string', default: 'flickr8k-train' },
      threads: { type: 'string', default: '0' },
    },
  })
  const server = process.env.TEST_DATABASE_URL
  if (!server) throw new Error('This needs TEST_DATABASE_URL, a PostgreSQL server of your own')
  const [wanted, set] = [Number(values.pictures), String(values.set)]
  const folder = await mkdtemp(join(tmpdir(), 'lucida-workers-'))
  process.env.LUCIDA_THREADS = String(values.threads)
  try {
    const photos = join(folder, 'photos')
    await mkdir(photos)
    await unpack(set, photos)
    const rows = await readRows(set)
    for (const { file } of rows.slice(wanted)) await rm(join(photos, file))
    const captions = sample(
      rows.slice(0, wanted).flatMap((row) => row.captions ?? []),
      200,
      7,
    )
    printHeader('workers', 'lucida-clip-1', `${Math.min(wanted, rows.length)} files of ${set}`)
    const seconds: Record<string, number> = {}
    for (const [name, workers, isKilled] of [
      ['one worker', 1, false],
      ['three workers', 3, false],
      ['three workers, one of them killed', 3, true],
    ] as const) {
      const { url, drop } = await createTestDatabase(server)
      try {
        seconds[name] = await runOnce(name, { folder, photos, captions, url }, workers, isKilled)
      } finally {
        await drop()
      }
    }
    const [one, three] = [seconds['one worker']!, seconds['three workers']!]
    console.log(`\nthree workers are ${(one / three).toFixed(2)} times as fast as one`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runOnce(name: string, setup: Setup, workers: number, isKilled: boolean) {
  const children: ChildProcess[] = []
  try {
    const servers: Client[] = []
    for (const place of ['a', 'b']) {
      const { child, url } = await startServer(setup, place)
      children.push(child)
      servers.push(createClient({ baseUrl: url }))
    }
    const working: ChildProcess[] = []
    for (let i = 0; i < workers; i++) working.push(await startWorker(setup, `worker-${i}`))
    children.push(...working)

    const startedAt = performance.now()
    const { job } = await servers[0]!.addRoot({ body: { path: setup.photos } })
    let isOver = false
    const searching = servers.map((client) => search(client, setup.captions, () => isOver))
    let state: Job = job
    let killedAt: number | null = null
    while (state.state === 'queued' || state.state === 'running') {
      await sleep(100)
      // Asked of the server that did not take the order.
      state = (await servers[1]!.job({ params: { id: job.id } })).job
      if (isKilled && killedAt === null && state.done * 2 > state.found && state.complete) {
        killedAt = state.done
        working[0]!.kill('SIGKILL')
      }
    }
    const seconds = (performance.now() - startedAt) / 1000
    isOver = true
    const searches = await Promise.all(searching)
    const found = await check(setup, servers)
    const ms = searches.flatMap((one) => one.ms)
    const failed = searches.reduce((sum, one) => sum + one.failed, 0)
    const { embedded = 0, reused = 0 } = state.counts ?? {}
    console.log(`## ${name}`)
    console.log(
      `${state.state} in ${seconds.toFixed(1)} s: ${(found.files / seconds).toFixed(1)} files/s` +
        (killedAt === null ? '' : `; a worker was killed (SIGKILL) when ${killedAt} were done`),
    )
    console.log(
      `${found.files} files, ${found.contents} contents, ${found.embeddings} vectors; ` +
        `the last attempt embedded ${embedded}, copies ${reused}; both servers list ${found.listed.join(' and ')}`,
    )
    console.log(
      `${ms.length} searches meanwhile, ${failed} failed or wrong, ` +
        `p50 ${quantile(ms, 0.5).toFixed(1)} ms, p99 ${quantile(ms, 0.99).toFixed(1)} ms`,
    )
    const isWhole =
      state.state === 'done' &&
      found.embeddings === found.contents &&
      found.listed.every((n) => n === found.contents) &&
      found.isSame &&
      failed === 0 &&
      (isKilled || embedded === found.contents)
    if (!isWhole) process.exitCode = 1
    if (!found.isSame) console.log('the servers do not answer the same')
    return seconds
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

/** Searches until it is over. An answer is wrong when it is empty though pictures are there, or unordered. */
async function search(client: Client, captions: readonly string[], isOver: () => boolean) {
  const ms: number[] = []
  let failed = 0
  let seen = 0
  for (let i = 0; !isOver(); i++) {
    const before = performance.now()
    try {
      const body = { terms: [{ text: captions[i % captions.length]! }], limit: 10 }
      const { items } = await client.searchTerms({ body })
      const scores = items.map(({ score }) => score ?? -1)
      const isOrdered = scores.every((score, at) => at === 0 || score <= scores[at - 1]!)
      const isDistinct = new Set(items.map(({ image }) => image.id)).size === items.length
      // Pictures only come, so no later answer has fewer.
      if (!isOrdered || !isDistinct || items.length < seen) failed++
      seen = items.length
    } catch {
      failed++
    }
    ms.push(performance.now() - before)
    await sleep(50)
  }
  return { ms, failed }
}

/** What the database holds, and whether both servers answer alike. */
async function check({ url, captions }: Setup, servers: readonly Client[]) {
  const client = new Postgres({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ files: number; contents: number; embeddings: number }>(
    `select (select count(*)::int from paths) as files,
            (select count(*)::int from contents) as contents,
            (select count(*)::int from embeddings) as embeddings`,
  )
  await client.end()
  const listed: number[] = []
  const answers: string[] = []
  for (const server of servers) {
    listed.push((await server.status()).searchable)
    const said: string[] = []
    for (const text of captions.slice(0, 50)) {
      const { items } = await server.searchTerms({ body: { terms: [{ text }], limit: 10 } })
      said.push(items.map(({ image, score }) => `${image.id} ${score}`).join())
    }
    answers.push(said.join('\n'))
  }
  return { ...rows[0]!, listed, isSame: new Set(answers).size === 1 }
}

function start({ folder, url }: Setup, place: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args, '--data-dir', join(folder, place)], {
    env: { ...process.env, DATABASE_URL: url, LUCIDA_ALLOWED_ROOTS: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

/** Waits for a line on stderr, and returns it. */
async function line(child: ChildProcess, pattern: RegExp): Promise<string> {
  let said = ''
  const found = new Promise<string>((resolve) => {
    child.stderr!.on('data', (data: Buffer) => {
      said += data.toString()
      const match = pattern.exec(said)
      if (match) resolve(match[0])
    })
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error(`A process has ended: ${said}`)
  })
  return Promise.race([found, ended])
}

async function startServer(setup: Setup, place: string) {
  const child = start(setup, place, 'serve', '--port', '0', '--no-worker')
  const said = await line(child, /http:\/\/\S+/)
  child.on('error', () => {})
  return { child, url: said }
}

async function startWorker(setup: Setup, place: string): Promise<ChildProcess> {
  const child = start(setup, place, 'worker')
  await line(child, /Waiting for work/)
  return child
}
