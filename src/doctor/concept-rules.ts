// What was taught: examples that are at hand, and heads that fit their model.
import { eq, sql } from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import { type VectorSpace, withWriterLock } from '../store/changes.ts'
import { type Database, rows } from '../store/database.ts'
import { concepts } from '../store/schema.ts'
import { hashes } from '../store/vector-table.ts'
import { findsOf, type Rule } from './rule.ts'

/** What has been forgotten and left no copy of itself can teach nothing any more. */
export function conceptExamples(db: Database): Rule {
  const named = sql`concepts, jsonb_array_elements(examples) e where e ->> 'picture' is null`
  const lost = async (tx: Database) => {
    const all = await rows<{ name: string; hash: ContentHash }>(
      tx,
      sql`select name, e ->> 'content' as hash from ${named} order by 1, 2`,
    )
    const wanted = hashes(all.map(({ hash }) => hash))
    const there = await rows<{ hash: ContentHash }>(
      tx,
      sql`select encode(hash, 'hex') as hash from contents where hash in ${wanted}`,
    )
    const known = new Set(there.map(({ hash }) => hash))
    return all.filter(({ hash }) => !known.has(hash))
  }
  return {
    code: 'concept_example_lost',
    what: 'concepts name examples that have been forgotten and left no copy',
    find: async () => findsOf((await lost(db)).map(({ name, hash }) => `${name}: ${hash}`)),
    mend: () =>
      withWriterLock(db, async (tx) => {
        const gone = sql.param((await lost(tx)).map(({ hash }) => hash))
        const isLost = sql`(e ->> 'picture' is null and e ->> 'content' = any(${gone}::text[]))`
        await tx.execute(sql`update concepts set examples = (
            select coalesce(jsonb_agg(e order by n), '[]') from
              jsonb_array_elements(examples) with ordinality as one (e, n) where not ${isLost})
          where exists (select from jsonb_array_elements(examples) e where ${isLost})`)
      }),
  }
}

/** A head that cannot be used is fitted anew before the next search with it. */
export function conceptWeights(
  db: Database,
  spaces: readonly (VectorSpace & { readonly dimension: number })[],
): Rule {
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
