// Which model answers searches, which did before, and which is being filled: one row, the truth for
// every process that was not told its model by a setting.
import { eq, sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import { type VectorSpace, withWriterLock } from './changes.ts'
import type { Database } from './database.ts'
import { fillFailures, serving } from './schema.ts'

/** How it stands. */
export interface ServingState extends VectorSpace {
  /** Since when this model answers. */
  readonly since: Date
  /** The one that answered before, for a rollback. */
  readonly previousModel: string | null
  /** The change under way. */
  readonly next: (VectorSpace & { readonly since: Date; readonly paused: boolean }) | null
}

/** `null` until the first picture is indexed or a model is chosen. */
export async function readServing(db: Database): Promise<ServingState | null> {
  const [row] = await db.select().from(serving)
  if (!row) return null
  const { model, recipe, since, previousModel, nextModel, nextRecipe, nextSince, paused } = row
  const next =
    nextModel !== null && nextRecipe !== null
      ? { model: nextModel, recipe: nextRecipe, since: nextSince ?? since, paused }
      : null
  return { model, recipe, since, previousModel, next }
}

/**
 * The first model that a collection is indexed with is its own. Where it is that one already, its
 * recipe is noted anew: its files may be others than then.
 */
export async function noteServing(db: Database, { model, recipe }: VectorSpace): Promise<void> {
  await db
    .insert(serving)
    .values({ model, recipe })
    .onConflictDoUpdate({
      target: serving.id,
      set: { recipe },
      setWhere: sql`${serving.model} = ${model} and ${serving.recipe} <> ${recipe}`,
    })
}

/** Begins a change to `next`, in place of any other; what could not be read is tried again. */
export async function beginChange(db: Database, next: VectorSpace): Promise<void> {
  await withWriterLock(db, async (tx) => {
    await tx.delete(fillFailures).where(eq(fillFailures.model, next.model))
    await tx.update(serving).set({
      nextModel: next.model,
      nextRecipe: next.recipe,
      nextSince: sql`now()`,
      paused: false,
    })
  })
}

/** Ends the change under way, if there is one; what it has made stays. */
export async function abandonChange(db: Database): Promise<void> {
  await withWriterLock(db, async (tx) => {
    await tx.update(serving).set(NO_CHANGE)
  })
}

/** The columns of a change when there is none. */
export const NO_CHANGE = { nextModel: null, nextRecipe: null, nextSince: null, paused: false }

/** Lets the change under way rest, or go on. Throws `bad_input` where there is none. */
export async function setPaused(db: Database, paused: boolean): Promise<void> {
  await withWriterLock(db, async (tx) => {
    const state = await readServing(tx)
    if (!state?.next) throw noChange()
    await tx.update(serving).set({ paused })
    if (!paused) await tx.delete(fillFailures).where(eq(fillFailures.model, state.next.model))
  })
}

/** The error where a change is needed and there is none. */
export function noChange(): LucidaError {
  return new LucidaError(
    'bad_input',
    'No change of model is under way; begin one with lucida models use <name>',
  )
}

/** Whether vectors of this space are to be made: it answers, or is to answer and is not paused. */
export async function isWanted(tx: Database, { model, recipe }: VectorSpace): Promise<boolean> {
  const state = await readServing(tx)
  if (!state) return false
  const is = (space: VectorSpace | null) => space?.model === model && space.recipe === recipe
  return is(state) || (is(state.next) && !state.next?.paused)
}

/** Throws `bad_input` for the model that answers, or is being filled. Call under the lock. */
export async function refuseInUse(tx: Database, model: string): Promise<void> {
  const state = await readServing(tx)
  if (state?.model === model) {
    throw new LucidaError(
      'bad_input',
      `${model} answers searches; change to another model first (lucida models use), then drop it`,
    )
  }
  if (state?.next?.model === model) {
    throw new LucidaError(
      'bad_input',
      `${model} is being filled; end that first: lucida models use ${state.model}`,
    )
  }
}
