// Puts a restored or a new database in the place of one that cannot be used.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { moveDurably } from '../core/durable-file.ts'
import { isSystemError } from '../core/errors.ts'
import { belowNoRoot } from './below-root.ts'
import { readNotes } from './embedded-choices.ts'
import {
  createDatabase,
  moveBrokenAside,
  newName,
  type Place,
  refuseWithoutRoom,
  removeOldBroken,
} from './embedded-files.ts'
import { Damage, openFiles, type Prepare } from './embedded-open.ts'
import { unpackFolder } from './snapshot.ts'

/** How a database that could not be used was made usable again. */
export interface Repair {
  /** What was wrong with it. */
  readonly reason: string
  /** When the snapshot was taken that it was restored from; null when it begins anew. */
  readonly from: Date | null
  /** Where the damaged one was put; null when it had disappeared. */
  readonly brokenKeptAt: string | null
}

/**
 * Puts a restored or new database in the place of the damaged one. Killed at any moment, the next
 * start does the same again; one that fails leaves all as it was. Throws `disk_full`.
 */
export async function repair(
  place: Place,
  prepare: Prepare<unknown>,
  reason: string,
): Promise<Repair> {
  await refuseWithoutRoom(place)
  const made = newName(place)
  try {
    const from = await restoreSnapshot(place, prepare, made)
    if (!from) {
      await createDatabase(made)
      await renew(made, prepare, place)
    }
    const brokenKeptAt = await moveBrokenAside(place)
    await moveDurably(made, place.database)
    await removeOldBroken(place)
    return { reason, from, brokenKeptAt }
  } catch (error) {
    await rm(made, { recursive: true, force: true }).catch(() => {})
    throw error
  }
}

/** Returns when the snapshot was taken that `made` now holds; null where there is none of use. */
async function restoreSnapshot(
  place: Place,
  prepare: Prepare<unknown>,
  made: string,
): Promise<Date | null> {
  if (!existsSync(place.snapshot)) return null
  let isWhole = false
  try {
    const { takenAt } = await unpackFolder(place.snapshot, made)
    isWhole = true
    await renew(made, prepare, place)
    return new Date(takenAt)
  } catch (error) {
    // A full disk, want of memory, a newer version or a migration that fails are no reason to give
    // the snapshot up.
    const isSpoilt = isWhole ? error instanceof Damage : !isSystemError(error)
    if (!isSpoilt) throw error
    await rm(made, { recursive: true, force: true })
    return null
  }
}

/**
 * Makes a restored database one of its own: indexes made of the lost one are refused, though it may
 * reach the same numbers; folders are as the user last asked for, and wait to be indexed again; keys
 * are those that were not revoked, and pages sign in again.
 */
async function renew(path: string, prepare: Prepare<unknown>, place: Place): Promise<void> {
  const { client } = await openFiles(path, prepare, true)
  const choices = await readNotes(place)
  await client.transaction(async (tx) => {
    await tx.exec(`delete from store; insert into store (id) values (gen_random_uuid());
                   update roots set indexed_at = null; delete from sessions`)
    if (!choices) return
    const { roots, serving, keys } = choices
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
    if (keys) {
      await tx.query('delete from api_keys where not id = any($1)', [keys.map(({ id }) => id)])
      for (const { id, name, scope, hash, createdAt } of keys) {
        await tx.query(
          `insert into api_keys (id, name, scope, hash, created_at)
           values ($1, $2, $3, decode($4, 'hex'), $5) on conflict do nothing`,
          [id, name, scope, hash, createdAt],
        )
      }
    }
    await tx.exec(`delete from paths where ${belowNoRoot('paths')};
                   delete from failures where ${belowNoRoot('failures')};
                   update changes set op = 'remove' where op = 'put' and not exists (
                     select from paths where content = changes.content and missing_since is null)`)
  })
  await client.close()
}
