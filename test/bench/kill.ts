// Kill -9 at random moments while 1,000 photographs are being indexed; the next run must complete
// and leave exactly what one undisturbed run leaves. On PGlite, or on the server that
// TEST_DATABASE_URL names.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { unpack } from './datasets.ts'
import { printHeader, seededRandom } from './report.ts'
import { dumpCollection, largestDifference } from '../helpers/dump.ts'

const SET = 'flickr8k-dev'
const KILLS = 10
const MAX_ABS = 1e-6

interface Place {
  readonly dataDir: string
  readonly databaseUrl?: string
}

/** Runs the trials; exit code 1 when one of them differs. */
export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lucida-kill-'))
  try {
    const photos = join(folder, 'photos')
    await mkdir(photos)
    await unpack(SET, photos)
    const server = process.env.TEST_DATABASE_URL
    printHeader('kill', 'lucida-clip-1', `${SET}, ${server ? 'PostgreSQL server' : 'PGlite'}`)
    const undisturbed = await newPlace(folder, 'undisturbed', server)
    const startedAt = performance.now()
    await runToEnd(photos, undisturbed)
    const wholeMs = performance.now() - startedAt
    const expected = await dumpCollection(undisturbed)
    console.log(`undisturbed: ${expected.length} paths in ${(wholeMs / 1000).toFixed(1)} s`)

    const random = seededRandom(Date.now())
    for (let trial = 1; trial <= KILLS; trial++) {
      const place = await newPlace(folder, `trial_${trial}`, server)
      const afterMs = Math.round(random() * wholeMs)
      const before = await killAfter(photos, place, afterMs)
      await runToEnd(photos, place)
      const difference = largestDifference(expected, await dumpCollection(place))
      const verdict = difference <= MAX_ABS ? 'same' : 'DIFFERENT'
      if (difference > MAX_ABS) process.exitCode = 1
      console.log(
        `kill ${trial} after ${afterMs} ms (${before}): then complete, ${verdict}, ` +
          `largest difference of a vector ${difference.toExponential(1)}`,
      )
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function newPlace(folder: string, name: string, server: string | undefined): Promise<Place> {
  const dataDir = join(folder, name)
  if (!server) return { dataDir }
  const database = `lucida_kill_${name}_${Date.now()}`
  const client = new Client({ connectionString: server })
  await client.connect()
  await client.query(`create database ${database}`)
  await client.end()
  return { dataDir, databaseUrl: Object.assign(new URL(server), { pathname: `/${database}` }).href }
}

function start(photos: string, place: Place) {
  const args = ['--import', 'tsx', 'src/cli/main.ts', 'index', photos, '--data-dir', place.dataDir]
  const { DATABASE_URL: _, ...env } = process.env
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, '../..'),
    env: { ...env, ...(place.databaseUrl && { DATABASE_URL: place.databaseUrl }) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, errors })),
  )
  return { child, ended }
}

async function runToEnd(photos: string, place: Place): Promise<void> {
  const { code, errors } = await start(photos, place).ended
  if (code !== 0) throw new Error(`indexing ended with code ${code}: ${errors}`)
}

async function killAfter(photos: string, place: Place, afterMs: number): Promise<string> {
  const { child, ended } = start(photos, place)
  await Promise.race([sleep(afterMs), ended])
  const running = child.exitCode === null
  child.kill('SIGKILL')
  await ended
  return running ? 'killed while running' : 'it had ended'
}
