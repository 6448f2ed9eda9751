// lucida restore: a backup into an empty database, on either engine; all of it or nothing.
import { mkdir } from 'node:fs/promises'
import { and, eq, sql } from 'drizzle-orm'
import { explainAwayDatabase, explainFullDisk, LucidaError } from '../core/errors.ts'
import { isBucketPath, placeOf } from '../core/place.ts'
import { removeCheckpoints } from '../search/checkpoint.ts'
import { openSource, realPlace } from '../sources/open-source.ts'
import { systemReason } from '../sources/read-file.ts'
import { withWriterLock } from '../store/changes.ts'
import { countMigrations, type Database, openDatabase } from '../store/database.ts'
import { assertFreeSpace, ROOM_TO_WRITE } from '../store/free-space.ts'
import { countPictures } from '../store/paths.ts'
import { claimRoot } from '../store/roots.ts'
import { paths } from '../store/schema.ts'
import { refreshStatistics } from '../store/statistics.ts'
import type { BackupPlace, BackupSummary } from './backup.ts'
import { type Counts, malformed, type Manifest, newer } from './blocks.ts'
import { checkFile, readBlocks } from './file.ts'
import { type RestoredFile, restoreFile } from './own-files.ts'
import { type PlacedFolder, placeOwn } from './own-folders.ts'
import { checkRelocations, ordered, type Relocation } from './relocation.ts'
import { filledTables, insertRows, TABLES } from './tables.ts'

export interface RestoreOptions {
  /** Folders of pictures that lie elsewhere here. */
  readonly map?: readonly Relocation[]
  readonly signal?: AbortSignal
}

/**
 * Restores `file`. Nothing is changed before the whole file has been checked, and the database changes
 * in one transaction: one that is killed leaves it empty. Throws what `checkFile` throws, `bad_input`
 * for a database that is not empty and for a map that does not fit, `database_busy`, `disk_full`.
 */
export async function restoreBackup(
  place: BackupPlace,
  file: string,
  { map = [], signal }: RestoreOptions = {},
): Promise<Pick<BackupSummary, 'file' | 'counts'>> {
  const manifest = await checkFile(file, signal)
  if (manifest.migrations > (await countMigrations())) {
    throw newer(file, `version ${manifest.version}`)
  }
  const mapped = await Promise.all(
    map.map(async ({ from, to }) => ({ from: placeOf(from), to: await realPlace(to) })),
  )
  checkRelocations(mapped, manifest.roots)
  await placeOwn(manifest.own, place)
  await makeFolder(place.dataDir, 0o700)
  const { storage } = place
  if (storage !== undefined && !isBucketPath(storage)) await makeFolder(storage)
  // Real paths are known of what is there only.
  const dataDir = await realPlace(place.dataDir)
  const folders = await placeOwn(manifest.own, place)
  const own = folders.map(({ path, to }) => ({ from: path, to }))
  const database = await openDatabase(
    place.databaseUrl ? { url: place.databaseUrl } : { directory: dataDir },
  )
  const isEmbedded = database.engine === 'pglite'
  try {
    const counts = await restoreAll(database.db, {
      file,
      manifest,
      relocations: ordered([...own, ...mapped]),
      folders,
      dataDir,
      // The embedded database must not meet a full disk.
      beforeEach: async () => {
        signal?.throwIfAborted()
        if (isEmbedded) await assertFreeSpace(dataDir, ROOM_TO_WRITE, false)
      },
      where: place.databaseUrl ? 'The database' : `The database in ${dataDir}`,
    })
    await database.noteChoices()
    await refreshStatistics(database.db)
    return { file, counts }
  } catch (error) {
    if (signal?.aborted) throw new LucidaError('cancelled', 'Nothing was restored')
    throw explainFullDisk(error, dataDir, false)
  } finally {
    await database.close()
  }
}

async function makeFolder(path: string, mode?: number): Promise<void> {
  await mkdir(path, { recursive: true, ...(mode !== undefined && { mode }) }).catch(
    (cause: unknown) => {
      const message = `The folder ${path} cannot be made (${systemReason(cause)}); restore into another (--data-dir, LUCIDA_STORAGE)`
      throw new LucidaError('bad_input', message, { cause })
    },
  )
}

interface Restoring {
  readonly file: string
  readonly manifest: Manifest
  readonly relocations: readonly Relocation[]
  readonly folders: readonly PlacedFolder[]
  readonly dataDir: string
  readonly beforeEach: () => Promise<void>
  readonly where: string
}

async function restoreAll(db: Database, restoring: Restoring): Promise<Counts> {
  const made: string[] = []
  try {
    return await withWriterLock(db, async (tx) => {
      await refuseFilled(tx, restoring.where)
      // They vouch for what was here before.
      await removeCheckpoints(restoring.dataDir)
      const counts = await restoreBlocks(tx, restoring, made)
      await claimFolders(tx, restoring)
      // As after a repair: an index of another database must not pass for one of this.
      await tx.execute(sql`update store set id = gen_random_uuid()`)
      const { sequence } = restoring.manifest
      if (sequence > 0) await tx.execute(sql`select setval('changes_seq', ${sequence})`)
      return counts
    })
  } catch (error) {
    // Where the answer to the commit was lost, it may have been made; otherwise the next restore finds
    // the same files.
    if (explainAwayDatabase(error) !== error) throw error
    for (const path of made)
      await openSource(path)
        .remove(path)
        .catch(() => {})
    throw error
  }
}

/** A folder that lay in an indexed one may lie outside of it now. */
async function claimFolders(tx: Database, { manifest, folders }: Restoring): Promise<void> {
  for (const { path, to } of folders) {
    if (manifest.roots.includes(path) || (await countPictures(tx, to)) === 0) continue
    await claimRoot(tx, to, undefined, [to])
  }
}

async function refuseFilled(tx: Database, where: string): Promise<void> {
  const filled = await filledTables(tx)
  if (filled.length === 0) return
  const message = `${where} is not empty (${filled.join(', ')}); restore into a new data directory (--data-dir) or an empty database (DATABASE_URL)`
  throw new LucidaError('bad_input', message)
}

/** Returns what was restored, which is what the backup says that it holds. */
async function restoreBlocks(
  tx: Database,
  { file, relocations, folders, beforeEach }: Restoring,
  made: string[],
): Promise<Counts> {
  const counts: Record<string, number> = Object.fromEntries(TABLES.map((table) => [table, 0]))
  counts.files = 0
  for await (const block of readBlocks(file)) {
    await beforeEach()
    if ('end' in block) {
      const isWhole = Object.entries(block.end).every(([name, count]) => counts[name] === count)
      if (isWhole) return counts
      const [says, holds] = [block.end, counts].map((all) => JSON.stringify(all))
      throw malformed(file, `it says ${says} and holds ${holds}`)
    }
    if ('json' in block) {
      await insertRows(tx, block, relocations)
      counts[block.table]! += block.rows
    } else {
      const restored = await restoreFile(block, folders)
      if (restored.isNew) made.push(restored.path)
      await noteTime(tx, restored)
      counts.files++
    }
  }
  throw malformed(file, 'it has no end')
}

/** The file is younger than it was, and its content the same: the next run need not look. */
async function noteTime(tx: Database, { path, content, mtimeMs }: RestoredFile): Promise<void> {
  await tx
    .update(paths)
    .set({ mtimeMs })
    .where(and(eq(paths.content, content), eq(paths.path, path)))
}
