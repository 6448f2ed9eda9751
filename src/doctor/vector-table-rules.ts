// The tables of vectors that pgvector indexes: derived from the store, like saved indexes, but shared by
// every process, so that what differs is emptied rather than dropped, and filled again from the feed.
import { sql } from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import { finishCommits, isCluster, ONE_CONNECTION } from '../store/citus.ts'
import { type Database, rows } from '../store/database.ts'
import { emptyTable, hashes, TABLE_NAME } from '../store/vector-table.ts'
import { differenceOf } from './expected-vectors.ts'
import { findsOf, type Rule, rowRule } from './rule.ts'

const PAGE = 20_000

interface Known {
  readonly name: string
  readonly model: string
  readonly recipe: string
  readonly sequence: number
  readonly size: number
}

/** None where pgvector was never used here. */
export async function vectorTableRules(db: Database): Promise<Rule[]> {
  const [found] = await rows<{ used: boolean }>(
    db,
    sql`select to_regclass('vector_tables') is not null as used`,
  )
  if (!found!.used) return []
  const differing = async () => {
    const wrong: Known[] = []
    for (const table of await listTables(db)) if (await isWrong(db, table)) wrong.push(table)
    return wrong
  }
  // Others may keep tables in the same database: named and made like ours is ours alone.
  const stray = sql`select table_name::text as example from information_schema.columns
    where table_schema = current_schema() and table_name ~ ${TABLE_NAME}
      and table_name not in (select name from vector_tables)
    group by table_name having array_agg(column_name || ' ' || udt_name order by ordinal_position)
      = array['content bytea', 'vector halfvec']`
  return [
    rowRule(db, {
      code: 'vector_table_missing',
      what: 'tables of vectors are noted that are not there',
      find: sql`select name as example from vector_tables where to_regclass(name) is null`,
      mend: (tx) => tx.execute(sql`delete from vector_tables where to_regclass(name) is null`),
    }),
    rowRule(db, {
      code: 'vector_table_stray',
      what: 'tables of vectors are there that nothing follows',
      find: stray,
      async mend(tx) {
        for (const { example } of await rows<{ example: string }>(tx, stray)) {
          await tx.execute(sql`drop table ${sql.identifier(example)}`)
        }
      },
    }),
    {
      code: 'vector_table_differs',
      what: 'tables of vectors hold other pictures or vectors than the store',
      find: async () => findsOf((await differing()).map(({ name }) => name)),
      async mend() {
        for (const table of await differing()) {
          await db.transaction(async (tx) => {
            await tx.execute(sql`select from vector_tables where name = ${table.name} for update`)
            await emptyTable(tx, table)
          })
        }
      },
    },
  ]
}

function listTables(db: Database): Promise<Known[]> {
  return rows<Known>(
    db,
    sql`select name, model, recipe, sequence::float8 as sequence, size::float8 as size
      from vector_tables where to_regclass(name) is not null order by name`,
  )
}

async function isWrong(db: Database, table: Known): Promise<boolean> {
  const name = sql.identifier(table.name)
  const now = await readTable(db, table)
  if (!now) return false
  const { sequence, size, contents } = now
  if (size !== contents.size) return true
  const vectorsOf = async (some: readonly string[]) => {
    const found = await rows<{ hash: string; text: string }>(
      db,
      sql`select encode(content, 'hex') as hash, vector::text as text from ${name}
        where content in ${hashes(some)}`,
    )
    return new Map(
      found.map(({ hash, text }) => [hash, Float32Array.from(JSON.parse(text)) as UnitVector]),
    )
  }
  return (await differenceOf(db, table, { sequence, contents, vectorsOf })) !== null
}

/** In one moment: another process may be filling it. A page at a time: one value holds 1 GB at most. */
async function readTable(db: Database, table: Known) {
  const isSpread = await isCluster(db)
  return db.transaction(
    async (tx) => {
      const state = isSpread
        ? await whileNobodyFills(db, table, () => readStateOfAll(tx, table))
        : await readState(tx, table)
      // Dropped meanwhile.
      if (!state) return null
      const contents = new Set<ContentHash>()
      for (let last = ''; ; ) {
        const page = await rows<{ hash: ContentHash }>(
          tx,
          sql`select encode(content, 'hex') as hash from ${sql.identifier(table.name)}
            where content > decode(${last}, 'hex') order by content limit ${PAGE}`,
        )
        for (const { hash } of page) contents.add(hash)
        if (page.length < PAGE) return { ...state, contents }
        last = page.at(-1)!.hash
      }
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  )
}

async function readState(tx: Database, { name }: Known) {
  const [state] = await rows<Pick<Known, 'sequence' | 'size'>>(
    tx,
    sql`select sequence::float8 as sequence, size::float8 as size
      from vector_tables where name = ${name}`,
  )
  return state
}

/** Nodes commit one after another, so all of them are asked before anybody goes on. */
async function readStateOfAll(tx: Database, table: Known) {
  await tx.execute(ONE_CONNECTION)
  const state = await readState(tx, table)
  if (state) await tx.execute(sql`select from ${sql.identifier(table.name)} limit 1`)
  return state
}

/** Whoever fills a table holds its row. */
async function whileNobodyFills<T>(
  db: Database,
  { name }: Known,
  work: () => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select from vector_tables where name = ${name} for update`)
    await finishCommits(tx)
    return work()
  })
}
