// A copy of the embedded database while it is in use, for a backup.
import { copyFile, constants, mkdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import pMap from 'p-map'
import { newName, type Place } from './embedded-files.ts'
import { assertFreeSpace, ROOM_TO_WRITE } from './free-space.ts'
import { listFolder } from './snapshot.ts'

/** Copies that wait for a thread, so that none waits for its turn in a busy event loop. */
const COPIES_AHEAD = 64

export async function copyDatabase(client: PGlite, place: Place): Promise<string> {
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
