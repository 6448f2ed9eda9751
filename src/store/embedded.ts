// The embedded database's life on disk: made by a process of its own, opened, checked when the last
// owner did not close it, packed into a last-good snapshot, and repaired from that when it is
// damaged. In the data directory:
//   database/            the files of PGlite
//   database.closed      what those files looked like when they were last closed
//   database.snapshot    the last-good snapshot
//   database.roots.json  the indexed folders and the model, for when there is no snapshot
//   database.new-*       being made, or a copy for a backup; removed when left by a kill
//   database.broken-*    damaged, moved aside by a repair; the newest two are kept
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  access,
  constants,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { PGlite } from '@electric-sql/pglite'
import { readCheckedJson, writeCheckedJson } from '../core/checked-file.ts'
import { moveDurably, replaceFile } from '../core/durable-file.ts'
import pMap from 'p-map'
import { LucidaError, messageOf, systemCode } from '../core/errors.ts'
import { sha256 } from '../core/hash.ts'
import { belowNoRoot } from './below-root.ts'
import { checkDatabase, isDamage } from './check.ts'
import { assertFreeSpace, ROOM_TO_WRITE } from './free-space.ts'
import { claimDirectory } from './owner.ts'
import {
  listFolder,
  packFolder,
  readHeader,
  type SnapshotHeader,
  unpackFolder,
} from './snapshot.ts'

/** How a database that could not be used was made usable again. */
export interface Repair {
  /** What was wrong with it. */
  readonly reason: string
  /** When the snapshot was taken that it was restored from; null when it begins anew. */
  readonly from: Date | null
  /** Where the damaged one was put; null when it had disappeared. */
  readonly brokenKeptAt: string | null
}

/** An open embedded database; `prepared` is what `prepare` made of it. */
export interface Embedded<T> {
  readonly prepared: T
  readonly repaired: Repair | null
  /** Writes what the user has chosen beside the database, where a repair finds it. */
  noteChoices(): Promise<void>
  notesDiffer(): Promise<boolean>
  findDamage(): Promise<string | null>
  /** Copies it as it is at one moment, in which nobody else is served; returns the copy's folder. */
  copy(): Promise<string>
  close(): Promise<void>
}

/** Postgres's major version in this PGlite; a directory of another cannot be opened. */
const POSTGRES = '18'
/** Bounds the memory; the default of 128 MB costs more to fill than the system's own cache. */
const SHARED_BUFFERS = '32MB'
/** Less than this is sooner done again than copied. */
const SNAPSHOT_MIN_CHANGES = 100
const SNAPSHOT_MIN_INTERVAL_MS = 10 * 60_000
/** Snapshots take at most one part in so many of the time. */
const SNAPSHOT_SHARE = 100
const BROKEN_KEPT = 2
/** Copies that wait for a thread, so that none waits for its turn in a busy event loop. */
const COPIES_AHEAD = 64

/** A database that is being made, and is no trace of one that was. */
const NEW = 'database.new-'
/** What a kill has left of a file beside it, and what earlier versions called that. */
const UNFINISHED = /^database\.(closed|snapshot|roots\.json)\.(new|[0-9a-f]+\.tmp)$/
/** Only the user may read what lies in the data directory. */
const PRIVATE = 0o600

interface Place {
  readonly directory: string
  readonly database: string
  readonly seal: string
  readonly snapshot: string
  readonly roots: string
}

type Prepare<T> = (client: PGlite) => Promise<T>

/** The database cannot be used as it is. */
class Damage extends Error {}

/**
 * Opens the database of `directory`, which must exist; makes or repairs it if need be. `prepare`
 * brings it up to date, and may be called for a restored one before.
 */
export async function openEmbedded<T>(
  directory: string,
  prepare: Prepare<T>,
): Promise<Embedded<T>> {
  const owner = await claimDirectory(directory)
  try {
    const place = placeIn(directory)
    await removeLitter(place)
    const { client, prepared, repaired } = await openOrRepair(place, prepare)
    const life = watchForDamage(client)
    return {
      prepared,
      repaired,
      noteChoices: () => noteChoices(client, place),
      notesDiffer: () => notesDiffer(client, place),
      async findDamage() {
        const fault = await checkDatabase(client)
        // The next start looks for itself, and repairs it.
        life.suspect ||= fault !== null
        return fault
      },
      copy: () => copyDatabase(client, place),
      async close() {
        try {
          await closeSound(client, place, life)
        } finally {
          await owner.release()
        }
      },
    }
  } catch (error) {
    await owner.release()
    throw error
  }
}

/**
 * Opens a copy that nobody else has, and checks it. It is neither repaired nor sealed: whoever has it
 * removes it. Throws `database_unavailable` where it is damaged.
 */
export async function openCopied<T>(
  folder: string,
  prepare: Prepare<T>,
): Promise<{ readonly prepared: T; close(): Promise<void> }> {
  try {
    const { client, prepared } = await open(folder, prepare, true)
    return { prepared, close: () => client.close() }
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    throw new LucidaError(
      'database_unavailable',
      `The database is damaged: ${error.message}. Start Lucida anew, which repairs it`,
      { cause: error },
    )
  }
}

function placeIn(directory: string): Place {
  const database = join(directory, 'database')
  return {
    directory,
    database,
    seal: `${database}.closed`,
    snapshot: `${database}.snapshot`,
    roots: `${database}.roots.json`,
  }
}

async function openOrRepair<T>(place: Place, prepare: Prepare<T>) {
  const { directory, database } = place
  let repaired: Repair | null = null
  if (!existsSync(database)) {
    // Something of it is left: it has disappeared, or a repair was killed between its two renames.
    const names = await readdir(directory)
    const traces = names.some((name) => name.startsWith('database.') && !name.startsWith(NEW))
    if (traces) {
      repaired = await repair(place, prepare, 'it is missing')
    } else {
      const made = newName(place)
      await createDatabase(made)
      await moveDurably(made, database)
    }
    return { ...(await open(database, prepare, false)), repaired }
  }
  // Whoever dies with the database open leaves no seal.
  const sealed = await breakSeal(place)
  try {
    return { ...(await open(database, prepare, !sealed)), repaired }
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    await refuseUnlessOurs(place)
  }
  try {
    // Once more: what failed for want of memory, say, is not damaged.
    return { ...(await open(database, prepare, true)), repaired }
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    repaired = await repair(place, prepare, error.message)
    return { ...(await open(database, prepare, false)), repaired }
  }
}

/** Opens one that exists. Throws `Damage`, or what keeps a sound one from being used. */
async function open<T>(path: string, prepare: Prepare<T>, check: boolean) {
  await refuseOtherVersion(path)
  let client: PGlite
  try {
    const startParams = [...PGlite.defaultStartParams, '-c', `shared_buffers=${SHARED_BUFFERS}`]
    client = await PGlite.create(path, { startParams })
  } catch (error) {
    // Too little memory for WebAssembly.
    if (error instanceof RangeError) throw error
    throw new Damage(`it does not open (${messageOf(error)})`, { cause: error })
  }
  try {
    const prepared = await prepare(client)
    const fault = check ? await checkDatabase(client) : null
    if (fault) throw new Damage(fault)
    return { client, prepared }
  } catch (error) {
    const explained = error instanceof LucidaError || error instanceof Damage
    const fault = explained ? null : await checkDatabase(client)
    await client.close().catch(() => {})
    // A migration that fails in a sound database is no reason to replace it.
    throw fault ? new Damage(fault, { cause: error }) : error
  }
}

/** PGlite would make a new database over one that lacks PG_VERSION. */
async function refuseOtherVersion(path: string): Promise<void> {
  const text = await readFile(join(path, 'PG_VERSION'), 'utf8').catch(() => '')
  const version = text.trim()
  if (!/^\d+$/.test(version)) throw new Damage('it lacks PG_VERSION')
  if (version !== POSTGRES) {
    throw new LucidaError(
      'database_unavailable',
      `${path} was made with PostgreSQL ${version}, but this version of Lucida uses ${POSTGRES}`,
    )
  }
}

/** Throws when files may not be written, or the disk is full: no repair mends that. */
async function refuseUnlessOurs({ directory, database, snapshot }: Place): Promise<void> {
  const { files } = listFolder(database)
  for (const { path } of files) {
    await access(join(database, path), constants.R_OK | constants.W_OK)
  }
  const needed = (await stat(snapshot).catch(() => ({ size: 0 }))).size + 64 * 2 ** 20
  if ((await freeBytes(directory)) < needed) {
    throw new LucidaError('database_unavailable', `There is no room left in ${directory}`)
  }
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

/**
 * Puts a restored or new database in the place of the damaged one. Killed at any moment, the next
 * start does the same again.
 */
async function repair(place: Place, prepare: Prepare<unknown>, reason: string): Promise<Repair> {
  const made = newName(place)
  let from: Date | null = null
  try {
    if (existsSync(place.snapshot)) {
      const { takenAt } = await unpackFolder(place.snapshot, made)
      await renew(made, prepare, place)
      from = new Date(takenAt)
    }
  } catch (error) {
    // A full disk or a newer version is no reason to give the snapshot up.
    if (error instanceof LucidaError || isSystemError(error)) throw error
    await rm(made, { recursive: true, force: true })
  }
  if (!from) {
    await createDatabase(made)
    await renew(made, prepare, place)
  }
  let brokenKeptAt: string | null = null
  if (existsSync(place.database)) {
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
    brokenKeptAt = `${place.database}.broken-${stamp}`
    await rename(place.database, brokenKeptAt)
  }
  await moveDurably(made, place.database)
  await removeOldBroken(place)
  return { reason, from, brokenKeptAt }
}

/** ENOSPC and its like, as opposed to the codes of Node's own errors. */
function isSystemError(error: unknown): boolean {
  return /^E[A-Z0-9]+$/.test(systemCode(error) ?? '')
}

/**
 * Makes a restored database one of its own: indexes made of the lost one are refused, though it may
 * reach the same numbers; folders are as the user last asked for, and wait to be indexed again.
 */
async function renew(path: string, prepare: Prepare<unknown>, place: Place): Promise<void> {
  const { client } = await open(path, prepare, true)
  const choices = await readNotes(place)
  await client.transaction(async (tx) => {
    await tx.exec(`delete from store; insert into store (id) values (gen_random_uuid());
                   update roots set indexed_at = null`)
    if (!choices) return
    const { roots, serving } = choices
    await tx.query('delete from roots where not path = any($1)', [roots.map(({ path }) => path)])
    for (const { path, exclude, drawn } of roots) {
      await tx.query(
        `insert into roots (path, exclude, drawn) values ($1, $2, $3)
         on conflict (path) do update set exclude = excluded.exclude, drawn = excluded.drawn`,
        [path, exclude, drawn],
      )
    }
    if (serving) {
      // A change that was begun before another model was chosen is over.
      await tx.query(
        `insert into serving (model, recipe, previous_model) values ($1, $2, $3)
         on conflict (id) do update set model = $1, recipe = $2, previous_model = $3,
           next_model = null, next_recipe = null, next_since = null, paused = false
         where serving.model <> $1`,
        [serving.model, serving.recipe, serving.previousModel],
      )
    }
    await tx.exec(`delete from paths where ${belowNoRoot('paths')};
                   delete from failures where ${belowNoRoot('failures')};
                   update changes set op = 'remove' where op = 'put' and not exists (
                     select from paths where content = changes.content and missing_since is null)`)
  })
  await client.close()
}

/** What the user has chosen, and no file could tell. */
interface Choices {
  readonly roots: readonly {
    readonly path: string
    readonly exclude: readonly string[]
    readonly drawn: boolean
  }[]
  readonly serving: {
    readonly model: string
    readonly recipe: string
    readonly previousModel: string | null
  } | null
}

async function choicesIn(client: PGlite): Promise<Choices> {
  const { rows: roots } = await client.query<Choices['roots'][number]>(
    'select path, exclude, drawn from roots order by path',
  )
  const { rows } = await client.query<NonNullable<Choices['serving']>>(
    'select model, recipe, previous_model as "previousModel" from serving',
  )
  return { roots, serving: rows[0] ?? null }
}

async function noteChoices(client: PGlite, place: Place): Promise<void> {
  await writeCheckedJson(place.roots, await choicesIn(client), PRIVATE)
}

async function notesDiffer(client: PGlite, place: Place): Promise<boolean> {
  const noted = (await readNotes(place)) ?? { roots: [], serving: null }
  return !isDeepStrictEqual(noted, await choicesIn(client))
}

async function refreshNotes(client: PGlite, place: Place): Promise<void> {
  if (await notesDiffer(client, place)) await noteChoices(client, place)
}

/** Null where nothing is noted, or what is noted is spoilt. */
async function readNotes(place: Place): Promise<Choices | null> {
  const noted = (await readCheckedJson(place.roots)) ?? (await readEarlierNotes(place))
  return noted as Choices | null
}

/** Version 0.1.0 noted the folders only, without a checksum. */
async function readEarlierNotes(place: Place): Promise<Choices | null> {
  try {
    const { roots, checksum } = JSON.parse(await readFile(place.roots, 'utf8'))
    if (checksum !== undefined) return null
    return { roots: roots.map((root: object) => ({ drawn: false, ...root })), serving: null }
  } catch {
    return null
  }
}

async function copyDatabase(client: PGlite, place: Place): Promise<string> {
  const folder = newName(place)
  try {
    // Holds off everybody else's statements, between two transactions.
    await client.transaction(async (tx) => {
      // So that the copy opens without a log to replay.
      await tx.exec('checkpoint')
      const { rows } = await tx.query<{ log: string }>(
        'select pg_walfile_name(pg_current_wal_insert_lsn()) as log',
      )
      await copyFolder(place.database, folder, rows[0]!.log)
    })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return folder
}

/** Without the files of the write-ahead log that wait behind `log` to be used again. */
async function copyFolder(from: string, to: string, log: string): Promise<void> {
  const { folders, files: all } = listFolder(from)
  const isSpare = (path: string) => dirname(path) === 'pg_wal' && basename(path) > log
  const files = all.filter(({ path }) => !isSpare(path))
  const needed = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  await assertFreeSpace(dirname(to), needed + ROOM_TO_WRITE)
  await mkdir(to, { mode: 0o700 })
  for (const path of folders) await mkdir(join(to, path), { recursive: true })
  // Where the file system can, the copy shares its blocks with the original.
  const copyOne = ({ path }: { path: string }) =>
    copyFile(join(from, path), join(to, path), constants.COPYFILE_FICLONE)
  await pMap(files, copyOne, { concurrency: COPIES_AHEAD })
}

/** Whether a query has failed in a way that makes the database suspect. */
interface Life {
  suspect: boolean
}

/** Notices errors that mean damage, and says so to the caller. */
function watchForDamage(client: PGlite): Life {
  const life: Life = { suspect: false }
  const rethrow = (cause: unknown): never => {
    if (!isDamage(cause)) throw cause
    life.suspect = true
    throw new LucidaError(
      'database_unavailable',
      `The database may be damaged (${messageOf(cause)}); the next start checks and repairs it`,
      { cause },
    )
  }
  const query = client.query.bind(client)
  const transaction = client.transaction.bind(client)
  client.query = (...args: Parameters<PGlite['query']>) => query(...args).catch(rethrow) as never
  client.transaction = (run) => transaction(run).catch(rethrow)
  return life
}

/** Closes; seals and, when it is time, packs what is sound. */
async function closeSound(client: PGlite, place: Place, life: Life): Promise<void> {
  const header = life.suspect ? null : await dueSnapshot(client, place)
  // The last good one is never replaced by one that is not.
  if (header && (await checkDatabase(client))) life.suspect = true
  // A full disk must not keep it from being closed; what is noted is only needed with a repair.
  if (!life.suspect) await refreshNotes(client, place).catch(() => {})
  await client.close()
  if (life.suspect) return
  if (header) {
    // Without a new one, the last good one stays.
    await packFolder(place.database, place.snapshot, header).catch(() => {})
  }
  await replaceFile(place.seal, await digestOf(place.database), PRIVATE)
}

/** What a snapshot taken now would say of itself; null when none is due. */
async function dueSnapshot(client: PGlite, place: Place): Promise<SnapshotHeader | null> {
  const takenAt = Date.now()
  const { rows } = await client.query<{ id: string; sequence: number }>(
    'select id, (select last_value::float8 from changes_seq) as sequence from store',
  )
  const { id: storeId, sequence } = rows[0]!
  const last = await readHeader(place.snapshot)
  const changes = last?.storeId === storeId ? sequence - last.sequence : sequence
  if (changes < SNAPSHOT_MIN_CHANGES) return null
  if (last) {
    const tookMs = last.writtenAt - last.takenAt
    const intervalMs = Math.max(SNAPSHOT_MIN_INTERVAL_MS, SNAPSHOT_SHARE * tookMs)
    const age = takenAt - last.writtenAt
    if (age >= 0 && age < intervalMs) return null
  }
  const { files } = listFolder(place.database)
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  return (await freeBytes(place.directory)) > 2 * sizeBytes ? { storeId, sequence, takenAt } : null
}

/** Names, sizes and times of all files: whatever is done to a closed database changes it. */
async function digestOf(folder: string): Promise<string> {
  const { files } = listFolder(folder)
  return sha256(JSON.stringify(files))
}

/** Whether the database is as its last owner left it. Removes the seal. */
async function breakSeal({ database, seal }: Place): Promise<boolean> {
  const digest = await readFile(seal, 'utf8').catch(() => null)
  if (digest === null) return false
  await rm(seal)
  return digest === (await digestOf(database))
}

function newName({ database }: Place): string {
  return join(dirname(database), `${NEW}${process.pid}-${randomBytes(3).toString('hex')}`)
}

/** Removes what kills have left. An orphan may still be writing there, and ends by itself. */
async function removeLitter(place: Place): Promise<void> {
  for (const name of await readdir(place.directory)) {
    if (!name.startsWith(NEW) && !UNFINISHED.test(name)) continue
    await rm(join(place.directory, name), { recursive: true, force: true }).catch(() => {})
  }
}

async function removeOldBroken({ directory }: Place): Promise<void> {
  const broken = (await readdir(directory)).filter((name) => name.startsWith('database.broken-'))
  for (const name of broken.sort().slice(0, -BROKEN_KEPT)) {
    await rm(join(directory, name), { recursive: true, force: true })
  }
}

/** Creates an empty one in a process of its own: initdb peaks at some 850 MB of memory. */
async function createDatabase(path: string): Promise<void> {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const module = fileURLToPath(new URL(`./create-database${extension}`, import.meta.url))
  const execArgv = extension === '.ts' ? ['--import', tsxLoader()] : []
  const child = fork(module, [path], { execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let errors = ''
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) {
    await rm(path, { recursive: true, force: true }).catch(() => {})
    throw new Error(`creating it failed (${code}): ${errors.trim().slice(-1000)}`)
  }
}

function tsxLoader(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
}
