// The embedded database's life: made, opened, checked when the last owner did not close it, packed into
// a last-good snapshot, and repaired from that when it is damaged.
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import type { PGlite } from '@electric-sql/pglite'
import { moveDurably } from '../core/durable-file.ts'
import { LucidaError, messageOf } from '../core/errors.ts'
import { checkDatabase, isDamage } from './check.ts'
import { noteChoices, notesDiffer, refreshNotes } from './embedded-choices.ts'
import { copyDatabase } from './embedded-copy.ts'
import {
  breakSeal,
  createDatabase,
  freeBytes,
  isNew,
  newName,
  type Place,
  placeIn,
  refuseUnlessOurs,
  removeLitter,
  writeSeal,
} from './embedded-files.ts'
import { Damage, openFiles, type Prepare } from './embedded-open.ts'
import { type Repair, repair } from './embedded-repair.ts'
import { claimDirectory } from './owner.ts'
import { listFolder, packFolder, readHeader, type SnapshotHeader } from './snapshot.ts'

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
  /** Once; whoever calls it again waits for the same. */
  close(): Promise<void>
}

/** Less than this is sooner done again than copied. */
const SNAPSHOT_MIN_CHANGES = 100
const SNAPSHOT_MIN_INTERVAL_MS = 10 * 60_000
/** Snapshots take at most one part in so many of the time. */
const SNAPSHOT_SHARE = 100
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
    const end = async () => {
      try {
        await closeSound(client, place, life)
      } finally {
        await owner.release()
      }
    }
    let ended: Promise<void> | undefined
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
      close: () => (ended ??= end()),
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
    const { client, prepared } = await openFiles(folder, prepare, true)
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

async function openOrRepair<T>(place: Place, prepare: Prepare<T>) {
  const { directory, database } = place
  let repaired: Repair | null = null
  if (!existsSync(database)) {
    // Something of it is left: it has disappeared, or a repair was killed between its two renames.
    const names = await readdir(directory)
    const traces = names.some((name) => name.startsWith('database.') && !isNew(name))
    if (!traces) return { ...(await openNew(place, prepare)), repaired }
    repaired = await repair(place, prepare, 'it is missing')
    return { ...(await openFiles(database, prepare, false)), repaired }
  }
  // Whoever dies with the database open leaves no seal.
  const sealed = await breakSeal(place)
  try {
    return { ...(await openFiles(database, prepare, !sealed)), repaired }
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    await refuseUnlessOurs(place)
  }
  try {
    // Once more: what failed for want of memory, say, is not damaged.
    return { ...(await openFiles(database, prepare, true)), repaired }
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    repaired = await repair(place, prepare, error.message)
    return { ...(await openFiles(database, prepare, false)), repaired }
  }
}

/** Makes an empty one. Where it cannot be brought up to date none stays: there is nothing to repair. */
async function openNew<T>(place: Place, prepare: Prepare<T>) {
  const made = newName(place)
  await createDatabase(made)
  await moveDurably(made, place.database)
  try {
    return await openFiles(place.database, prepare, false)
  } catch (error) {
    await rm(place.database, { recursive: true, force: true })
    throw error instanceof Damage ? (error.cause ?? error) : error
  }
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
  const header = life.suspect ? null : await dueSnapshot(client, place).catch(() => undefined)
  // Closed in any case. The next start looks at what cannot be asked.
  if (header === undefined) life.suspect = true
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
  // On a full disk there is none: the next start looks for itself.
  await writeSeal(place).catch(() => {})
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
