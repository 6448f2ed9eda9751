// lucida backup: the truth and Lucida's own files as they are at one moment, in one file.
import { randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { lstat, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { sql } from 'drizzle-orm'
import { moveDurably } from '../core/durable-file.ts'
import { explainFullDisk, isSystemError, LucidaError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { countMigrations, type Database, openCopy, openDatabase, rows } from '../store/database.ts'
import { countPictures } from '../store/paths.ts'
import { listRoots } from '../store/roots.ts'
import type { Block, Counts, Manifest } from './blocks.ts'
import { checkFile, writeBlocks } from './file.ts'
import { readOwnFiles } from './own-files.ts'
import { findElsewhere, findOwn } from './own-folders.ts'
import { atOneMoment, readTable, TABLES } from './tables.ts'

/** Whose data; as in the settings. */
export interface BackupPlace {
  readonly dataDir: string
  readonly databaseUrl?: string | undefined
  readonly storage?: string | undefined
}

/** What was written. */
export interface BackupSummary {
  readonly file: string
  readonly sizeBytes: number
  /** Rows by table, and `files`. */
  readonly counts: Counts
  /** Lucida's own folders whose files are not in it: they lie in no place that the settings name. */
  readonly elsewhere: readonly string[]
}

export interface BackupOptions {
  /** Replaces a file that is there. */
  readonly force?: boolean
  /** A copy of the embedded database, where another process has that open. */
  readonly copy?: string
  readonly signal?: AbortSignal
}

/**
 * Writes a backup to `file`, whole or not at all. Throws `bad_input` where there is a file already,
 * `not_found` where there is no database, `database_busy`, `disk_full`.
 */
export async function writeBackup(
  place: BackupPlace,
  file: string,
  { force = false, copy, signal }: BackupOptions = {},
): Promise<BackupSummary> {
  refuseExisting(file, force)
  const database = copy === undefined ? await openPlace(place) : await openCopy(copy)
  // Another backup may be made to the same file just now.
  const draft = `${file}.${randomBytes(6).toString('hex')}.part`
  try {
    await removeAbandoned(file)
    let counts: Counts = {}
    const { elsewhere } = await atOneMoment(database.db, async (tx) => {
      const manifest = await describe(tx, place)
      const blocks = countBlocks(readBlocksOf(tx, manifest), (all) => (counts = all))
      await writeBlocks(draft, manifest, blocks, signal)
      return manifest
    })
    // What a disk has swallowed is better found now than when it is needed.
    await checkFile(draft, signal).catch((error: unknown) => {
      if (signal?.aborted) throw error
      const message = `${file} does not hold what was written to it; try another disk`
      throw new LucidaError('checksum_mismatch', message, { cause: error })
    })
    refuseExisting(file, force)
    await moveDurably(draft, file)
    return { file, sizeBytes: (await stat(file)).size, counts, elsewhere }
  } catch (error) {
    await rm(draft, { force: true })
    if (signal?.aborted) throw new LucidaError('cancelled', 'The backup was cancelled')
    throw explainFullDisk(explainUnwritable(error, draft), dirname(file), false)
  } finally {
    await database.close()
  }
}

/** A draft that nobody has written to for so long is finished by nobody. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000

/** Removes drafts of the same file that were left by a kill. */
async function removeAbandoned(file: string): Promise<void> {
  const folder = dirname(file)
  for (const name of await readdir(folder).catch(() => [])) {
    const isDraft = name.startsWith(basename(file)) && DRAFT.test(name.slice(basename(file).length))
    if (!isDraft) continue
    const found = await lstat(join(folder, name)).catch(() => null)
    const isOld = found !== null && Date.now() - found.mtimeMs > ABANDONED_AFTER_MS
    if (isOld) await rm(join(folder, name), { force: true }).catch(() => {})
  }
}

const DRAFT = /^\.[0-9a-f]{12}\.part$/

function refuseExisting(file: string, force: boolean): void {
  if (!existsSync(file)) return
  if (statSync(file).isDirectory()) {
    throw new LucidaError('bad_input', `${file} is a folder; give the name of a file in it`)
  }
  if (force) return
  const message = `${file} exists already; give another name, or --force to replace it`
  throw new LucidaError('bad_input', message)
}

/** `error` in clear words when `draft` cannot be written where it is to be. */
function explainUnwritable(error: unknown, draft: string): unknown {
  const { path, code } = error as NodeJS.ErrnoException
  if (!isSystemError(error) || path !== draft || code === 'ENOSPC') return error
  const message = `No backup can be written to ${dirname(draft)} (${code}); make that folder, or give another place`
  return new LucidaError('bad_input', message, { cause: error })
}

async function openPlace({ dataDir, databaseUrl }: BackupPlace) {
  if (databaseUrl) return openDatabase({ url: databaseUrl })
  const names = await readdir(dataDir).catch(() => [])
  if (!names.some((name) => name.startsWith('database'))) {
    throw new LucidaError('not_found', `There is no database in ${dataDir} (see --data-dir)`)
  }
  return openDatabase({ directory: dataDir })
}

async function describe(tx: Database, place: BackupPlace): Promise<Manifest> {
  const roots = await listRoots(tx)
  const [state] = await rows<{ sequence: number }>(
    tx,
    sql`select case when is_called then last_value else 0 end::float8 as sequence from changes_seq`,
  )
  const paths = roots.map(({ path }) => path)
  const own = await findOwn(paths, place)
  return {
    version: VERSION,
    createdAt: new Date().toISOString(),
    migrations: await countMigrations(),
    sequence: state!.sequence,
    roots: paths,
    own,
    elsewhere: await findElsewhere(tx, roots, own),
  }
}

async function* readBlocksOf(tx: Database, { own }: Manifest): AsyncGenerator<Block> {
  for (const table of TABLES) yield* readTable(tx, table)
  for (const folder of own) {
    let files = 0
    for await (const block of readOwnFiles(folder)) {
      files++
      yield block
    }
    if (files === 0) await refuseUnmounted(tx, folder.path)
  }
}

/** What is not there now must not be missing in the backup for good. */
async function refuseUnmounted(tx: Database, path: string): Promise<void> {
  const pictures = await countPictures(tx, path)
  if (pictures === 0) return
  const message = `No file is in ${path}, where ${pictures} pictures of Lucida's own should be; mount what it lies on, or, if they were deleted, run lucida index --prune ${path}`
  throw new LucidaError('not_found', message)
}

/** Adds the block that ends a backup. */
async function* countBlocks(
  blocks: AsyncIterable<Block>,
  onEnd: (counts: Counts) => void,
): AsyncGenerator<Block> {
  const counts: Record<string, number> = Object.fromEntries(TABLES.map((table) => [table, 0]))
  counts.files = 0
  for await (const block of blocks) {
    yield block
    if ('table' in block) counts[block.table]! += block.rows
    else counts.files++
  }
  onEnd(counts)
  yield { end: counts }
}
