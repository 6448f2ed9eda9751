// A backup of a collection while a server answers searches and indexes: how long it takes, how large it
// is and how long it holds others up. Then another one at rest, restored elsewhere, whose answers are
// compared. Exit code 1 where one differs or a request fails.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createClient } from '../../src/client/client.ts'
import { sha256 } from '../../src/core/hash.ts'
import { normalize } from '../../src/core/vector.ts'
import { openLucida } from '../../src/lucida.ts'
import { findModel } from '../../src/models/registry.ts'
import { openDatabase } from '../../src/store/database.ts'
import { writeBatch } from '../../src/store/pictures.ts'
import { refreshStatistics } from '../../src/store/statistics.ts'
import { answersOf } from '../helpers/answers.ts'
import { makePicture } from '../helpers/noise-pictures.ts'
import { patientFetch } from './patient-fetch.ts'
import { printHeader, quantile, seededRandom } from './report.ts'

const MODEL = 'lucida-clip-1'
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const FILES = 60
const QUIET_MS = 15_000
const TEXTS = ['a dog on the beach', 'two people', 'a red car', 'snow at night', 'food on a table']

/** Latencies of what others asked meanwhile, in milliseconds. */
type Latencies = Record<'search' | 'facets' | 'index', number[]>

/** Runs it: `npm run bench -- backup [--pictures n]`. */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    allowPositionals: true,
    strict: false,
    options: { pictures: { type: 'string', default: '5000' } },
  })
  const pictures = Number(values.pictures)
  const folder = await mkdtemp(join(tmpdir(), 'lucida-backup-bench-'))
  const [dataDir, photos] = [join(folder, 'data'), join(folder, 'photos')]
  printHeader('backup', MODEL, `${pictures} pictures with random vectors, PGlite`)
  try {
    await mkdir(photos)
    for (let i = 0; i < FILES; i++) await writeFile(join(photos, `${i}.png`), await makePicture(i))
    await fill(dataDir, pictures)

    const server = fork(join(import.meta.dirname, 'soak-server.ts'), [dataDir], {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, LUCIDA_ALLOWED_ROOTS: photos },
    })
    const [{ url }] = (await once(server, 'message')) as [{ url: string }]
    const { job } = await createClient({ baseUrl: url, fetch: patientFetch }).addRoot({
      body: { path: photos },
    })
    for await (const _ of createClient({ baseUrl: url, fetch: patientFetch }).followJob(job.id))
      await sleep(0)

    const quiet = await under(url, photos, () => sleep(QUIET_MS))
    report('before', quiet.latencies)
    const first = join(folder, 'busy.backup')
    const busy = await under(url, photos, () => lucida(['backup', first, '--data-dir', dataDir]))
    report('backup under load', busy.latencies)
    const perPicture = (await stat(first)).size / pictures
    console.log(
      `backup under load: ${busy.result.seconds.toFixed(1)} s, ${((await stat(first)).size / 1e6).toFixed(1)} MB, ${perPicture.toFixed(0)} bytes a picture`,
    )
    server.send('stop')
    await once(server, 'exit')
    const restored = join(folder, 'busy')
    const { seconds } = await lucida(['restore', first, '--data-dir', restored])
    console.log(`restored in ${seconds.toFixed(1)} s`)

    const second = join(folder, 'rest.backup')
    const atRest = await lucida(['backup', second, '--data-dir', dataDir])
    console.log(`backup at rest: ${atRest.seconds.toFixed(1)} s`)
    const elsewhere = join(folder, 'elsewhere')
    await lucida(['restore', second, '--data-dir', elsewhere])
    const [expected, answers] = [await answersAt(dataDir), await answersAt(elsewhere)]
    const different = Object.keys(expected).filter((name) => expected[name] !== answers[name])
    console.log(
      `answers: ${Object.keys(expected).length} asked of both, ${different.length} differ ${different.join(', ')}`,
    )
    const whole = await countAt(restored)
    console.log(`restored from the backup under load: ${whole} of ${pictures + FILES} pictures`)
    if (different.length > 0 || whole !== pictures + FILES) process.exitCode = 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Rows as the indexer would have written them. */
async function fill(directory: string, count: number): Promise<void> {
  console.error(`writing ${count} pictures`)
  const { name: model, recipe, dimension } = await findModel(MODEL, '')
  const database = await openDatabase({ directory })
  const random = seededRandom(3)
  const fileOf = (i: number) => {
    const hash = sha256(`picture ${i}`)
    const vector = normalize(Array.from({ length: dimension }, () => random() - 0.5))
    const content = {
      hash,
      format: 'jpeg',
      sizeBytes: 1_000_000 + i,
      widthPx: 4000,
      heightPx: 3000,
      orientation: 1,
      takenAt: new Date(1.5e12 + i * 1e6).toISOString().slice(0, 19),
      cameraMake: 'NIKON CORPORATION',
      cameraModel: 'NIKON D90',
      thumbHash: Buffer.from(hash.slice(0, 50), 'hex'),
      perceptualHash: hash.slice(0, 16),
    }
    return {
      path: `/pictures/${i % 100}/${i}.jpg`,
      sizeBytes: 1,
      mtimeMs: 0,
      hash,
      vector,
      content,
    }
  }
  for (let at = 0; at < count; at += 1000) {
    const files = Array.from({ length: Math.min(1000, count - at) }, (_, i) => fileOf(at + i))
    await writeBatch(database.db, { model, recipe }, { files, failures: [] })
  }
  await refreshStatistics(database.db)
  await database.close()
}

/** Two clients and an indexer at work for as long as `meanwhile` takes. */
async function under<T>(
  url: string,
  photos: string,
  meanwhile: () => Promise<T>,
): Promise<{ result: T; latencies: Latencies }> {
  const client = createClient({ baseUrl: url, fetch: patientFetch })
  const latencies: Latencies = { search: [], facets: [], index: [] }
  let over = false
  let turn = 0
  const keep = async (name: keyof Latencies, ask: () => Promise<unknown>) => {
    while (!over) {
      const startedAt = performance.now()
      await ask()
      latencies[name].push(performance.now() - startedAt)
      await sleep(10)
    }
  }
  const working = [
    keep('search', () => client.search({ query: { text: TEXTS[turn++ % TEXTS.length]! } })),
    // It always asks the database.
    keep('facets', () => client.facets({})),
    keep('index', async () => {
      await writeFile(join(photos, `${turn % FILES}.png`), await makePicture(`new ${turn}`))
      const { job } = await client.startIndexing({ body: { folders: [photos], prune: true } })
      for await (const _ of client.followJob(job.id)) await sleep(0)
    }),
  ]
  const result = await meanwhile()
  over = true
  await Promise.all(working)
  return { result, latencies }
}

function report(name: string, latencies: Latencies): void {
  for (const [what, ms] of Object.entries(latencies)) {
    console.log(
      `${name.padEnd(18)}  ${what.padEnd(6)}  ${String(ms.length).padStart(5)} times  ` +
        `p50 ${quantile(ms, 0.5).toFixed(1)} ms, p99 ${quantile(ms, 0.99).toFixed(1)} ms, longest ${Math.max(...ms).toFixed(0)} ms`,
    )
  }
}

/** Runs a command as a process of its own. */
async function lucida(args: readonly string[]): Promise<{ seconds: number }> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`lucida ${args[0]!} ended with ${code}`)
  return { seconds: (performance.now() - startedAt) / 1000 }
}

async function answersAt(dataDir: string) {
  const opened = await openLucida({ dataDir, model: MODEL })
  try {
    return await answersOf(opened, { texts: TEXTS, rename: [[dataDir, 'DATA']] })
  } finally {
    await opened.close()
  }
}

/** Pictures that a search looks through. */
async function countAt(dataDir: string): Promise<number> {
  const opened = await openLucida({ dataDir, model: MODEL })
  try {
    return (await opened.status()).searchable
  } finally {
    await opened.close()
  }
}
