// What a rule of consistency is: it finds what breaks it, and mends that. Rules stand in the order in
// which they are applied, so that one may rely on those before it.
import { rm } from 'node:fs/promises'
import { type SQL, sql } from 'drizzle-orm'
import { withWriterLock } from '../store/changes.ts'
import { type Database, rows } from '../store/database.ts'

/** What does not fit together, and how often. */
export interface Inconsistency {
  /** Stable, for programs. */
  readonly code: string
  readonly what: string
  readonly count: number
  /** At most three, as paths, hashes or names. */
  readonly examples: readonly string[]
  /** What to do where Lucida cannot mend it by itself; null where it can. */
  readonly remedy: string | null
}

/** What breaks a rule. */
export interface Finds {
  readonly count: number
  readonly examples: readonly string[]
}

export interface Rule {
  readonly code: string
  /** A sentence about what breaks it. */
  readonly what: string
  find(): Promise<Finds>
  /** Mends all that `find` finds; killed at any moment, it may be run again. */
  mend(): Promise<void>
  /** Why `mend` is not called, and what to do. */
  readonly remedy?: string | undefined
}

/** On a server other processes may be writing; what is older than this, nobody finishes. */
export const ABANDONED_AFTER_MS = 60 * 60 * 1000

/** Examples that are told. */
export const EXAMPLES = 3

/** What there is of `all`. */
export function findsOf(all: readonly string[]): Finds {
  return { count: all.length, examples: all.slice(0, EXAMPLES) }
}

/** A rule about files and folders that are of no use: `find` lists them, and they are deleted. */
export function deletingRule(code: string, what: string, find: () => Promise<string[]>): Rule {
  return {
    code,
    what,
    find: async () => findsOf(await find()),
    async mend() {
      for (const path of await find()) await rm(path, { recursive: true, force: true })
    },
  }
}

/**
 * A rule about rows: `find` selects a text as `example` for each that breaks it; `mend` runs under the
 * writers' lock, in one transaction, and looks for itself.
 */
export function rowRule(
  db: Database,
  rule: Pick<Rule, 'code' | 'what' | 'remedy'> & {
    readonly find: SQL
    readonly mend: (tx: Database) => Promise<unknown>
  },
): Rule {
  const { code, what, find, mend, remedy } = rule
  return {
    code,
    what,
    remedy,
    async find() {
      const [found] = await rows<{ n: number; examples: string[] | null }>(
        db,
        sql`with broken as (${find})
          select (select count(*)::int from broken) as n,
            (select array_agg(example) from (select example from broken order by 1 limit ${EXAMPLES}) first) as examples`,
      )
      return { count: found!.n, examples: found!.examples ?? [] }
    },
    mend: async () => {
      await withWriterLock(db, mend)
    },
  }
}
