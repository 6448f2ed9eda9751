// The embedded database must not meet a full disk. PGlite cannot make its next write-ahead segment
// there: it neither fails nor returns, and the process hears no signal any more. So whoever is about
// to write asks first, with room to spare.
import { statfs } from 'node:fs/promises'
import type { PGlite } from '@electric-sql/pglite'
import { afterFullDisk, LucidaError } from '../core/errors.ts'
import type { Database } from './database.ts'

const MEBIBYTE = 1024 * 1024

/** Two write-ahead segments of 16 MiB, which a start after a kill may have to make. */
export const ROOM_TO_OPEN = 32 * MEBIBYTE

/** The same again for the pages of a batch: one transaction writes far less than a segment. */
export const ROOM_TO_WRITE = 64 * MEBIBYTE

/** An empty database takes 39 MiB, one segment included. */
export const ROOM_TO_CREATE = 48 * MEBIBYTE + ROOM_TO_WRITE

/**
 * Throws `disk_full` when less than `bytes` are free where `directory` lies. `kept` tells whether the
 * same run goes on where this one has ended.
 */
export async function assertFreeSpace(
  directory: string,
  bytes: number,
  kept = true,
): Promise<void> {
  const { bavail, bsize, blocks } = await statfs(directory)
  // Some file systems keep no count.
  if (blocks === 0 || bavail * bsize >= bytes) return
  throw new LucidaError(
    'disk_full',
    `The disk of ${directory} is full: ${mebibytes(bavail * bsize)} are free, and the database ` +
      `needs ${mebibytes(bytes)}. ${afterFullDisk(kept)}`,
  )
}

/** Whatever else a statement begins with, it may write. */
const READS = /^\s*select\b/i

/**
 * Makes every transaction of `db`, whose files lie in `directory`, ask for room first, and every
 * statement outside of one that may write.
 */
export function askForRoom(db: Database, directory: string): void {
  const transaction: Database['transaction'] = db.transaction.bind(db)
  db.transaction = async (...args) => {
    await assertFreeSpace(directory, ROOM_TO_WRITE)
    return transaction(...args)
  }
  const { $client: client } = db as unknown as { readonly $client: PGlite }
  const query = client.query.bind(client)
  client.query = async (...args: Parameters<PGlite['query']>) => {
    if (!READS.test(args[0])) await assertFreeSpace(directory, ROOM_TO_WRITE)
    return query(...args) as never
  }
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / MEBIBYTE)} MiB`
}
