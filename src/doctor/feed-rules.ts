// The change feed: its numbers, and what it says about each picture. It is what every index follows.
import { type SQL, sql } from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import { recordChanges } from '../store/changes.ts'
import { type Database, rows } from '../store/database.ts'
import { inChunks } from '../store/statements.ts'
import { hashes } from '../store/vector-table.ts'
import { type Rule, rowRule } from './rule.ts'

const IS_THERE = sql`exists (select from paths p where p.content = c.content and p.missing_since is null)`

/** Numbers drawn after this are greater than all that there are. */
export function sequenceRule(db: Database): Rule {
  const most = sql`(select greatest(
    (select coalesce(max(seq), 0) from changes), (select coalesce(max(seq), 0) from embeddings)))`
  return rowRule(db, {
    code: 'sequence_behind',
    what: 'the sequence of the change feed is behind the numbers that were given, so indexes would miss what comes next',
    find: sql`select ${most} || ' given, ' || last_value || ' drawn' as example from changes_seq
      where last_value + is_called::int <= ${most}`,
    mend: (tx) =>
      tx.execute(sql`select setval('changes_seq', ${most}) from changes_seq
        where last_value + is_called::int <= ${most}`),
  })
}

/** What the feed says of pictures that are there, and of those that are not. */
export function feedRules(db: Database): Rule[] {
  const shown = sql`select p.content, min(p.path) as example from paths p
    left join changes c on c.content = p.content
    where p.missing_since is null and c.op is distinct from 'put' group by p.content`
  const hidden = sql`select c.content, encode(c.content, 'hex') as example from changes c
    where c.op = 'put' and not ${IS_THERE}`
  const given = sql`select seq from changes union all select seq from embeddings where seq > 0`
  const twice = sql`select seq from (${given}) given group by seq having count(*) > 1`
  return [
    rowRule(db, {
      code: 'feed_missing',
      what: 'pictures are there, but the change feed does not say so: no search finds them',
      find: shown,
      mend: async (tx) => recordChanges(tx, await contentsIn(tx, shown)),
    }),
    rowRule(db, {
      code: 'feed_hidden',
      what: 'the change feed says that pictures are there which are not',
      find: hidden,
      mend: async (tx) => recordChanges(tx, await contentsIn(tx, hidden)),
    }),
    rowRule(db, {
      code: 'feed_number',
      what: 'numbers of the change feed were given twice or are below 1: a reader may pass over one',
      find: sql`select seq::text as example from (${twice}) twice
        union all select seq::text from changes where seq < 1`,
      async mend(tx) {
        // Found before any of them is changed.
        const numbers = await rows<{ seq: string }>(tx, sql`select seq::text from (${twice}) twice`)
        const list = sql`(select unnest(${sql.param(numbers.map(({ seq }) => seq))}::text[])::bigint)`
        await numberAnew(tx, 'changes', sql`seq < 1 or seq in ${list}`)
        await numberAnew(tx, 'embeddings', sql`seq > 0 and seq in ${list}`)
      },
    }),
  ]
}

/** Gives contents new numbers, so that every index looks at them again. Call under the lock. */
export function renumber(tx: Database, contents: readonly ContentHash[]): Promise<void> {
  return numberAnew(tx, 'changes', sql`content in ${hashes(contents)}`)
}

/** Numbers are drawn first: the nodes of a cluster have no sequence of their own. */
async function numberAnew(
  tx: Database,
  table: 'changes' | 'embeddings',
  which: SQL,
): Promise<void> {
  const name = sql.raw(table)
  const model = table === 'embeddings' ? sql`model` : sql`''`
  const all = await rows<{ hash: ContentHash; of: string }>(
    tx,
    sql`select encode(content, 'hex') as hash, ${model} as of from ${name} where ${which} order by seq`,
  )
  await inChunks(all, async (some) => {
    const numbers = await rows<{ seq: string }>(
      tx,
      sql`select nextval('changes_seq')::text as seq from generate_series(1, ${some.length}::int)`,
    )
    const columns = [
      sql.param(some.map(({ hash }) => hash)),
      sql.param(some.map(({ of }) => of)),
      sql.param(numbers.map(({ seq }) => seq)),
    ]
    await tx.execute(sql`update ${name} set seq = drawn.number::bigint
      from unnest(${columns[0]}::text[], ${columns[1]}::text[], ${columns[2]}::text[]) drawn (hash, of, number)
      where content = decode(drawn.hash, 'hex') and ${model} = drawn.of`)
  })
}

/** Has every folder looked through again. */
export async function askForIndexing(tx: Database): Promise<void> {
  await tx.execute(sql`update roots set indexed_at = null`)
}

async function contentsIn(tx: Database, found: SQL): Promise<ContentHash[]> {
  const all = await rows<{ hash: ContentHash }>(
    tx,
    sql`select distinct encode(content, 'hex') as hash from (${found}) found`,
  )
  return all.map(({ hash }) => hash)
}
