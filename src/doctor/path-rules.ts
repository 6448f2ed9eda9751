// Roots, paths, contents and failures: what lies where, and what is known of it.
import { eq, getTableName, is, sql } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import type { ContentHash } from '../core/hash.ts'
import { openSource } from '../sources/open-source.ts'
import { belowNoRoot } from '../store/below-root.ts'
import { recordChanges, withWriterLock } from '../store/changes.ts'
import { type Database, rows } from '../store/database.ts'
import { globsWithin, isBelow, listRoots } from '../store/roots.ts'
import * as schema from '../store/schema.ts'
import { askForIndexing } from './feed-rules.ts'
import { findsOf, type Rule, rowRule } from './rule.ts'

/** Never the time of a file, so that its path is read again. */
const NEVER_MS = -1

/** `own` names the folders of Lucida's own by the settings. */
export function pathRules(db: Database, own: readonly string[]): Rule[] {
  return [
    ...referenceRules(db),
    nestedRoots(db, own),
    pathTwice(db),
    ...(['paths', 'failures'] as const).map((table) =>
      rowRule(db, {
        code: table === 'paths' ? 'path_outside_roots' : 'failure_outside_roots',
        what: `${table === 'paths' ? 'pictures' : 'failures'} are noted for files outside every indexed folder`,
        find: sql`select path as example from ${sql.raw(table)} where ${sql.raw(belowNoRoot(table))}`,
        async mend(tx) {
          const gone = await rows<{ hash: ContentHash }>(
            tx,
            sql`delete from ${sql.raw(table)} where ${sql.raw(belowNoRoot(table))}
              returning ${table === 'paths' ? sql`encode(content, 'hex') as hash` : sql`1`}`,
          )
          if (table === 'paths') await recordChanges(tx, hashesOf(gone))
        },
      }),
    ),
    rowRule(db, {
      code: 'failure_of_picture',
      what: 'files are noted as pictures and as failures at once',
      find: sql`select path as example from failures where path in (select path from paths)`,
      mend: (tx) => tx.execute(sql`delete from failures where path in (select path from paths)`),
    }),
    rowRule(db, {
      code: 'content_invalid',
      what: 'what is noted about pictures is impossible (sizes, orientation, perceptual hash)',
      find: sql`select encode(hash, 'hex') as example from contents where ${IMPOSSIBLE}`,
      async mend(tx) {
        const gone = await rows<{ hash: ContentHash }>(
          tx,
          sql`delete from contents where ${IMPOSSIBLE} returning encode(hash, 'hex') as hash`,
        )
        await recordChanges(tx, hashesOf(gone))
        await askForIndexing(tx)
      },
    }),
    rowRule(db, {
      code: 'path_size',
      what: 'files are noted with another size than the picture that they hold',
      find: sql`select p.path as example from paths p join contents c on c.hash = p.content
        where p.size_bytes <> c.size_bytes`,
      async mend(tx) {
        await tx.execute(sql`update paths set size_bytes = c.size_bytes, mtime_ms = ${NEVER_MS}
          from contents c where c.hash = paths.content and paths.size_bytes <> c.size_bytes`)
        await askForIndexing(tx)
      },
    }),
  ]
}

const IMPOSSIBLE = sql`octet_length(hash) <> 32 or size_bytes < 1 or width_px < 1 or height_px < 1
  or orientation not between 1 and 8 or perceptual_hash !~ '^[0-9a-f]{16}$'`

/** One for each reference between tables, whether the database watches over it or has ceased to. */
function referenceRules(db: Database): Rule[] {
  const tables = Object.values(schema).filter((table) => is(table, PgTable))
  return tables.flatMap((table) =>
    getTableConfig(table).foreignKeys.map((key) => {
      const { columns, foreignColumns, foreignTable } = key.reference()
      const from = getTableName(table)
      const to = getTableName(foreignTable)
      const [column, target] = [columns[0]!.name, foreignColumns[0]!.name]
      const orphan = sql.raw(
        `not exists (select from ${to} where ${to}.${target} = ${from}.${column})`,
      )
      const isContent = foreignTable === schema.contents
      const shown = sql.raw(isContent ? `encode(${column}, 'hex')` : column)
      return rowRule(db, {
        code: `orphan_${from}`,
        what: `rows of ${from} belong to ${to} that are not there`,
        find: sql`select ${shown} as example from ${table} where ${orphan}`,
        async mend(tx) {
          const gone = await rows<{ hash: ContentHash }>(
            tx,
            sql`delete from ${table} where ${orphan} returning ${shown} as hash`,
          )
          if (isContent) await recordChanges(tx, hashesOf(gone))
        },
      })
    }),
  )
}

function nestedRoots(db: Database, own: readonly string[]): Rule {
  const nested = async (tx: Database) => {
    const all = (await listRoots(tx)).filter(({ path, drawn }) => !drawn && !own.includes(path))
    return all.flatMap((inner) => {
      const outer = all.find(({ path }) => isBelow(inner.path, path))
      return outer ? [{ inner, outer }] : []
    })
  }
  return {
    code: 'root_nested',
    what: 'indexed folders lie in one another, so their pictures are looked through twice',
    find: async () => findsOf((await nested(db)).map(({ inner }) => inner.path)),
    mend: () =>
      withWriterLock(db, async (tx) => {
        for (const { inner, outer } of await nested(tx)) {
          const globs = globsWithin(outer.path, inner)
          await tx.execute(sql`update roots set exclude = exclude || ${sql.param(globs)}::text[]
            where path = ${outer.path}`)
          await tx.delete(schema.roots).where(eq(schema.roots.path, inner.path))
        }
      }),
  }
}

/** Of several rows, the one whose content the file has stays, else the newest, to be read again. */
function pathTwice(db: Database): Rule {
  const twice = sql`select path as example from paths group by path having count(*) > 1`
  return rowRule(db, {
    code: 'path_twice',
    what: 'files are noted with several contents at once',
    find: twice,
    async mend(tx) {
      const touched = new Set<ContentHash>()
      for (const { example: path } of await rows<{ example: string }>(tx, twice)) {
        const known = await rows<{ hash: ContentHash }>(
          tx,
          sql`select encode(p.content, 'hex') as hash from paths p
            left join changes c on c.content = p.content
            where p.path = ${path} order by c.seq desc nulls last`,
        )
        const found = await hashOfFile(path)
        const kept = known.find(({ hash }) => hash === found) ?? known[0]!
        await tx.execute(sql`delete from paths
          where path = ${path} and content <> decode(${kept.hash}, 'hex')`)
        if (kept.hash !== found) {
          await tx.execute(sql`update paths set mtime_ms = ${NEVER_MS} where path = ${path}`)
        }
        for (const { hash } of known) touched.add(hash)
      }
      await recordChanges(tx, touched)
      await askForIndexing(tx)
    },
  })
}

/** Null for what is no picture's file any more. */
async function hashOfFile(path: string): Promise<ContentHash | null> {
  const reading = openSource(path).read(path)
  return reading.then(
    ({ hash }) => hash,
    () => null,
  )
}

function hashesOf(all: readonly { readonly hash: ContentHash }[]): ContentHash[] {
  return all.map(({ hash }) => hash)
}
