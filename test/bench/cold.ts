// A search from a cold start: from starting the shell command to its printed result, on 1,000 and on
// 50,000 pictures, with the parts that it is made of. Needs a build (npm run build).
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sha256 } from '../../src/core/hash.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import { openLucida } from '../../src/lucida.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { openDatabase } from '../../src/store/database.ts'
import { writeBatch } from '../../src/store/pictures.ts'
import { datasetNames } from './datasets.ts'
import { embedSet } from './embed.ts'
import { printHeader, quantile } from './report.ts'

const runFile = promisify(execFile)
const DIST = join(import.meta.dirname, '../../dist')
const SIZES = [1000, 50_000]
const RUNS = 11
const AIM_MS = 500

/** Runs the benchmark. */
export async function run(): Promise<void> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const vectors: UnitVector[] = []
  for (const name of await datasetNames()) vectors.push(...(await embedSet(clip, name)))
  await clip.close()
  const model = clip.model
  printHeader(
    'cold',
    model.name,
    `${SIZES.join(' and ')} vectors of the data sets, ${RUNS} runs each`,
  )
  for (const size of SIZES) {
    const dataDir = await mkdtemp(join(tmpdir(), 'lucida-cold-'))
    try {
      await fill(dataDir, { model: model.name, recipe: model.recipe }, vectors.slice(0, size))
      await measure(dataDir, size)
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  }
}

/** A store of made-up files with real vectors, its index and its checkpoint. */
async function fill(
  dataDir: string,
  space: { model: string; recipe: string },
  vectors: readonly UnitVector[],
): Promise<void> {
  const database = await openDatabase({ directory: dataDir })
  for (let at = 0; at < vectors.length; at += 1000) {
    const files = vectors.slice(at, at + 1000).map((vector, i) => {
      const hash = sha256(String(at + i))
      const path = `/photos/${Math.floor((at + i) / 500)}/${hash.slice(0, 12)}.jpg`
      const size = { sizeBytes: 2_000_000, widthPx: 4000, heightPx: 3000 }
      const content = { hash, format: 'jpeg', ...size, orientation: 1 }
      const hashes = { thumbHash: new Uint8Array(25), perceptualHash: hash.slice(0, 16) }
      return { path, mtimeMs: 0, hash, vector, content: { ...content, ...hashes }, sizeBytes: 1 }
    })
    await writeBatch(database.db, space, { files, failures: [] })
  }
  await database.close()
  const lucida = await openLucida({ dataDir })
  await lucida.search([{ text: 'anything' }])
  await lucida.close()
}

async function measure(dataDir: string, size: number): Promise<void> {
  const cli = join(DIST, 'cli/lucida.cjs')
  const search = ['search', 'a dog on the beach', '--data-dir', dataDir]
  const whole = await time(() => runFile(process.execPath, [cli, ...search]))
  console.log(`${size} pictures: search, start to end ${line(whole)} (aim ${AIM_MS} ms)`)
  const node = await time(() => runFile(process.execPath, ['-e', '0']))
  const help = await time(() => runFile(process.execPath, [cli, '--version']))
  console.log(`  of that: node alone ${line(node)}; with the command line loaded ${line(help)}`)
  for (const [name, samples] of await timeParts(dataDir)) console.log(`  ${name} ${line(samples)}`)
}

async function time(work: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = []
  await work()
  for (let i = 0; i < RUNS; i++) {
    const startedAt = performance.now()
    await work()
    samples.push(performance.now() - startedAt)
  }
  return samples
}

/** Each part alone, in a fresh process, one after another; in a search some of them overlap. */
async function timeParts(dataDir: string): Promise<Map<string, number[]>> {
  const parts = new Map<string, number[]>()
  for (let i = 0; i < RUNS; i++) {
    const args = ['--input-type=module', '-e', PARTS, DIST, dataDir]
    const { stdout } = await runFile(process.execPath, args)
    for (const [name, ms] of Object.entries(JSON.parse(stdout) as Record<string, number>)) {
      parts.set(name, [...(parts.get(name) ?? []), ms])
    }
  }
  return parts
}

const PARTS = `
const [dist, dataDir] = process.argv.slice(1)
const out = {}
const part = async (name, work) => {
  const startedAt = performance.now()
  const result = await work()
  out[name] = performance.now() - startedAt
  return result
}
const load = (file) => import(dist + '/' + file)
const m = await part('loading the modules', async () => Object.assign({}, ...await Promise.all(
  ['models/registry.js', 'models/clip.js', 'search/checkpoint.js', 'search/open-index.js',
   'search/picture-table.js', 'search/relevance.js', 'cold-search.js'].map(load))))
const model = await part('reading the model manifest', () => m.findModel('lucida-clip-1'))
const checkpoint = await m.readCheckpoint(dataDir, { model: model.name, recipe: model.recipe })
const folder = m.spaceFolder(dataDir, checkpoint.identity)
const clip = m.openClip(model, { threads: 0 })
const [vector] = await part('text tower: thread, onnxruntime, tokenizer, model, one text', () => clip.embedTexts(['a dog on the beach']))
const index = await part('index from its file (' + checkpoint.kind + ')', () => m.openIndexFor({ kind: checkpoint.kind, count: 0, identity: checkpoint.identity, directory: folder, fresh: false }))
const hits = await part('nearest neighbours', () => index.search(vector, 10))
const table = await part('picture table', () => m.openPictureTable(folder + '/' + checkpoint.table.name, checkpoint.table))
await part('ten rows', () => table.find(hits.map((hit) => hit.content)))
await part('neutral captions', () => m.loadNeutralBank(model, clip.embedTexts, dataDir + '/cache'))
await part('closing', async () => { await table.close(); await index.close(); await clip.close() })
console.log(JSON.stringify(out))
`

function line(samples: readonly number[]): string {
  return `p50 ${quantile(samples, 0.5).toFixed(0)} ms, worst ${Math.max(...samples).toFixed(0)} ms`
}
