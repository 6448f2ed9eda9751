// A server under mixed load for a long while: does its memory grow, does it leave handles, descriptors,
// connections or temporary files behind? Exit code 1 where it does, or where a request failed.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { createClient } from '../../src/client/client.ts'
import { makePicture } from '../helpers/noise-pictures.ts'
import { patientFetch } from './patient-fetch.ts'
import { printHeader, quantile, seededRandom } from './report.ts'
import { actionsOf, type Done, draw, work } from './soak-load.ts'
import type { Held } from './soak-server.ts'

/** As soak-server.ts calls them: bounded, and no leak. */
const DATABASE_FILES = 'file of the database'
/** A leak of one in a hundred requests is many times as much. */
const COMING_AND_GOING = 2

const PICTURES = 300
/** Share of the time after which nothing should grow any more: caches are full, code is compiled. */
const WARM_UP = 1 / 3
/** How long everybody keeps still before what is left is counted. */
const STILL_MS = 8000
/** Growth over the measured stretch that still counts as flat. */
const FLAT_SHARE = 0.05
const FLAT_BYTES = 16 * 2 ** 20

/** One line of the table. */
interface Sample extends Held {
  readonly minute: number
  readonly temporary: readonly string[]
  readonly connections: number | null
}

/** Runs it: `npm run bench -- soak [--minutes n] [--every seconds] [--clients n] [--database url]`. */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    allowPositionals: true,
    strict: false,
    options: {
      minutes: { type: 'string', default: '30' },
      every: { type: 'string', default: '30' },
      clients: { type: 'string', default: '4' },
      database: { type: 'string' },
    },
  })
  const [minutes, every, clients] = [values.minutes, values.every, values.clients].map(Number) as [
    number,
    number,
    number,
  ]
  const databaseUrl = values.database === undefined ? undefined : String(values.database)
  const folder = await mkdtemp(join(tmpdir(), 'lucida-soak-'))
  const [dataDir, photos, temporary] = ['data', 'photos', 'tmp'].map((name) => join(folder, name))
  for (const path of [photos!, temporary!]) await mkdir(path)
  for (let i = 0; i < PICTURES; i++) {
    await writeFile(join(photos!, `${i}.png`), await makePicture(i))
  }
  printHeader(
    'soak',
    'lucida-clip-1',
    `${PICTURES} drawn pictures, ${databaseUrl ? 'a Postgres server' : 'PGlite'}, ${clients} clients, ${minutes} minutes`,
  )
  const args = [dataDir!, ...(databaseUrl ? [databaseUrl] : [])]
  const child = fork(join(import.meta.dirname, 'soak-server.ts'), args, {
    execArgv: ['--import', 'tsx', '--expose-gc'],
    env: { ...process.env, TMPDIR: temporary!, LUCIDA_ALLOWED_ROOTS: photos! },
  })
  const connections = databaseUrl ? await watchConnections(databaseUrl) : null
  try {
    const [{ url }] = (await once(child, 'message')) as [{ url: string }]
    const { job } = await createClient({ baseUrl: url, fetch: patientFetch }).addRoot({
      body: { path: photos! },
    })
    for await (const _ of createClient({ baseUrl: url, fetch: patientFetch }).followJob(job.id))
      await sleep(0)

    const startedAt = performance.now()
    const take = async (): Promise<Sample> => ({
      ...(await askHeld(child)),
      minute: (performance.now() - startedAt) / 60_000,
      temporary: await listTemporary(dataDir!, temporary!),
      connections: (await connections?.count()) ?? null,
    })
    const done: Done = { counts: {}, failures: [] }
    const soak = (untilMinute: number) =>
      soakUntil({ url, photos: photos!, clients, every, done, take, startedAt, untilMinute })

    printHead()
    await soak(minutes * WARM_UP)
    await sleep(STILL_MS)
    const before = await take()
    print(before, done, 'still')
    const samples = await soak(minutes)
    await sleep(STILL_MS)
    const after = await take()
    print(after, done, 'still')
    report(samples, before, after, done)
    child.send('stop')
    await once(child, 'exit')
  } finally {
    child.kill('SIGKILL')
    await connections?.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function soakUntil(options: {
  readonly url: string
  readonly photos: string
  readonly clients: number
  readonly every: number
  readonly done: Done
  readonly take: () => Promise<Sample>
  readonly startedAt: number
  readonly untilMinute: number
}): Promise<Sample[]> {
  const { url, photos, clients, every, done, take, startedAt, untilMinute } = options
  const over = () => performance.now() - startedAt > untilMinute * 60_000
  const samples: Sample[] = []
  const working = Array.from({ length: clients }, (_, i) => {
    const load = { url, photos, random: seededRandom(1000 * untilMinute + i) }
    // One of them changes the folder, so that nobody deletes what another moves.
    const actions = actionsOf(load).filter(([name]) => i === 0 || name !== 'index')
    return work(actions, load, done, over)
  })
  const random = seededRandom(5)
  const drawing = (async () => {
    while (!over()) {
      await draw(url, random).catch((error: unknown) =>
        done.failures.push(`draw: ${String(error)}`),
      )
      done.counts.draw = (done.counts.draw ?? 0) + 1
      for (let i = 0; i < 60 && !over(); i++) await sleep(1000)
    }
  })()
  const sampling = (async () => {
    while (!over()) {
      for (let i = 0; i < every && !over(); i++) await sleep(1000)
      const sample = await take()
      samples.push(sample)
      print(sample, done)
    }
  })()
  await Promise.all([...working, drawing, sampling])
  return samples
}

async function askHeld(child: ChildProcess): Promise<Held> {
  child.send('held')
  const [held] = (await once(child, 'message')) as [Held]
  return held
}

/** Files that are meant to disappear: drafts in the data directory, and whatever is in TMPDIR. */
async function listTemporary(dataDir: string, temporary: string): Promise<string[]> {
  const inData = await readdir(dataDir, { recursive: true })
  const drafts = inData.filter((name) => /\.(tmp|part|new)$|\.new-/.test(name))
  // Postgres keeps its own there.
  const ours = drafts.filter((name) => !name.startsWith(join('database', 'p')))
  // tsx keeps what it has compiled.
  const others = (await readdir(temporary)).filter((name) => !name.startsWith('tsx-'))
  return [...ours, ...others]
}

/** Connections to the database, but for the one that counts them. */
async function watchConnections(connectionString: string) {
  const client = new Client({ connectionString })
  await client.connect()
  return {
    async count(): Promise<number> {
      const { rows } = await client.query<{ n: number }>(
        `select count(*)::int - 1 as n from pg_stat_activity where datname = current_database()`,
      )
      return rows[0]!.n
    },
    close: () => client.end(),
  }
}

function printHead(): void {
  console.log(
    'minute  requests  failed  RSS MB  heap MB  external MB  descriptors  handles  temporary  connections',
  )
}

function print(sample: Sample, { counts, failures }: Done, note = ''): void {
  const { minute, rss, heap, external, descriptors, handles, temporary, connections } = sample
  const columns: [string | number, number][] = [
    [minute.toFixed(1), 6],
    [total(counts), 8],
    [failures.length, 6],
    [megabytes(rss), 6],
    [megabytes(heap), 7],
    [megabytes(external), 11],
    [total(descriptors), 11],
    [total(handles), 7],
    [temporary.length, 9],
    [connections ?? '-', 11],
  ]
  console.log(
    `${columns.map(([value, width]) => String(value).padStart(width)).join('  ')}  ${note}`,
  )
}

/** What grew, what was left, and what failed. */
function report(samples: readonly Sample[], before: Sample, after: Sample, done: Done): void {
  console.log('')
  for (const [name, count] of Object.entries(done.counts)) console.log(`${name}: ${count}`)
  console.log('')
  const measured = after.minute - before.minute
  for (const what of ['rss', 'heap', 'external'] as const) {
    const perMinute = slope(samples.map((sample) => [sample.minute, sample[what]]))
    const growth = perMinute * measured
    const median = quantile(
      samples.map((sample) => sample[what]),
      0.5,
    )
    const isFlat = growth <= Math.max(FLAT_SHARE * median, FLAT_BYTES)
    const grown = `${growth < 0 ? '' : '+'}${megabytes(growth)} MB in ${measured.toFixed(0)} minutes (${megabytes(perMinute * 60)} MB an hour)`
    console.log(`${what.padEnd(8)}  median ${megabytes(median)} MB, ${grown}: ${verdict(isFlat)}`)
  }
  const leaks = [
    ...more('descriptor', before.descriptors, after.descriptors),
    ...more('handle', before.handles, after.handles),
    ...after.temporary
      .filter((name) => !before.temporary.includes(name))
      .slice(0, 20)
      .map((name) => `temporary file ${name}`),
    ...((after.connections ?? 0) > (before.connections ?? 0)
      ? [`${after.connections! - before.connections!} database connections more`]
      : []),
  ]
  console.log(`left behind between the two still moments: ${leaks.join(', ') || 'nothing'}`)
  const { failures } = done
  console.log(`failed: ${failures.length}`)
  for (const failure of new Set(failures.slice(0, 20))) console.log(`  ${failure}`)
  if (leaks.length > 0 || failures.length > 0) process.exitCode = 1
}

function verdict(isFlat: boolean): string {
  if (!isFlat) process.exitCode = 1
  return isFlat ? 'flat' : 'GROWS'
}

/** What there is more of, by more than timers that come and go. */
function more(
  what: string,
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): string[] {
  return Object.entries(after).flatMap(([name, count]) => {
    const grown = count - (before[name] ?? 0)
    return grown > COMING_AND_GOING && name !== DATABASE_FILES
      ? [`${grown} more ${what} ${name}`]
      : []
  })
}

/** The median slope between any two points (Theil 1950, Sen 1968): single peaks do not move it. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes = points.flatMap(([x, y], i) =>
    points.slice(i + 1).map(([laterX, laterY]) => (laterY - y) / (laterX - x)),
  )
  return slopes.length === 0 ? 0 : quantile(slopes, 0.5)
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}
