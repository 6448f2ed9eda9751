// What a migration may do, so that the version before it goes on beside the one that brings it: see
// docs/schema.md. It adds; what is no longer needed goes two releases later.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))

/** What was released before there were these rules, and is not changed any more. */
const RELEASED: ReadonlySet<string> = new Set([
  '0004_models.sql: builds an index on embeddings, which may be large: CREATE INDEX "embeddings_seq_order"',
])

type Rule = readonly [why: string, pattern: RegExp]

/** `"name"` or `"public"."name"`. */
const TABLE = String.raw`(?:"public"\.)?"(\w+)"`

const FORBIDDEN: readonly Rule[] = [
  ['takes away what the version before uses', /\bdrop\s+(?!default\b)(?!not null\b)/i],
  ['renames what the version before uses', /\brename\b/i],
  ['changes the type of a column', /\balter column\b.*\btype\b/i],
  ['wants values that the version before does not write', /\bset not null\b/i],
  [
    'wants values that the version before does not write',
    /\badd column\b(?![^;]*\bdefault\b)[^;]*\bnot null\b/i,
  ],
  ['empties a table', /\btruncate\b/i],
  ['holds a lock by name', /\block table\b/i],
  ['rewrites rows, which may be many', /^\s*(update|delete)\b/i],
  [
    'changes with every row of a table that is there',
    /\badd column\b[^;]*\bdefault\b[^;]*\b(random|gen_random_uuid|clock_timestamp)\b/i,
  ],
]

/** What breaks the rules in one migration. */
function violations(file: string, text: string): string[] {
  const statements = withoutComments(text)
    .split(/;|--> statement-breakpoint/)
    .map((statement) => statement.trim().replaceAll(/\s+/g, ' '))
    .filter((statement) => statement !== '')
  const made = new Set(
    statements.flatMap(
      (statement) =>
        new RegExp(`^create table (?:if not exists )?${TABLE}`, 'i').exec(statement)?.[1] ?? [],
    ),
  )
  const found = (why: string, statement: string) => `${file}: ${why}: ${statement.slice(0, 200)}`
  return statements.flatMap((statement) => {
    const wrong = FORBIDDEN.filter(([, pattern]) => pattern.test(statement)).map(([why]) =>
      found(why, statement),
    )
    const indexed = new RegExp(`^create (?:unique )?index .*? on ${TABLE}`, 'i').exec(
      statement,
    )?.[1]
    if (indexed && !made.has(indexed)) {
      wrong.push(found(`builds an index on ${indexed}, which may be large`, statement))
    }
    const constrained = new RegExp(`^alter table ${TABLE} add constraint`, 'i').exec(statement)?.[1]
    if (constrained && !made.has(constrained) && !/\bnot valid\b/i.test(statement)) {
      wrong.push(found(`checks every row of ${constrained}`, statement))
    }
    return wrong
  })
}

function withoutComments(text: string): string {
  return text.replaceAll(/^--(?!>).*$/gm, '')
}

test('migrations only add', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'))
  expect(files.length).toBeGreaterThan(5)
  const all = files.flatMap((file) => violations(file, readFileSync(`${FOLDER}/${file}`, 'utf8')))
  const released = (line: string) => [...RELEASED].some((known) => line.startsWith(known))
  expect(all.filter((line) => !released(line))).toEqual([])
  // Nothing stands in the list that is not there any more.
  expect(all.filter(released)).toHaveLength(RELEASED.size)
})

test('they are numbered without gaps, in the order of the journal', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'))
  const journal = JSON.parse(readFileSync(`${FOLDER}/meta/_journal.json`, 'utf8')) as {
    entries: { tag: string; when: number }[]
  }
  expect(journal.entries.map(({ tag }) => `${tag}.sql`)).toEqual(files)
  const times = journal.entries.map(({ when }) => when)
  // drizzle applies those that are younger than the last one that was applied.
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
})

test.each([
  'DROP TABLE "contents"',
  'ALTER TABLE "contents" DROP COLUMN "lens"',
  'ALTER TABLE "contents" RENAME COLUMN "lens" TO "glass"',
  'ALTER TABLE "paths" ALTER COLUMN "mtime_ms" SET DATA TYPE bigint',
  'ALTER TABLE "paths" ALTER COLUMN "missing_since" SET NOT NULL',
  'ALTER TABLE "paths" ADD COLUMN "owner" text NOT NULL',
  'CREATE INDEX "paths_size" ON "paths" USING btree ("size_bytes")',
  'CREATE UNIQUE INDEX "one" ON "public"."paths" ("path")',
  'ALTER TABLE "paths" ADD CONSTRAINT "size" CHECK ("size_bytes" > 0)',
  'UPDATE "contents" SET "lens" = null',
  'DELETE FROM "changes"',
  'TRUNCATE "changes"',
  'LOCK TABLE "changes"',
])('%s is refused', (statement) => {
  expect(violations('9999_test.sql', `${statement};`)).toHaveLength(1)
})

test.each([
  'CREATE TABLE "tags" ("name" text PRIMARY KEY NOT NULL); CREATE INDEX "t" ON "tags" ("name")',
  'ALTER TABLE "paths" ADD COLUMN "owner" text',
  'ALTER TABLE "roots" ADD COLUMN "drawn" boolean DEFAULT false NOT NULL',
  'ALTER TABLE "paths" ADD CONSTRAINT "size" CHECK ("size_bytes" > 0) NOT VALID',
  '-- DROP TABLE "contents"',
])('%s may be', (statements) => {
  expect(violations('9999_test.sql', `${statements};`)).toEqual([])
})
