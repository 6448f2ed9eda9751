// Reads everything that a database holds about pictures, in every way that it can be read, and says
// what does not fit together. Postgres finds bad pages by their checksums while they are read; a
// file that was cut at a page's end shows only in the comparison of a table with its indexes.
import type { PGlite } from '@electric-sql/pglite'
import { messageOf } from '../core/errors.ts'

/** What is wrong with the database; null when nothing is. Its cost grows with the collection. */
export async function checkDatabase(client: PGlite): Promise<string | null> {
  try {
    return await client.transaction(async (tx) => {
      const { rows: tables } = await tx.query<{ name: string; indexes: [string, string][] }>(
        `select c.oid::regclass::text as name, (
             select coalesce(json_agg(json_build_array(i.indexrelid::regclass::text, (
               select string_agg(pg_get_indexdef(i.indexrelid, k, false), ', ')
               from generate_series(1, i.indnkeyatts) k))), '[]'::json)
             from pg_index i where i.indrelid = c.oid and i.indisvalid and i.indpred is null) as indexes
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind = 'r' and n.nspname in ('public', 'drizzle')`,
      )
      if (tables.length === 0) return 'it has no tables'
      const count = async (what: string) =>
        (await tx.query<{ n: number }>(`select count(*)::int as n from ${what}`)).rows[0]!.n
      for (const { name, indexes } of tables) {
        await tx.exec('set local enable_seqscan = on; set local enable_indexscan = off')
        await tx.exec('set local enable_indexonlyscan = off; set local enable_bitmapscan = off')
        // As text, so that values stored out of line are fetched too.
        const inTable = await count(`${name} t where hashtext(t::text) is not null`)
        await tx.exec('set local enable_seqscan = off; set local enable_indexscan = on')
        for (const [index, columns] of indexes) {
          const inIndex = await count(`(select from ${name} order by ${columns} offset 0) t`)
          if (inIndex !== inTable) {
            return `${name} has ${inTable} rows, but ${inIndex} by its index ${index}`
          }
        }
      }
      const orphans = await count(
        'paths p left join contents c on c.hash = p.content where c.hash is null',
      )
      return orphans > 0 ? `${orphans} paths lead to no picture` : null
    })
  } catch (error) {
    return messageOf(error)
  }
}

/** SQLSTATE classes of a damaged database: internal errors and corruption, files that fail. */
const DAMAGE = /^(XX|58)/

/** Whether an error of a query, or what caused it, means that the database is damaged. */
export function isDamage(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown }
    if (typeof code === 'string' && DAMAGE.test(code)) return true
    // Postgres has panicked, and the WebAssembly instance is gone with it.
    if (at.name === 'RuntimeError') return true
  }
  return false
}
