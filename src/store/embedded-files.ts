// Where the embedded database lies in the data directory, and its files as such:
//   database/            the files of PGlite
//   database.closed      what those files looked like when they were last closed
//   database.snapshot    the last-good snapshot
//   database.roots.json  the indexed folders and the model, for when there is no snapshot
//   database.new-*       being made, or a copy for a backup; removed when left by a kill
//   database.broken-*    damaged, moved aside by a repair; the newest two are kept
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, constants, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { replaceFile } from '../core/durable-file.ts'
import { sha256 } from '../core/hash.ts'
import { assertFreeSpace, ROOM_TO_WRITE } from './free-space.ts'
import { listFolder } from './snapshot.ts'

const BROKEN_KEPT = 2
/** A database that is being made, and is no trace of one that was. */
const NEW = 'database.new-'
/** What a kill has left of a file beside it, and what earlier versions called that. */
const UNFINISHED = /^database\.(closed|snapshot|roots\.json)\.(new|[0-9a-f]+\.tmp)$/
/** Only the user may read what lies in the data directory. */
export const PRIVATE = 0o600

export interface Place {
  readonly directory: string
  readonly database: string
  readonly seal: string
  readonly snapshot: string
  readonly roots: string
}

export function placeIn(directory: string): Place {
  const database = join(directory, 'database')
  return {
    directory,
    database,
    seal: `${database}.closed`,
    snapshot: `${database}.snapshot`,
    roots: `${database}.roots.json`,
  }
}

/** Whether this is the name of a database that was never put in its place. */
export function isNew(name: string): boolean {
  return name.startsWith(NEW)
}

export function newName({ database }: Place): string {
  return join(dirname(database), `${NEW}${process.pid}-${randomBytes(3).toString('hex')}`)
}

/** Removes what kills have left. An orphan may still be writing there, and ends by itself. */
export async function removeLitter(place: Place): Promise<void> {
  for (const name of await readdir(place.directory)) {
    if (!isNew(name) && !UNFINISHED.test(name)) continue
    await rm(join(place.directory, name), { recursive: true, force: true }).catch(() => {})
  }
}

/** Throws when files may not be written, or the disk is full: no repair mends that. */
export async function refuseUnlessOurs(place: Place): Promise<void> {
  const { files } = listFolder(place.database)
  for (const { path } of files) {
    await access(join(place.database, path), constants.R_OK | constants.W_OK)
  }
  await refuseWithoutRoom(place)
}

/** Throws `disk_full` where a repair would not find room for what it restores or begins anew. */
export async function refuseWithoutRoom({ directory, snapshot }: Place): Promise<void> {
  const { size } = await stat(snapshot).catch(() => ({ size: 0 }))
  await assertFreeSpace(directory, size + ROOM_TO_WRITE, false)
}

export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

/** Notes how the closed database looks, so that the next start need not check it. */
export async function writeSeal(place: Place): Promise<void> {
  await replaceFile(place.seal, await digestOf(place.database), PRIVATE)
}

/** Whether the database is as its last owner left it. Removes the seal. */
export async function breakSeal({ database, seal }: Place): Promise<boolean> {
  const digest = await readFile(seal, 'utf8').catch(() => null)
  if (digest === null) return false
  await rm(seal)
  return digest === (await digestOf(database))
}

/** Names, sizes and times of all files: whatever is done to a closed database changes it. */
async function digestOf(folder: string): Promise<string> {
  const { files } = listFolder(folder)
  return sha256(JSON.stringify(files))
}

/** Moves the damaged database aside; null where there is none. */
export async function moveBrokenAside(place: Place): Promise<string | null> {
  if (!existsSync(place.database)) return null
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
  const kept = `${place.database}.broken-${stamp}`
  await rename(place.database, kept)
  return kept
}

/** Of the databases that were moved aside the newest stay. */
export async function removeOldBroken({ directory }: Place): Promise<void> {
  const broken = (await readdir(directory)).filter((name) => name.startsWith('database.broken-'))
  for (const name of broken.sort().slice(0, -BROKEN_KEPT)) {
    await rm(join(directory, name), { recursive: true, force: true })
  }
}

/** Creates an empty one in a process of its own: initdb peaks at some 850 MB of memory. */
export async function createDatabase(path: string): Promise<void> {
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
