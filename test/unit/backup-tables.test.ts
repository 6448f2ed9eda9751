// What a backup holds is decided for every table, and migrations keep older backups restorable.
import { readdirSync, readFileSync } from 'node:fs'
import { is } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { TABLES } from '../../src/backup/tables.ts'
import * as schema from '../../src/store/schema.ts'

/** Of processes that run, or of the one database. */
const LEFT_OUT = ['store', 'sessions', 'rate_limits', 'jobs', 'job_events', 'candidates', 'claims']
const MIGRATIONS = new URL('../../migrations/', import.meta.url)
/** Backups have been made since this one. */
const FIRST = '0006'

const definitions: unknown[] = Object.values(schema)
const tables = definitions.flatMap((value) => (is(value, PgTable) ? [getTableConfig(value)] : []))

test('every table is in a backup, or left out on purpose', () => {
  expect(tables.map(({ name }) => name).sort()).toEqual([...TABLES, ...LEFT_OUT].sort())
})

test('a table comes after those that it refers to', () => {
  for (const { name, foreignKeys } of tables) {
    for (const key of foreignKeys) {
      const [at, before] = [name, getTableConfig(key.reference().foreignTable).name].map((table) =>
        (TABLES as readonly string[]).indexOf(table),
      )
      if (at! >= 0) expect(before).toBeLessThan(at!)
    }
  }
})

test('docs/backup.md names all of them', () => {
  const page = readFileSync(new URL('../../docs/backup.md', import.meta.url), 'utf8')
  for (const { name } of tables) expect(page).toContain(`\`${name}\``)
})

/** What leaves rows that lack the new columns as good as before. */
const ADDITIVE = [
  /^CREATE (TABLE|SEQUENCE|(UNIQUE )?INDEX|EXTENSION)\b/,
  /^ALTER TABLE "\w+" ADD COLUMN "\w+" (?!.*NOT NULL)/,
  /^ALTER TABLE "\w+" ADD COLUMN "\w+" .*\bDEFAULT\b/,
  /^ALTER TABLE "\w+" ADD CONSTRAINT "\w+" FOREIGN KEY\b/,
  /^ALTER TABLE "\w+" ALTER COLUMN "\w+" (DROP NOT NULL|SET DEFAULT)\b/,
  /^DROP INDEX\b/,
]
const isAdditive = (statement: string) => ADDITIVE.some((pattern) => pattern.test(statement))
const statementsOf = (text: string) =>
  text
    .split('--> statement-breakpoint')
    .map((part) => part.replaceAll(/^--.*$/gm, '').trim())
    .filter((part) => part !== '')

describe('a migration after the first backups', () => {
  const names = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql') && name > FIRST)

  test.each(names)('%s lets older backups be restored by their columns', (name) => {
    const statements = statementsOf(readFileSync(new URL(name, MIGRATIONS), 'utf8'))
    expect(statements.filter((statement) => !isAdditive(statement))).toEqual([])
  })

  test.each([
    'INSERT INTO "serving" ("model") SELECT "model" FROM "embeddings"',
    'ALTER TABLE "contents" ADD COLUMN "kind" text NOT NULL',
    'ALTER TABLE "contents" DROP COLUMN "format"',
    'ALTER TABLE "contents" RENAME COLUMN "format" TO "kind"',
    'UPDATE "contents" SET "format" = \'x\'',
  ])('would be noticed: %s', (statement) => {
    expect(isAdditive(statement)).toBe(false)
  })
})
