// One million vectors of 512 dimensions, made from a seed in the likeness of CLIP's, in Lucida's HNSW
// index and, with the same links and candidates, in faiss's: building time, memory, recall against
// exact, times of single queries on one thread. What takes long is kept in .cache/ and goes on where
// it was killed. `npm run bench -- million hnsw faiss --vectors 20000` runs what is so named only.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { EF_CONSTRUCTION, M } from '../../src/search/hnsw-graph.ts'
import { type BuildCost, type Measured, type Point, readCost } from './million/built.ts'
import { msAt, msAtRecall } from './million/curve.ts'
import { printLikeness } from './million/real.ts'
import { exactNeighbours, K } from './million/truth.ts'
import { DIMENSION, makeVectors, QUERIES } from './million/vectors.ts'
import { percent, printHeader } from './report.ts'

const FOLDER = join(import.meta.dirname, 'million')
const FAISS = join(FOLDER, 'faiss_hnsw.py')
const PYTHON = process.env.LUCIDA_PYTHON ?? 'python3'
/** What the Python script builds with, too. */
const ENVIRONMENT = { ...process.env, LUCIDA_M: String(M), LUCIDA_EF: String(EF_CONSTRUCTION) }
/** Candidates of a search, to read off what equal recall costs. */
const EFS = [50, 100, 200, 400, 600, 1200, 2000, 3000, 4500]
/** What the index may take, as a multiple of the vectors alone. */
const MEMORY_LIMIT = 1.25
const PARTS = ['likeness', 'hnsw', 'faiss', 'measure'] as const

const execute = promisify(execFile)

/** Runs the parts that are named, or all; exit code 1 when memory goes beyond the limit. */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { vectors: { type: 'string', default: '1000000' } },
  })
  const unknown = positionals.filter((name) => !PARTS.some((part) => part === name))
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: not one of ${PARTS.join(', ')}`)
  const count = Number(values.vectors)
  const wants = (part: (typeof PARTS)[number]) =>
    positionals.length === 0 || positionals.includes(part)
  const hnswlib = createRequire(import.meta.url)('hnswlib-node/package.json') as { version: string }
  printHeader(
    'million',
    `none; hnswlib-node ${hnswlib.version}, M ${M}, ef_construction ${EF_CONSTRUCTION}`,
    `${count} vectors of ${DIMENSION} dimensions made from a seed, ${QUERIES} queries, k = ${K}`,
  )
  const folder = await makeVectors(count)
  if (wants('likeness')) await printLikeness(folder)
  const noFaiss = await whyNoFaiss()
  const size = [folder, String(count)]
  if (wants('hnsw')) {
    const script = join(FOLDER, 'hnsw-build.ts')
    await runToEnd(process.execPath, ['--import', 'tsx', script, ...size])
  }
  if (wants('faiss')) {
    if (noFaiss) console.log(`SKIPPED: faiss (${noFaiss})`)
    else await runToEnd(PYTHON, [FAISS, 'build', ...size])
  }
  if (wants('measure')) await measure(folder, count, noFaiss)
}

async function measure(folder: string, count: number, noFaiss: string | null): Promise<void> {
  const rawBytes = count * DIMENSION * 4
  console.log(`load average ${loadavg()[0]!.toFixed(1)}; vectors alone ${megabytes(rawBytes)}`)
  const hnsw = await readCost(join(folder, 'hnsw.json'))
  if (hnsw.vectors < count) {
    console.log(
      `SKIPPED: hnswlib (${hnsw.vectors} of ${count} vectors are built; run the part hnsw)`,
    )
    return
  }
  await exactNeighbours(folder)
  const node = (...args: string[]) =>
    runChild(process.execPath, ['--import', 'tsx', join(FOLDER, 'hnsw-measure.ts'), ...args])
  const index = await node('index', folder)
  const graph = await node('graph', folder, EFS.join())
  printIndex('Lucida’s index', hnsw, index, rawBytes)
  const share = index.residentBytes / rawBytes
  const good = share <= MEMORY_LIMIT
  if (!good) process.exitCode = 1
  console.log(`  at most ${MEMORY_LIMIT} times: ${good ? 'reached' : 'NOT REACHED'}`)
  printPoints('search(query, 10)', index.points)
  printPoints('hnswlib-node alone', graph.points)
  const faiss = await readCost(join(folder, 'faiss.json'))
  if (noFaiss !== null || faiss.vectors < count) {
    console.log(`\nSKIPPED: faiss (${noFaiss ?? `${faiss.vectors} of ${count} vectors are built`})`)
    return
  }
  const beside = await runChild(PYTHON, [FAISS, 'measure', folder, EFS.join()])
  printIndex(`faiss-cpu ${beside.version}`, faiss, beside, rawBytes)
  printPoints('IndexHNSWFlat', beside.points)
  printRatios(index, graph, beside)
}

function printIndex(name: string, cost: BuildCost, index: Measured, rawBytes: number): void {
  const { residentBytes, loadedBytes, peakBytes, loadSeconds } = index
  const times = (bytes: number) => `${megabytes(bytes)} (${(bytes / rawBytes).toFixed(3)} times)`
  console.log(`\n${name}`)
  console.log(
    `  built on ${cost.threads} thread in ${minutes(cost.cpuSeconds)} of its own, ` +
      `${minutes(cost.seconds)} by the clock, ${cost.runs} process(es); peak ${times(cost.peakBytes)}`,
  )
  console.log(`  loaded in ${loadSeconds.toFixed(1)} s; peak of the process ${times(peakBytes)}`)
  console.log(
    `  resident: once loaded ${times(loadedBytes)}, after searches ${times(residentBytes)}`,
  )
}

function printPoints(name: string, points: readonly Point[]): void {
  console.log(`  ${name}`)
  for (const point of points) {
    const cells = [
      `ef ${point.ef}`,
      `recall@${K} ${percent(point.recall)}`,
      `p50 ${msAt(point, 0.5).toFixed(2)} ms`,
      `p99 ${msAt(point, 0.99).toFixed(2)} ms`,
    ]
    console.log(
      `    ${cells
        .map((cell) => cell.padEnd(19))
        .join('')
        .trimEnd()}`,
    )
  }
}

/** Lucida over faiss, which is asked at whatever ef gives the same recall. */
function printRatios(index: Measured, graph: Measured, faiss: Measured): void {
  console.log('\nLucida / faiss')
  console.log(`  memory ${(index.residentBytes / faiss.residentBytes).toFixed(2)}`)
  const ratio = (point: Point, p: number) => {
    const other = msAtRecall(faiss.points, point.recall, p)
    return other === null ? 'not measured there' : (msAt(point, p) / other).toFixed(2)
  }
  const print = (name: string, point: Point) =>
    console.log(
      `  ${name}, recall@${K} ${percent(point.recall)}: ` +
        `p50 ${ratio(point, 0.5)}, p99 ${ratio(point, 0.99)}`,
    )
  for (const point of index.points) print('search(query, 10)', point)
  for (const point of graph.points) print(`hnswlib-node alone, ef ${point.ef}`, point)
}

async function runChild(command: string, args: readonly string[]): Promise<Measured> {
  const { stdout } = await execute(command, args, { maxBuffer: 64 * 2 ** 20 })
  return JSON.parse(stdout) as Measured
}

/** Builds in a process of its own, whose words are seen; it goes on where it was killed. */
async function runToEnd(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: 'inherit', env: ENVIRONMENT })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
}

async function whyNoFaiss(): Promise<string | null> {
  try {
    await execute(PYTHON, ['-c', 'import faiss, numpy'])
    return null
  } catch {
    return `${PYTHON} lacks faiss-cpu or numpy; LUCIDA_PYTHON names another`
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

function minutes(seconds: number): string {
  return `${(seconds / 60).toFixed(1)} min`
}
