// A rolling upgrade: an earlier release serves a Postgres database under load; the version of today is
// started beside it, which migrates the database; both serve, then the earlier one is stopped. Every
// request is counted: exit code 1 when one failed, or when both versions answer differently.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { drawDemoPictures } from '../../src/demo/draw.ts'
import { build, checkOut } from '../helpers/earlier-version.ts'
import { freePort, startPostgres } from '../helpers/own-postgres.ts'
import { printHeader, quantile } from './report.ts'

const TODAY = fileURLToPath(new URL('../..', import.meta.url))
const QUERIES = ['a dog', 'a red car', 'mountains at night', 'fruit on a table', 'the sea', 'a cat']
/** How long each stretch of the upgrade lasts. */
const STRETCH_MS = 15_000
/** Long enough for requests to arrive, too short for them to be answered. */
const UNDER_WAY_MS = 60

/** Runs it: `npm run bench -- upgrade [--from v0.1.0] [--clients n]`. */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    allowPositionals: true,
    strict: false,
    options: {
      from: { type: 'string', default: 'v0.1.0' },
      clients: { type: 'string', default: '3' },
    },
  })
  const from = String(values.from)
  const clients = Number(values.clients)
  await using earlier = await checkOut(from)
  for (const folder of [earlier.folder, TODAY]) await build(folder)
  await using postgres = await startPostgres()
  const folder = await mkdtemp(join(tmpdir(), 'lucida-upgrade-'))
  const servers: Server[] = []
  try {
    const photos = join(folder, 'photos')
    const waiting = join(folder, 'waiting')
    await mkdir(photos)
    await drawDemoPictures(waiting)
    const files = await readdir(waiting)
    printHeader('upgrade', 'lucida-clip-1', `${files.length} drawings, PostgreSQL`)
    /** Puts some more pictures where they are indexed. */
    const add = async (n: number) => {
      for (const name of files.splice(0, n)) await rename(join(waiting, name), join(photos, name))
    }
    const start = async (code: string, name: string): Promise<Server> => {
      const dataDir = join(folder, name)
      const server = await startServer(code, { dataDir, photos, url: postgres.url })
      servers.push(server)
      return server
    }

    await add(Math.floor(files.length / 2))
    const old = await start(earlier.folder, 'old')
    const tally = newTally()
    await indexFolder(old, tally, photos)
    const migrations = await countMigrations(postgres.url)

    const stretch = async (name: string, on: readonly Server[], until: Promise<unknown>) => {
      const part = newTally()
      let over = false
      const load = on.flatMap((server) =>
        Array.from({ length: clients }, (_, i) => ask(server, part, i, () => over)),
      )
      const indexing = keepIndexing(on[0]!, part, () => over)
      await until
      over = true
      await Promise.all([...load, indexing])
      report(name, part)
      tally.failed.push(...part.failed)
      tally.ms.push(...part.ms)
    }
    await stretch(`${from} alone`, [old], sleep(STRETCH_MS))
    await add(Math.ceil(files.length / 3))
    let young: Server | undefined
    await stretch(
      `${from}, while the new version starts and migrates`,
      [old],
      start(TODAY, 'new').then((server) => (young = server)),
    )
    const migrated = await countMigrations(postgres.url)
    await add(Math.ceil(files.length / 2))
    await stretch('both', [old, young!], sleep(STRETCH_MS))
    // Everything that was ordered is done, so both have seen the same.
    const [before, after] = [await answersOf(old), await answersOf(young!)]
    const isEqual = JSON.stringify(before) === JSON.stringify(after)
    // What is under way when the old one is told to stop is still answered; whoever sends requests
    // sends new ones to the other. Texts that nobody has asked for yet take a while.
    const last = newTally()
    const underWay = Array.from({ length: 20 }, (_, i) =>
      request(old, last, `/v1/search?text=number%20${i}`),
    )
    await sleep(UNDER_WAY_MS)
    const stopping = old.stop()
    await Promise.all(underWay)
    report(`${from}, told to stop with 20 requests under way`, last)
    tally.failed.push(...last.failed)
    await add(files.length)
    await stretch(
      'the new version alone',
      [young!],
      stopping.then(() => sleep(STRETCH_MS)),
    )
    const ended = await stopping

    console.log(`\nmigrations: ${migrations} before, ${migrated} after`)
    console.log(`${tally.ms.length + last.ms.length} requests, ${tally.failed.length} failed`)
    console.log(`answers of both versions: ${isEqual ? 'equal' : 'DIFFERENT'}`)
    console.log(`the old version ended with code ${ended}`)
    for (const reason of tally.failed.slice(0, 10)) console.log(`failed: ${reason}`)
    if (tally.failed.length > 0 || !isEqual || ended !== 0 || migrated <= migrations) {
      process.exitCode = 1
    }
  } finally {
    for (const server of servers) await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Tally {
  readonly ms: number[]
  readonly failed: string[]
}

interface Server {
  readonly url: string
  /** Ends it as a person would; returns its exit code. */
  stop(): Promise<number | null>
}

function newTally(): Tally {
  return { ms: [], failed: [] }
}

function report(name: string, { ms, failed }: Tally): void {
  const times = `p50 ${quantile(ms, 0.5).toFixed(0)} ms, p99 ${quantile(ms, 0.99).toFixed(0)} ms`
  console.log(`${name}: ${ms.length} requests, ${failed.length} failed, ${times}`)
}

async function startServer(
  code: string,
  { dataDir, photos, url }: { dataDir: string; photos: string; url: string },
): Promise<Server> {
  const port = await freePort()
  const child: ChildProcess = spawn(
    process.execPath,
    [join(code, 'dist/cli/lucida.cjs'), 'serve', '--port', String(port), '--data-dir', dataDir],
    {
      // Exactly these settings, whatever the environment of the benchmark says.
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: url,
        LUCIDA_ALLOWED_ROOTS: photos,
        LUCIDA_RATE_LIMIT: '100000',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  createInterface({ input: child.stderr! }).on('line', (line) => {
    // Errors of the server, without its greeting.
    if (!line.startsWith('Lucida is at')) console.error(line)
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const server: Server = {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
  for (let tries = 0; ; tries++) {
    const ready = await fetch(`${server.url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (ready) return server
    if (child.exitCode !== null || tries > 600)
      throw new Error(`The server of ${code} does not start`)
    await sleep(200)
  }
}

/** What clients do: search, look through, count, look at one. */
function routeOf(i: number): string {
  const query = encodeURIComponent(QUERIES[i % QUERIES.length]!)
  const routes = [`/v1/search?text=${query}&limit=10`, '/v1/facets', '/v1/status', '/v1/roots']
  return routes[i % routes.length]!
}

async function ask(
  server: Server,
  tally: Tally,
  seed: number,
  isOver: () => boolean,
): Promise<void> {
  for (let i = seed; !isOver(); i++) {
    await request(server, tally, routeOf(i))
    if (i % 4 === 0) {
      const found = (await request(server, tally, `/v1/search?text=a%20dog&limit=1`)) as {
        items?: { id: string }[]
      } | null
      const id = found?.items?.[0]?.id
      if (id) await request(server, tally, `/v1/images/${id}`)
    }
  }
}

/** One order to index after another, each followed to its end. */
async function keepIndexing(server: Server, tally: Tally, isOver: () => boolean): Promise<void> {
  do await followJob(server, tally, await request(server, tally, '/v1/index', {}))
  while (!isOver())
}

async function indexFolder(server: Server, tally: Tally, path: string): Promise<void> {
  await followJob(server, tally, await request(server, tally, '/v1/roots', { path }))
}

async function followJob(server: Server, tally: Tally, ordered: unknown): Promise<void> {
  const id = (ordered as { job?: { id: string } } | null)?.job?.id
  if (id === undefined) return
  for (;;) {
    const found = (await request(server, tally, `/v1/jobs/${id}`)) as {
      job?: { state: string; error?: unknown }
    } | null
    const state = found?.job?.state
    if (state === 'done') return
    if (state !== 'queued' && state !== 'running') {
      tally.failed.push(`job ${id}: ${state} ${JSON.stringify(found?.job?.error)}`)
      return
    }
    await sleep(100)
  }
}

/** Counts a request; what is not answered with success has failed. */
async function request(
  server: Server,
  tally: Tally,
  path: string,
  body?: object,
): Promise<unknown> {
  const startedAt = performance.now()
  try {
    const response = await fetch(server.url + path, {
      ...(body && {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${response.status} ${text}`)
    return JSON.parse(text)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
    tally.failed.push(`${path}: ${String(error)} ${cause}`)
    return null
  } finally {
    tally.ms.push(performance.now() - startedAt)
  }
}

/** What a version answers to each query, scores rounded to what inference repeats. */
async function answersOf(server: Server): Promise<unknown[]> {
  const tally = newTally()
  const answers: unknown[] = []
  for (const text of QUERIES) {
    const path = `/v1/search?text=${encodeURIComponent(text)}&limit=20`
    const found = (await request(server, tally, path)) as {
      items: { id: string; score: number }[]
    }
    answers.push(found.items.map(({ id, score }) => [id, score.toFixed(5)]))
  }
  const facets = await request(server, tally, '/v1/facets')
  if (tally.failed.length > 0) throw new Error(tally.failed[0])
  return [...answers, facets]
}

async function countMigrations(url: string): Promise<number> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(
      'select count(*)::int as n from drizzle.__drizzle_migrations',
    )
    return rows[0].n
  } finally {
    await client.end()
  }
}
