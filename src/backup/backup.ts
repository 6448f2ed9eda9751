// lucida backup: the truth and Lucida's own pictures as they are at one moment, in one file.
import { existsSync } from 'node:fs'
import { readdir, realpath, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { sql } from 'drizzle-orm'
import { moveDurably } from '../core/durable-file.ts'
import { explainFullDisk, LucidaError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { countMigrations, type Database, openCopy, openDatabase, rows } from '../store/database.ts'
import { type Block, checkFile, type Counts, type Manifest, writeBlocks } from './file.ts'
import { findOwn, readOwnFiles } from './own-files.ts'
import { atOneMoment, readTable, TABLES } from './tables.ts'

/** Whose data; as in the settings. */
export interface BackupPlace {
  readonly dataDir: string
  readonly databaseUrl?: string | undefined
}

/** What was written or restored. */
export interface BackupSummary {
  readonly file: string
  readonly sizeBytes: number
  /** Rows by table, and `files`. */
  readonly counts: Counts
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
  const dataDir = await realDataDir(place)
  const database = copy === undefined ? await openPlace(place) : await openCopy(copy)
  const draft = `${file}.part`
  try {
    let counts: Counts = {}
    await atOneMoment(database.db, async (tx) => {
      const manifest = await describe(tx, dataDir)
      const blocks = countBlocks(readBlocksOf(tx, manifest), (all) => (counts = all))
      await writeBlocks(draft, manifest, blocks, signal)
    })
    // What a disk has swallowed is better found now than when it is needed.
    await checkFile(draft, signal).catch((error: unknown) => {
      if (signal?.aborted) throw error
      const message = `${file} does not hold what was written to it; try another disk`
      throw new LucidaError('checksum_mismatch', message, { cause: error })
    })
    refuseExisting(file, force)
    await moveDurably(draft, file)
    return { file, sizeBytes: (await stat(file)).size, counts }
  } catch (error) {
    await rm(draft, { force: true })
    if (signal?.aborted) throw new LucidaError('cancelled', 'The backup was cancelled')
    throw explainFullDisk(error, dirname(file))
  } finally {
    await database.close()
  }
}

function refuseExisting(file: string, force: boolean): void {
  if (force || !existsSync(file)) return
  const message = `${file} exists already; give another name, or --force to replace it`
  throw new LucidaError('bad_input', message)
}

/** Its real path, as roots in it are known; one that is not there holds nothing. */
async function realDataDir({ dataDir }: BackupPlace): Promise<string> {
  return realpath(dataDir).catch(() => dataDir)
}

async function openPlace({ dataDir, databaseUrl }: BackupPlace) {
  if (databaseUrl) return openDatabase({ url: databaseUrl })
  const names = await readdir(dataDir).catch(() => [])
  if (!names.some((name) => name.startsWith('database'))) {
    throw new LucidaError('not_found', `There is no database in ${dataDir} (see --data-dir)`)
  }
  return openDatabase({ directory: dataDir })
}

async function describe(tx: Database, dataDir: string): Promise<Manifest> {
  const roots = await rows<{ path: string }>(tx, sql`select path from roots order by path`)
  const [state] = await rows<{ sequence: number }>(
    tx,
    sql`select case when is_called then last_value else 0 end::float8 as sequence from changes_seq`,
  )
  const paths = roots.map(({ path }) => path)
  return {
    version: VERSION,
    createdAt: new Date().toISOString(),
    migrations: await countMigrations(),
    sequence: state!.sequence,
    roots: paths,
    own: findOwn(paths, dataDir),
  }
}

async function* readBlocksOf(tx: Database, { own }: Manifest): AsyncGenerator<Block> {
  for (const table of TABLES) yield* readTable(tx, table)
  yield* readOwnFiles(own)
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
