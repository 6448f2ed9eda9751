// Puts a restored or a new database in the place of one that cannot be used.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { moveDurably } from '../core/durable-file.ts'
import { isSystemError, LucidaError } from '../core/errors.ts'
import { belowNoRoot } from './below-root.ts'
import { readNotes } from './embedded-choices.ts'
import {
  createDatabase,
  moveBrokenAside,
  newName,
  type Place,
  removeOldBroken,
} from './embedded-files.ts'
import { openFiles, type Prepare } from './embedded-open.ts'
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
 * start does the same again.
 */
export async function repair(
  place: Place,
  prepare: Prepare<unknown>,
  reason: string,
): Promise<Repair> {
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
  const brokenKeptAt = await moveBrokenAside(place)
  await moveDurably(made, place.database)
  await removeOldBroken(place)
  return { reason, from, brokenKeptAt }
}

/**
 * Makes a restored database one of its own: indexes made of the lost one are refused, though it may
 * reach the same numbers; folders are as the user last asked for, and wait to be indexed again.
 */
async function renew(path: string, prepare: Prepare<unknown>, place: Place): Promise<void> {
  const { client } = await openFiles(path, prepare, true)
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
