// Kill -9 at random moments of the embedded database's life, without pictures or models around it:
// while it is created, at checkpoints, between writes, in a migration, while it is opened, and while
// it is closed and a snapshot is taken. After
// each kill a fresh process opens the directory, compares what is there with what was acknowledged,
// and checks every table and index (amcheck).
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { unpackFolder } from '../../src/store/snapshot.ts'
import type { Found, Task } from '../helpers/durability-child.ts'
import { printHeader, quantile, seededRandom } from './report.ts'

const CHILD = fileURLToPath(new URL('../helpers/durability-child.ts', import.meta.url))
const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))
const KILLS = Number(process.env.KILLS ?? 200)
/** A directory that does not open within this time counts as one that does not open. */
const HUNG_MS = 120_000
/** Pictures under the migration: 50 batches. */
const MIGRATED_BATCHES = 50

/** What the kills of one phase led to. */
interface Tally {
  kills: number
  /** Killed while the phase was under way, not before or after. */
  during: number
  unopened: number
  lostPictures: number
  halfBatches: number
  complaints: number
  repaired: number
  readonly openMs: number[]
}

type Random = () => number
type Phase = (folder: string, random: Random, tally: Tally, kills: number) => Promise<void>

const PHASES: Readonly<Record<string, Phase>> = {
  creation: killCreations,
  checkpoints: (...args) => killWriters('checkpoint', ...args),
  writes: (...args) => killWriters('write', ...args),
  migrations: killMigrations,
  opening: killOpenings,
  closing: killClosings,
}

/** Runs all phases; exit code 1 when anything was lost. */
export async function run(names: string[]): Promise<void> {
  const wanted = names.length > 0 ? names : Object.keys(PHASES)
  printHeader('durability', 'none', `${KILLS} kills of a process with an embedded database`)
  const random = seededRandom(Number(process.env.SEED ?? Date.now()))
  console.log(
    'phase        kills  during  unopened  lost  half  complaints  repaired  open p50/max ms',
  )
  for (const name of wanted) {
    const folder = await mkdtemp(join(tmpdir(), `lucida-durability-${name}-`))
    const tally: Tally = {
      kills: 0,
      during: 0,
      unopened: 0,
      lostPictures: 0,
      halfBatches: 0,
      complaints: 0,
      repaired: 0,
      openMs: [],
    }
    await PHASES[name]!(folder, random, tally, Math.ceil(KILLS / Object.keys(PHASES).length))
    print(name, tally)
    if (tally.unopened + tally.lostPictures + tally.halfBatches + tally.complaints > 0) {
      process.exitCode = 1
      console.log(`  kept: ${folder}`)
    } else {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

function print(name: string, tally: Tally): void {
  const { kills, during, unopened, lostPictures, halfBatches, complaints, repaired, openMs } = tally
  const times = `${quantile(openMs, 0.5).toFixed(0)} / ${Math.max(...openMs).toFixed(0)}`
  const columns = [kills, during, unopened, lostPictures, halfBatches, complaints, repaired]
  const widths = [5, 6, 8, 4, 4, 10, 8]
  const cells = columns.map((value, i) => String(value).padStart(widths[i]!))
  console.log(`${name.padEnd(11)}  ${cells.join('  ')}  ${times}`)
}

/** A child with the lines that it has said so far. */
interface Running {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly ended: Promise<unknown>
  /** Resolves when `line` has been said, or the child has ended. */
  heard(line: string): Promise<void>
}

function start(task: Task, directory: string, env: Record<string, string> = {}): Running {
  const args = ['--import', 'tsx', CHILD, task, directory, join(directory, 'migrations')]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const lines: string[] = []
  const waiting: (() => void)[] = []
  let rest = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
    for (const wake of waiting) wake()
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = once(child, 'close').then(() => {
    for (const wake of waiting) wake()
    if (child.exitCode !== null && child.exitCode !== 0) console.log(errors.trim().slice(0, 2000))
  })
  return {
    child,
    lines,
    ended,
    heard: (line) =>
      new Promise((resolve) => {
        const check = () => {
          const done = child.exitCode !== null || child.signalCode !== null
          if (done || lines.some((said) => said.startsWith(line))) resolve()
        }
        waiting.push(check)
        check()
      }),
  }
}

async function kill({ child, ended }: Running): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

/** Batches that were acknowledged in `lines`. */
function ackedIn(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /^acked (\d+)$/.exec(line)?.[1] ?? [])
}

/** Compares what a child found with what had been acknowledged. False when it did not open. */
function judge(lines: readonly string[], acked: ReadonlySet<string>, tally: Tally): boolean {
  const line = lines.find((said) => said.startsWith('{'))
  if (!line) {
    tally.unopened++
    return false
  }
  const { openMs, batches, batchSize, complaints, repaired } = JSON.parse(line) as Found
  tally.openMs.push(openMs)
  for (const batch of acked) tally.lostPictures += batchSize - (batches[batch] ?? 0)
  tally.halfBatches += Object.values(batches).filter((count) => count !== batchSize).length
  tally.complaints += complaints.length
  for (const complaint of complaints.slice(0, 5)) console.log(`  ${complaint}`)
  if (repaired) tally.repaired++
  return true
}

/** Opens in a fresh process, to its end, and judges. */
async function look(
  directory: string,
  acked: ReadonlySet<string>,
  tally: Tally,
  task: Task = 'look',
): Promise<boolean> {
  const looking = start(task, directory)
  await Promise.race([looking.ended, sleep(HUNG_MS, undefined, { ref: false })])
  await kill(looking)
  return judge(looking.lines, acked, tally)
}

async function killCreations(
  folder: string,
  random: Random,
  tally: Tally,
  kills: number,
): Promise<void> {
  const directory = join(folder, 'data')
  // Once undisturbed, for the time that it takes.
  const whole = start('create', directory)
  await whole.heard('work')
  const startedAt = performance.now()
  await whole.heard('opened')
  const wholeMs = performance.now() - startedAt
  await kill(whole)
  await rm(directory, { recursive: true })
  for (; tally.kills < kills; tally.kills++) {
    const running = start('create', directory)
    await running.heard('work')
    await sleep(random() * wholeMs * 1.1)
    if (!running.lines.includes('opened')) tally.during++
    await kill(running)
    if (!existsSync(join(directory, 'database'))) continue
    await look(directory, new Set(), tally)
    await rm(directory, { recursive: true })
  }
  await look(directory, new Set(), tally)
  const rubbish = (await readdir(directory)).filter((name) => name.startsWith('database.new'))
  for (const name of rubbish) console.log(`  left behind for ever: ${name}`)
  tally.complaints += rubbish.length
}

/** One directory lives through twenty kills: damage that shows late shows too. */
async function killWriters(
  task: 'write' | 'checkpoint',
  folder: string,
  random: Random,
  tally: Tally,
  kills: number,
): Promise<void> {
  let directory = await freshDirectory(folder)
  let acked = new Set<string>()
  for (; tally.kills < kills; tally.kills++) {
    if (tally.kills % 20 === 0 && tally.kills > 0) {
      await look(directory, acked, tally)
      directory = await freshDirectory(folder)
      acked = new Set()
    }
    const running = start(task, directory)
    await Promise.race([running.heard('work'), sleep(HUNG_MS, undefined, { ref: false })])
    await sleep(random() * 1500)
    if (running.child.exitCode === null && running.lines.includes('work')) tally.during++
    await kill(running)
    if (!judge(running.lines, acked, tally)) {
      directory = await freshDirectory(folder)
      acked = new Set()
    }
    for (const batch of ackedIn(running.lines)) acked.add(batch)
  }
  await look(directory, acked, tally)
}

async function killMigrations(
  folder: string,
  random: Random,
  tally: Tally,
  kills: number,
): Promise<void> {
  const template = await freshDirectory(folder)
  const filling = start('write', template, { BATCHES: String(MIGRATED_BATCHES) })
  await filling.ended
  const acked = new Set(ackedIn(filling.lines))
  await addMigration(join(template, 'migrations'))
  const copy = async (name: string) => {
    const directory = join(folder, name)
    await cp(template, directory, { recursive: true, filter: (path) => !path.endsWith('.sock') })
    return directory
  }
  const rehearsal = start('migrate', await copy('rehearsal'))
  await rehearsal.heard('work')
  const startedAt = performance.now()
  await rehearsal.heard('migrated')
  const wholeMs = performance.now() - startedAt
  await rehearsal.ended
  for (; tally.kills < kills; tally.kills++) {
    const directory = await copy('trial')
    const running = start('migrate', directory)
    await running.heard('work')
    await sleep(random() * wholeMs * 1.1)
    if (!running.lines.includes('migrated')) tally.during++
    await kill(running)
    // A directory that failed stays, to be looked at.
    if (!(await look(directory, acked, tally, 'look-raw'))) await copy(`failed-${tally.kills}`)
    await rm(directory, { recursive: true })
  }
}

/** The real migrations and one more, which rewrites the tables. */
async function addMigration(folder: string): Promise<void> {
  await mkdir(folder)
  await cp(MIGRATIONS, folder, { recursive: true })
  const journalPath = join(folder, 'meta/_journal.json')
  const journal = JSON.parse(await readFile(journalPath, 'utf8'))
  journal.entries.push({
    idx: journal.entries.length,
    version: journal.entries[0].version,
    when: journal.entries.at(-1).when + 1000,
    tag: '9999_rewrite',
    breakpoints: true,
  })
  await writeFile(journalPath, JSON.stringify(journal))
  const statements = [
    'alter table contents add column filler text default md5(random()::text) not null',
    `update embeddings set recipe = recipe || 'x'`,
    'alter table paths alter column size_bytes type numeric',
    'create index contents_filler on contents (filler)',
  ]
  await writeFile(
    join(folder, '9999_rewrite.sql'),
    statements.join(';\n--> statement-breakpoint\n'),
  )
}

/** The first opening replays what a killed writer left; it is killed too, and so is the next. */
async function killOpenings(
  folder: string,
  random: Random,
  tally: Tally,
  kills: number,
): Promise<void> {
  const directory = await freshDirectory(folder)
  const acked = new Set<string>()
  let wholeMs = 1000
  while (tally.kills < kills) {
    const writing = start('write', directory)
    await writing.heard('work')
    await sleep(500 + random() * 500)
    await kill(writing)
    if (!judge(writing.lines, acked, tally)) return
    wholeMs = tally.openMs.at(-1)! * 1.2
    for (const batch of ackedIn(writing.lines)) acked.add(batch)
    for (let again = 0; again < 4 && tally.kills < kills; again++, tally.kills++) {
      const opening = start('open', directory)
      await opening.heard('work')
      await sleep(random() * wholeMs)
      if (!opening.lines.includes('opened')) tally.during++
      await kill(opening)
    }
  }
  await look(directory, acked, tally)
}

/** Each in a copy of a new database, with changes enough for a snapshot, which must be whole. */
async function killClosings(
  folder: string,
  random: Random,
  tally: Tally,
  kills: number,
): Promise<void> {
  let wholeMs = 0
  for (; tally.kills < kills; tally.kills++) {
    const directory = await freshDirectory(folder)
    const running = start('close', directory)
    await running.heard('work')
    const startedAt = performance.now()
    // The first to its end, for the time that it takes.
    if (wholeMs === 0) {
      await running.heard('closed')
      wholeMs = performance.now() - startedAt
    } else await sleep(random() * wholeMs)
    if (!running.lines.includes('closed')) tally.during++
    await kill(running)
    const snapshot = join(directory, 'database.snapshot')
    if (existsSync(snapshot)) await unpackFolder(snapshot, join(directory, 'unpacked'))
    await look(directory, new Set(ackedIn(running.lines)), tally)
    await rm(directory, { recursive: true })
  }
}

let made = 0

/** A data directory with a new database in it; made once, then copied. */
async function freshDirectory(folder: string): Promise<string> {
  const template = join(folder, 'template')
  if (!existsSync(template)) {
    const looking = start('look', template)
    await looking.ended
  }
  const directory = join(folder, `data-${made++}`)
  await cp(template, directory, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  return directory
}
