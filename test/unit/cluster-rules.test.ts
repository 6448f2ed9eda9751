// The four rules for statements on a cluster: each finds what is planted against it, and nothing in the
// migrations. test/database/cluster-rules.test.ts holds what the program sends to them.
import { readdirSync, readFileSync } from 'node:fs'
import { getTableName, is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { DISTRIBUTED, ON_COORDINATOR, REFERENCE } from '../../src/store/placement.ts'
import * as schema from '../../src/store/schema.ts'
import { type Rule, violations } from '../helpers/cluster-rules.ts'

const rulesBrokenBy = (statement: string) => violations(statement).map(({ rule }) => rule)

const PLANTED: Record<Rule, readonly string[]> = {
  'the distribution column is in every key': [
    'create table vectors_clip (id bigint primary key, content bytea not null)',
    'create table "claims" ("content" bytea, "model" text, constraint "pk" primary key ("model"))',
    'alter table "paths" add constraint "one" unique ("path")',
    'create unique index "paths_path" on "paths" using btree ("path")',
  ],
  'foreign keys lead to colocated or reference tables': [
    'create table "claims" ("content" bytea references "roots" ("path"))',
    'alter table "paths" add constraint "k" foreign key ("path") references "public"."contents" ("hash")',
    'alter table "claims" add constraint "k" foreign key ("holder") references "jobs" ("id")',
    'alter table "generations" add constraint "k" foreign key ("picture") references "contents" ("hash")',
    'alter table "concepts" add constraint "k" foreign key ("name") references "contents" ("hash")',
  ],
  'joins are on the distribution column': [
    'select * from "contents" join "paths" on "paths"."path" = "contents"."format"',
    'select * from "contents", "paths"',
    'select * from "changes" c left join "embeddings" e on e.seq = c.seq',
    'select * from "contents" where exists (select 1 from "paths" where "paths"."path" = "contents"."format")',
    'select * from "contents" join "paths" on "paths"."content" = "contents"."hash" or true',
    'delete from "contents" where not exists (select 1 from "paths" where "paths"."size_bytes" = "contents"."size_bytes")',
    'update "paths" set "path" = $1 from "contents" where "contents"."format" = $2',
    'select e.vector from (select content, seq from "changes" limit 5) near join "embeddings" e on e.seq = near.seq',
    'select * from vectors_clip t where exists (select 1 from "contents" where t.vector = "contents"."thumb_hash")',
    'select 1 from "contents" union all select 1 from "contents" a join "paths" b on b.path = a.format',
    'delete from "paths" where not exists (select 1 from "roots" r where starts_with("paths"."path", r.path))',
    'select * from "failures" f where exists (select 1 from "paths" where "paths"."path" = f.path)',
    'update "roots" set "exclude" = $1 where exists (select 1 from "paths" p where starts_with(p.path, "roots"."path"))',
  ],
  'conflict targets contain the distribution column': [
    'insert into "paths" ("content", "path") values ($1, $2) on conflict ("path") do nothing',
    'insert into "changes" ("content", "seq") values ($1, $2) on conflict on constraint "changes_pkey" do nothing',
    'insert into vectors_clip as known (content, vector) select $1, $2 on conflict (vector) do update set vector = excluded.vector',
  ],
}

describe.each(Object.entries(PLANTED))('%s', (rule, statements) => {
  test.each(statements)('%s', (statement) => {
    expect(rulesBrokenBy(statement)).toContain(rule)
  })
})

test.each([
  'select * from "contents" join "paths" on "paths"."content" = "contents"."hash" where "paths"."path" > $1',
  'select * from "paths" join "contents" on ("contents"."hash" = "paths"."content" and "contents"."format" = $1)',
  'select 1 from "generations" join "contents" on "contents"."hash" = "generations"."picture"',
  'select * from "roots", "serving"',
  'select 1 from "embeddings" e join "serving" s on s.model = e.model',
  'delete from "failures" where "path" in (select "path" from "paths")',
  'select a.n, b.n from (select count(*) as n from "paths") a, (select count(*) as n from "changes") b',
  'select 1 from "contents" where "contents"."hash" in (select decode(h, $1) from unnest($2::text[]) h)',
  'select 1 from "changes" union all select 1 from "embeddings"',
  'insert into "paths" ("content", "path") values ($1, $2) on conflict do nothing',
  'insert into "serving" ("id") values ($1) on conflict ("id") do nothing',
  'insert into "embeddings" ("content", "model") values ($1, $2) on conflict ("content", "model") do nothing',
  'create index "paths_path" on "paths" using btree ("path")',
  'alter table "sessions" add constraint "k" foreign key ("key") references "api_keys" ("id")',
  'alter table "claims" add constraint "k" foreign key ("content") references "contents" ("hash")',
])('allowed: %s', (statement) => {
  expect(violations(statement)).toEqual([])
})

describe('migrations', () => {
  const folder = new URL('../../migrations/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql'))
  test.each(files)('%s obeys the rules', (name) => {
    const statements = readFileSync(new URL(name, folder), 'utf8').split('--> statement-breakpoint')
    expect(statements.flatMap(violations)).toEqual([])
  })
})

test('every table has its place on a cluster, and one only', () => {
  const definitions: unknown[] = Object.values(schema)
  const tables = definitions.flatMap((value) => (is(value, PgTable) ? [getTableName(value)] : []))
  const placed = [...DISTRIBUTED.map(({ table }) => table), ...REFERENCE, ...ON_COORDINATOR]
  expect(placed.map((table) => getTableName(table)).sort()).toEqual(tables.sort())
})
