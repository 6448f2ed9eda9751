// The HTTP API under load: 100,000 synthetic pictures in an embedded database, the server in a process
// of its own, autocannon in this one. Exit code 1 when a request fails.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { sha256 } from '../../src/core/hash.ts'
import { normalize } from '../../src/core/vector.ts'
import { drawDemoPictures } from '../../src/demo/draw.ts'
import { openClip } from '../../src/models/clip.ts'
import type { ModelSpec } from '../../src/models/manifest.ts'
import { openLucida } from '../../src/lucida.ts'
import { findModel } from '../../src/models/registry.ts'
import { openDatabase } from '../../src/store/database.ts'
import { type IndexedFile, writeBatch } from '../../src/store/pictures.ts'
import { refreshStatistics } from '../../src/store/statistics.ts'
import { printHeader, quantile, seededRandom } from './report.ts'

const CONNECTIONS = [1, 8, 32]
/** Texts of which the first is as good as any: all of them are in the cache after a moment. */
const CACHED = ['a dog on the beach', 'snow on a mountain', 'a red car', 'people at a table']
const WORDS = 'red blue old small dog cat house tree street night snow beach boat child car'.split(
  ' ',
)

/**
 * Runs the benchmark: `npm run bench -- api [--pictures n] [--seconds n] [--keep folder]`. A folder
 * that is kept is filled by the first run and used as it is by the next.
 */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    allowPositionals: true,
    options: {
      pictures: { type: 'string', default: '100000' },
      seconds: { type: 'string', default: '10' },
      keep: { type: 'string' },
    },
    strict: false,
  })
  const pictures = Number(values.pictures)
  const seconds = Number(values.seconds)
  const model = await findModel('lucida-clip-1')
  const kept = values.keep as string | undefined
  const directory = kept ?? (await mkdtemp(join(tmpdir(), 'lucida-bench-api-')))
  try {
    if (!existsSync(join(directory, 'database'))) await fill(directory, model, pictures)
    const encodeMs = await timeEncoder(model)
    const uploads = await drawUploads(directory)
    const server = await startServer(directory)
    printHeader(
      'api',
      `${model.name}, ${model.dimension} dimensions`,
      `${pictures} synthetic pictures, ${server.index} index, PGlite; 20 results a page; ` +
        `${seconds} s each; load and server share the machine`,
    )
    console.log(`the text encoder's own time, one text at a time: p50 ${encodeMs.toFixed(2)} ms`)
    console.log('')
    console.log('search       connections   p50 ms   p99 ms   requests/s   loop delay max ms')
    let failed = 0
    for (const [name, requests] of Object.entries(kinds(uploads))) {
      for (const connections of CONNECTIONS) {
        await load(server.url, requests, connections, 2)
        await server.resetDelay()
        const { latencies, perSecond, errors } = await load(
          server.url,
          requests,
          connections,
          seconds,
        )
        const p50 = quantile(latencies, 0.5)
        const ratio =
          name === 'new text' ? `   p50 is ${(p50 / encodeMs).toFixed(2)} x the encoder` : ''
        failed += errors
        console.log(
          `${name.padEnd(11)}  ${String(connections).padStart(11)}  ${p50.toFixed(2).padStart(7)}  ` +
            `${quantile(latencies, 0.99).toFixed(2).padStart(7)}  ${perSecond.toFixed(1).padStart(11)}  ` +
            `${(await server.maxDelayMs()).toFixed(1).padStart(18)}${ratio}`,
        )
      }
    }
    await server.stop()
    if (failed > 0) {
      console.error(`${failed} requests failed`)
      process.exitCode = 1
    }
  } finally {
    if (kept === undefined) await rm(directory, { recursive: true, force: true })
  }
}

/** Rows as the indexer would have written them, around a few hundred centres. */
async function fill(directory: string, model: ModelSpec, count: number): Promise<void> {
  console.error(`writing ${count} pictures`)
  const database = await openDatabase({ directory })
  const random = seededRandom(11)
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const draw = () => Array.from({ length: model.dimension }, gauss)
  const centres = Array.from({ length: 300 }, draw)
  const space = { model: model.name, recipe: model.recipe }
  const fileOf = (i: number): IndexedFile => {
    const hash = sha256(`picture ${i}`)
    const centre = centres[i % centres.length]!
    const vector = normalize(draw().map((value, d) => value + centre[d]!))
    const path = `/pictures/${i % 100}/${i}.jpg`
    const content = {
      hash,
      format: 'jpeg',
      sizeBytes: 1,
      widthPx: 4000,
      heightPx: 3000,
      orientation: 1,
      thumbHash: Buffer.alloc(25, i),
      perceptualHash: hash.slice(0, 16),
    }
    return { path, sizeBytes: 1, mtimeMs: 0, hash, vector, content }
  }
  for (let at = 0; at < count; at += 1000) {
    const files = Array.from({ length: Math.min(1000, count - at) }, (_, i) => fileOf(at + i))
    await writeBatch(database.db, space, { files, failures: [] })
  }
  await refreshStatistics(database.db)
  await database.close()
  console.error('building the index')
  const lucida = await openLucida({ dataDir: directory, model: model.name })
  await lucida.status()
  await lucida.close()
}

async function timeEncoder(model: ModelSpec): Promise<number> {
  const clip = openClip(model, { threads: 0 })
  const times: number[] = []
  for (let i = 0; i < 300; i++) {
    const startedAt = performance.now()
    await clip.embedTexts([newText()])
    if (i >= 50) times.push(performance.now() - startedAt)
  }
  await clip.close()
  return quantile(times, 0.5)
}

let texts = 0
/** Never the same twice. */
function newText(): string {
  texts++
  const words = Array.from({ length: 5 }, (_, i) => WORDS[(texts * (i + 3) + i) % WORDS.length])
  return `${words.join(' ')} ${texts}`
}

async function drawUploads(directory: string): Promise<Buffer[]> {
  const folder = join(directory, 'uploads')
  await drawDemoPictures(folder)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).slice(0, 20)
  return Promise.all(names.map((name) => readFile(join(folder, name))))
}

function kinds(uploads: readonly Buffer[]): Record<string, () => autocannon.Request> {
  let turn = 0
  const boundary = 'lucida-bench'
  const bodies = uploads.map((bytes) =>
    Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`,
      ),
      bytes,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  )
  const search = (text: string): autocannon.Request => ({
    method: 'GET',
    path: `/v1/search?text=${encodeURIComponent(text)}`,
  })
  return {
    'cached text': () => search(CACHED[turn++ % CACHED.length]!),
    'new text': () => search(newText()),
    image: () => ({
      method: 'POST',
      path: '/v1/search/image',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: bodies[turn++ % bodies.length]!,
    }),
  }
}

async function load(
  url: string,
  next: () => autocannon.Request,
  connections: number,
  seconds: number,
) {
  const latencies: number[] = []
  let errors = 0
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const running = autocannon(
      {
        url,
        connections,
        duration: seconds,
        requests: [{ setupRequest: (request) => ({ ...request, ...next() }) }],
      },
      (error: Error | null, result) => (error ? reject(error) : resolve(result)),
    )
    running.on('response', (_client, status, _bytes, ms) => {
      latencies.push(ms)
      if (status !== 200) errors++
    })
  })
  const perSecond = latencies.length / result.duration
  return { latencies, perSecond, errors: errors + result.errors + result.timeouts }
}

async function startServer(directory: string) {
  const child = fork(join(import.meta.dirname, 'api-server.ts'), [directory], {
    execArgv: ['--import', 'tsx'],
  })
  const { url, index } = (await answerOf(child)) as { url: string; index: string }
  const ask = async (what: string) => {
    child.send(what)
    return answerOf(child)
  }
  return {
    url,
    index,
    resetDelay: () => ask('reset'),
    maxDelayMs: async () => (await ask('delay')) as number,
    async stop() {
      child.send('stop')
      await once(child, 'exit')
    },
  }
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the server has ended'))
    child.once('exit', ended)
    child.once('message', (answer) => {
      child.off('exit', ended)
      resolve(answer)
    })
  })
}
