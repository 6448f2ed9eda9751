import { readFileSync } from 'node:fs'
import { is } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import * as schema from '../../src/store/schema.ts'

const page = readFileSync(new URL('../../docs/schema.md', import.meta.url), 'utf8')

/** The database knows `sizeBytes` as `size_bytes`. */
const snakeCase = (name: string) =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const definitions: unknown[] = Object.values(schema)
const tables = definitions.flatMap((value) => (is(value, PgTable) ? [getTableConfig(value)] : []))

test('docs/schema.md has a section for each table and for no other', () => {
  const sections = [...page.matchAll(/^## `(\w+)`$/gm)].map(([, name]) => name)
  expect(new Set(sections)).toEqual(new Set(tables.map(({ name }) => name)))
})

describe.each(tables)('the section of $name in docs/schema.md', ({ name, columns, indexes }) => {
  const section = page.split(`## \`${name}\`\n`)[1]?.split(/^## /m)[0] ?? ''

  test('lists its columns with their types, in order', () => {
    const rows = [...section.matchAll(/^\| (`\w+` \| [^|]+) \|/gm)].map(([, row]) => row)
    expect(rows).toEqual(
      columns.map((column) => `\`${snakeCase(column.name)}\` | ${column.getSQLType()}`),
    )
  })

  test('names its indexes', () => {
    for (const { config } of indexes) expect(section).toContain(`\`${config.name}\``)
  })
})

test('docs/schema.md names the sequence of the change feed', () => {
  expect(page).toContain(`\`${schema.changesSeq.seqName}\``)
})
