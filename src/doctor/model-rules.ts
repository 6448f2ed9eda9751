// Which model answers, and what processes share.
import { sql } from 'drizzle-orm'
import { type Database, rows } from '../store/database.ts'
import { serving } from '../store/schema.ts'
import { NO_CHANGE, readServing, type ServingState } from '../store/serving.ts'
import { type VectorSpace, withWriterLock } from '../store/changes.ts'
import { conceptExamples, conceptWeights } from './concept-rules.ts'
import { findsOf, type Rule, rowRule } from './rule.ts'

/** What the rules must know of models. */
export interface ModelsAtHand {
  /** The spaces of those that can be used here, the built-in one first. */
  readonly spaces: readonly (VectorSpace & { readonly dimension: number })[]
  /** Other machines may have other models, and share the database. */
  readonly isShared: boolean
}

export function modelRules(db: Database, { spaces, isShared }: ModelsAtHand): Rule[] {
  const isHere = (model: string) => spaces.some((space) => space.model === model)
  const pullIt = isShared
    ? 'pull the model on this machine (lucida models pull), or choose another: lucida models use'
    : undefined
  const absent = async (which: (state: ServingState) => string | undefined) => {
    const state = await readServing(db)
    const model = state ? which(state) : undefined
    return findsOf(model !== undefined && !isHere(model) ? [model] : [])
  }
  return [
    rowRule(db, {
      code: 'store_rows',
      what: 'the database has several names',
      find: sql`select id::text as example from store offset 1`,
      mend: (tx) =>
        tx.execute(sql`delete from store where id not in
          (select id from store order by created_at, id limit 1)`),
    }),
    rowRule(db, {
      code: 'serving_missing',
      what: 'there are vectors, but no model is noted as the one that answers',
      find: sql`select model as example from embeddings
        where not exists (select 1 from serving) group by model`,
      mend: (tx) =>
        tx.execute(sql`insert into serving (model, recipe)
          select model, recipe from embeddings group by model, recipe
          order by count(*) desc, model limit 1 on conflict do nothing`),
    }),
    rowRule(db, {
      code: 'serving_half_set',
      what: 'a change of model is noted by half',
      find: sql`select coalesce(next_model, next_recipe) as example from serving
        where (next_model is null) <> (next_recipe is null)`,
      mend: (tx) => tx.update(serving).set(NO_CHANGE),
    }),
    {
      code: 'serving_model_absent',
      what: 'the model that answers is not at hand',
      remedy: pullIt,
      find: () => absent(({ model }) => model),
      mend: () =>
        withWriterLock(db, async (tx) => {
          const state = await readServing(tx)
          const [next] = await inOrderOfUse(tx, spaces, state?.previousModel)
          if (!state || isHere(state.model) || !next) return
          const { model, recipe } = next
          // So that a rollback brings it back once it has been pulled.
          const previousModel = state.model
          await tx.update(serving).set({ ...NO_CHANGE, model, recipe, previousModel })
        }),
    },
    {
      code: 'next_model_absent',
      what: 'the model that is being filled is not at hand',
      remedy: pullIt,
      find: () => absent(({ next }) => next?.model),
      mend: () =>
        withWriterLock(db, async (tx) => {
          const state = await readServing(tx)
          if (state?.next && !isHere(state.next.model)) await tx.update(serving).set(NO_CHANGE)
        }),
    },
    rowRule(db, {
      code: 'fill_failure_stale',
      what: 'failures are noted of models that have no vectors here and are not in use',
      find: sql`select path as example from fill_failures where ${UNUSED}`,
      mend: (tx) => tx.execute(sql`delete from fill_failures where ${UNUSED}`),
    }),
    rowRule(db, {
      code: 'job_times',
      what: 'jobs that have ended lack the time, or others have one',
      find: sql`select id as example from jobs where ${HAS_ENDED} <> (ended_at is not null)`,
      mend: (tx) =>
        tx.execute(sql`update jobs set ended_at = case when ${HAS_ENDED} then now() end
          where ${HAS_ENDED} <> (ended_at is not null)`),
    }),
    rowRule(db, {
      code: 'claim_expired',
      what: 'contents are claimed by processes that have given them up more than an hour ago',
      find: sql`select encode(content, 'hex') as example from claims where ${EXPIRED}`,
      mend: (tx) => tx.execute(sql`delete from claims where ${EXPIRED}`),
    }),
    conceptExamples(db),
    conceptWeights(db, spaces),
  ]
}

/** By two queries that stand alone: a Citus cluster joins by content only. */
const UNUSED = sql`model not in (select distinct model from embeddings) and model not in (
  select used from serving, unnest(array[model, next_model, previous_model]) used where used is not null)`
const HAS_ENDED = sql`(state in ('done', 'failed', 'cancelled'))`
/** Whoever wants a content takes over a claim that ran out, and nobody may want it any more. */
const EXPIRED = sql`until < now() - interval '1 hour'`

/** The models at hand: the one that answered before, then by how many vectors they have here. */
async function inOrderOfUse(
  tx: Database,
  spaces: ModelsAtHand['spaces'],
  previous: string | null | undefined,
): Promise<ModelsAtHand['spaces']> {
  const counts = await rows<VectorSpace & { n: number }>(
    tx,
    sql`select model, recipe, count(*)::int as n from embeddings group by model, recipe`,
  )
  const rank = ({ model, recipe }: VectorSpace) => {
    const n = counts.find((one) => one.model === model && one.recipe === recipe)?.n ?? 0
    return n > 0 && model === previous ? Infinity : n
  }
  return [...spaces].sort((a, b) => rank(b) - rank(a))
}
