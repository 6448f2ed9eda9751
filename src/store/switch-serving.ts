// The moment of a change of model: one transaction, in which nothing is missing.
import { sql } from 'drizzle-orm'
import { type VectorSpace, withWriterLock } from './changes.ts'
import type { Database } from './database.ts'
import { serving } from './schema.ts'
import { NO_CHANGE, readServing } from './serving.ts'
import { isAnyMissing } from './vectors.ts'

/**
 * Makes the model that is being filled the one that answers. `missing`: pictures have no vector of
 * it yet, and `despiteMissing` does not say that they may. `unwanted`: the change was paused, or is
 * another one.
 */
export async function switchServing(
  db: Database,
  to: VectorSpace,
  { despiteMissing }: { readonly despiteMissing: boolean },
): Promise<'switched' | 'missing' | 'unwanted'> {
  // Whoever writes pictures holds the lock, so none can come between the look and the switch.
  return withWriterLock(db, async (tx) => {
    const state = await readServing(tx)
    const isNext = state?.next?.model === to.model && state.next.recipe === to.recipe
    if (!state || !isNext || (state.next?.paused && !despiteMissing)) return 'unwanted'
    if (!despiteMissing && (await isAnyMissing(tx, to))) return 'missing'
    await tx.update(serving).set({
      model: to.model,
      recipe: to.recipe,
      since: sql`now()`,
      ...(state.model !== to.model && { previousModel: state.model }),
      ...NO_CHANGE,
    })
    return 'switched'
  })
}
