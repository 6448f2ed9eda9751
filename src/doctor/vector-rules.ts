// Vectors: each of the right length, of unit length, and made by the recipe that its model has now.
// What breaks these rules is taken out; the next indexing run makes it again.
import { sql } from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import { vectorOfBytes } from '../store/columns.ts'
import { withWriterLock } from '../store/changes.ts'
import { type Database, rows } from '../store/database.ts'
import { inChunks } from '../store/statements.ts'
import { hashes } from '../store/vector-table.ts'
import { askForIndexing, renumber } from './feed-rules.ts'
import { findsOf, type Rule } from './rule.ts'

/** Rows read at once: 2 MB at 512 dimensions. */
const PAGE = 1000
const FLOAT_BYTES = 4
/** Farther from 1 no sum of float32 squares comes. */
const TOLERANCE = 1e-3

interface VectorRow {
  readonly hash: ContentHash
  readonly model: string
  readonly recipe: string
  readonly vector: Uint8Array
}

/** Bytes of the vectors of a model and recipe. */
type SizeOf = (row: Pick<VectorRow, 'model' | 'recipe'>) => number

/** `dimensionOf` knows the models at hand; of others the length that most vectors have is right. */
export function vectorRules(
  db: Database,
  dimensionOf: (model: string, recipe: string) => number | undefined,
): Rule[] {
  const sizes = async (): Promise<SizeOf> => {
    const usual = await rows<{ model: string; recipe: string; size: number }>(
      db,
      sql`select model, recipe, mode() within group (order by octet_length(vector)) as size
        from embeddings group by model, recipe`,
    )
    const known = new Map(
      usual.map(({ model, recipe, size }) => {
        const dimension = dimensionOf(model, recipe)
        return [`${model} ${recipe}`, dimension ? dimension * FLOAT_BYTES : size] as const
      }),
    )
    return ({ model, recipe }) => known.get(`${model} ${recipe}`) ?? 0
  }
  const rule = (
    code: string,
    what: string,
    isBroken: (row: VectorRow, sizeOf: SizeOf) => boolean,
  ): Rule => {
    const broken = async () => {
      const sizeOf = await sizes()
      const found: Key[] = []
      for await (const row of allVectors(db)) {
        if (isBroken(row, sizeOf)) found.push({ hash: row.hash, model: row.model })
      }
      return { found, sizeOf }
    }
    return {
      code,
      what,
      async find() {
        const { found } = await broken()
        return findsOf(found.map(({ hash, model }) => `${hash} of ${model}`))
      },
      async mend() {
        const { found, sizeOf } = await broken()
        await inChunks(found, (some) =>
          withWriterLock(db, async (tx) => {
            const now = await readVectors(tx, some)
            await removeVectors(
              tx,
              now.filter((row) => isBroken(row, sizeOf)),
            )
          }),
        )
      },
    }
  }
  return [
    rule(
      'vector_dimension',
      'vectors have another number of dimensions than their model',
      (row, sizeOf) => row.vector.length !== sizeOf(row),
    ),
    rule(
      'vector_not_unit',
      'vectors are not of unit length, or hold what is no number',
      ({ vector }) => vector.length % FLOAT_BYTES === 0 && !isUnit(vector),
    ),
    staleRule(db),
  ]
}

/** Those of the model that answers which its files of today have not made. */
function staleRule(db: Database): Rule {
  const stale = (tx: Database) =>
    rows<Pick<VectorRow, 'hash' | 'model'>>(
      tx,
      sql`select encode(e.content, 'hex') as hash, e.model from embeddings e
        join serving s on s.model = e.model where e.recipe <> s.recipe order by 1`,
    )
  return {
    code: 'vector_recipe',
    what: 'vectors of the model that answers were made by another recipe than its own, and count as absent',
    find: async () => findsOf((await stale(db)).map(({ hash, model }) => `${hash} of ${model}`)),
    mend: () => withWriterLock(db, async (tx) => removeVectors(tx, await stale(tx))),
  }
}

function isUnit(vector: Uint8Array): boolean {
  let sum = 0
  for (const value of vectorOfBytes(vector)) sum += value * value
  return Math.abs(Math.sqrt(sum) - 1) <= TOLERANCE
}

async function* allVectors(db: Database): AsyncGenerator<VectorRow> {
  let last = { hash: '', model: '' }
  for (;;) {
    const page = await rows<VectorRow>(
      db,
      sql`select encode(content, 'hex') as hash, model, recipe, vector from embeddings
        where (content, model) > (decode(${last.hash}, 'hex'), ${last.model})
        order by content, model limit ${PAGE}`,
    )
    yield* page
    if (page.length < PAGE) return
    last = page.at(-1)!
  }
}

type Key = Pick<VectorRow, 'hash' | 'model'>

function readVectors(tx: Database, keys: readonly Key[]): Promise<VectorRow[]> {
  return rows<VectorRow>(
    tx,
    sql`select encode(content, 'hex') as hash, model, recipe, vector from embeddings
      where (content, model) in ${keyList(keys)}`,
  )
}

/** Call under the lock. */
async function removeVectors(tx: Database, keys: readonly Key[]): Promise<void> {
  if (keys.length === 0) return
  const found = keys.map(({ hash }) => hash)
  await tx.execute(sql`delete from embeddings where content in ${hashes(found)}
    and (content, model) in ${keyList(keys)}`)
  await renumber(tx, found)
  await askForIndexing(tx)
}

function keyList(keys: readonly Key[]) {
  return sql`(select decode(hash, 'hex'), model
    from unnest(${sql.param(keys.map(({ hash }) => hash))}::text[], ${sql.param(keys.map(({ model }) => model))}::text[]) k (hash, model))`
}
