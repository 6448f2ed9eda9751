// Which model answers, what was taught, and what processes share.
import { eq, sql } from 'drizzle-orm'
import { type Database, rows } from '../store/database.ts'
import { concepts, serving } from '../store/schema.ts'
import { NO_CHANGE, readServing, type ServingState } from '../store/serving.ts'
import { type VectorSpace, withWriterLock } from '../store/changes.ts'
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
        where not exists (select from serving) group by model`,
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
      find: sql`select path as example from fill_failures f where ${UNUSED}`,
      mend: (tx) => tx.execute(sql`delete from fill_failures f where ${UNUSED}`),
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
    rowRule(db, {
      code: 'concept_example_lost',
      what: 'concepts name examples that have been forgotten and left no copy',
      find: sql`select name || ': ' || (e ->> 'content') as example from concepts,
        jsonb_array_elements(examples) e where ${LOST}`,
      mend: (tx) =>
        tx.execute(sql`update concepts set examples = (
            select coalesce(jsonb_agg(e order by n), '[]') from
              jsonb_array_elements(examples) with ordinality as one (e, n) where not (${LOST}))
          where exists (select from jsonb_array_elements(examples) e where ${LOST})`),
    }),
    conceptWeights(db, spaces),
  ]
}

const UNUSED = sql`not exists (select from embeddings e where e.model = f.model)
  and not exists (select from serving where f.model in (model, next_model, previous_model))`
const HAS_ENDED = sql`(state in ('done', 'failed', 'cancelled'))`
/** Whoever wants a content takes over a claim that ran out, and nobody may want it any more. */
const EXPIRED = sql`until < now() - interval '1 hour'`
const LOST = sql`e ->> 'picture' is null
  and not exists (select from contents where hash = decode(e ->> 'content', 'hex'))`

/** A head that cannot be used is fitted anew before the next search with it. */
function conceptWeights(db: Database, spaces: ModelsAtHand['spaces']): Rule {
  const broken = async (tx: Database) => {
    const all = await tx
      .select({
        name: concepts.name,
        model: concepts.model,
        recipe: concepts.recipe,
        size: sql<number>`octet_length(weights)`,
        bias: concepts.bias,
        weights: sql<Uint8Array>`weights`,
      })
      .from(concepts)
    return all.filter(({ model, recipe, size, bias, weights }) => {
      if (recipe === '') return false
      const space = spaces.find((one) => one.model === model && one.recipe === recipe)
      if (size === 0 || size % 4 !== 0 || (space && size !== space.dimension * 4)) return true
      return ![bias, ...new Float32Array(Uint8Array.from(weights).buffer)].every(Number.isFinite)
    })
  }
  return {
    code: 'concept_weights',
    what: 'what was learnt of concepts is no head of their model',
    find: async () => findsOf((await broken(db)).map(({ name }) => name)),
    mend: () =>
      withWriterLock(db, async (tx) => {
        for (const { name } of await broken(tx)) {
          await tx.update(concepts).set({ recipe: '' }).where(eq(concepts.name, name))
        }
      }),
  }
}

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
