// Tables of vectors that do not equal the store are found, and filled anew.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differenceOf } from '../../src/doctor/expected-vectors.ts'
import { vectorTableRules } from '../../src/doctor/vector-table-rules.ts'
import { openPgvectorIndex } from '../../src/search/pgvector-index.ts'
import { syncIndex } from '../../src/search/sync.ts'
import { lastSequenceOf } from '../../src/store/changes.ts'
import { type Database, rows } from '../../src/store/database.ts'
import { forgetContent } from '../../src/store/paths.ts'
import { findVectors, writeBatch } from '../../src/store/pictures.ts'
import { clusterWorkers } from '../helpers/cluster.ts'
import { SERVER, type VectorDatabase, vectorEngines } from '../helpers/pgvector.ts'
import { hashOf, storedFile, vectorOf } from '../helpers/shared-store.ts'
import { until } from '../helpers/until.ts'

const SPACE = { model: 'm', recipe: 'r', dimension: 8 }
const IDENTITY = { storeId: 'store', ...SPACE }

for (const { name: engine, skipped, open } of vectorEngines) {
  describe.skipIf(skipped)(`${engine}${skipped ? ` (skipped: ${skipped})` : ''}`, () => {
    let database: VectorDatabase
    beforeAll(async () => {
      database = await open()
      const files = ['a', 'b', 'c'].map((name) => storedFile(name))
      await writeBatch(database.db, SPACE, { files, failures: [] })
    })
    afterAll(() => database[Symbol.asyncDispose]())

    const find = async (db: Database) => {
      const found: string[] = []
      for (const rule of await vectorTableRules(db)) {
        if ((await rule.find()).count > 0) found.push(rule.code)
      }
      return found
    }
    const mend = async (db: Database) => {
      for (const rule of await vectorTableRules(db))
        if ((await rule.find()).count > 0) await rule.mend()
    }
    const plants: Record<string, readonly [code: string, plant: (table: string) => string]> = {
      'a vector of another picture': [
        'vector_table_differs',
        (table) =>
          `update ${table} set vector = (select vector from ${table} order by content limit 1)`,
      ],
      'a picture that is lacking': [
        'vector_table_differs',
        (table) =>
          `delete from ${table} where content = (select content from ${table} order by content limit 1)`,
      ],
      'a number ahead of the feed': [
        'vector_table_differs',
        () => 'update vector_tables set sequence = 1000000',
      ],
      'a table that is gone': ['vector_table_missing', (table) => `drop table ${table}`],
      'a table that nothing follows': ['vector_table_stray', () => 'delete from vector_tables'],
    }
    test.each(Object.entries(plants))('%s', async (_, [code, plant]) => {
      const { db } = database
      const index = await openPgvectorIndex({ db, identity: IDENTITY, graph: 'half' })
      expect(await syncIndex(db, SPACE, index)).toBe(true)
      expect(await find(db)).toEqual([])
      const [table] = await rows<{ name: string }>(db, sql`select name from vector_tables`)
      await db.execute(sql.raw(plant(table!.name)))
      expect(await find(db)).toEqual([code])
      await mend(db)
      expect(await find(db)).toEqual([])
      const again = await openPgvectorIndex({ db, identity: IDENTITY, graph: 'half' })
      expect(await syncIndex(db, SPACE, again)).toBe(true)
      expect(await again.search(vectorOf('b'), 1)).toMatchObject([{ content: hashOf('b') }])
      expect(again.size).toBe(3)
    })

    test('what goes while it is looked at is no difference', async () => {
      const { db } = database
      const files = ['gone', 'a', 'b', 'c'].map((name) => storedFile(name))
      await writeBatch(db, SPACE, { files, failures: [] })
      const held = {
        sequence: await lastSequenceOf(db, SPACE),
        contents: new Set(files.map(({ hash }) => hash)),
        vectorsOf: async (some: readonly string[]) => {
          const vectors = await findVectors(db, SPACE, some)
          await forgetContent(db, hashOf('gone'))
          return vectors
        },
      }
      expect(await differenceOf(db, SPACE, held)).toBeNull()
      // What stays and is another one is.
      const contents = new Set(['a', 'b', 'c'].map(hashOf))
      const sequence = await lastSequenceOf(db, SPACE)
      const swapped = async () =>
        new Map([...contents].map((hash) => [hash, vectorOf('another')] as const))
      const other = { sequence, contents, vectorsOf: swapped }
      expect(await differenceOf(db, SPACE, other)).toMatch(/^3 of 3 vectors/)
    })

    const isCluster = engine === SERVER && clusterWorkers.length > 0
    const alone = isCluster ? '' : ' (skipped: no cluster, TEST_CLUSTER_WORKERS names servers)'
    test.skipIf(alone)(`on a cluster it waits for whoever fills a table${alone}`, async () => {
      const { db } = database
      await openPgvectorIndex({ db, identity: IDENTITY, graph: 'half' })
      let looking: Promise<string[]> | undefined
      await db.transaction(async (tx) => {
        await tx.execute(sql`select from vector_tables for update`)
        looking = find(db)
        await until(async () => {
          const waiting = await rows(
            db,
            sql`select from pg_stat_activity where datname = current_database()
              and wait_event_type = 'Lock' and query like '%vector_tables%'`,
          )
          return waiting.length > 0
        })
      })
      expect(await looking).toEqual([])
    })

    test("somebody else's tables are left alone", async () => {
      const { db } = database
      await openPgvectorIndex({ db, identity: IDENTITY, graph: 'half' })
      const theirs = ['vectors_of_mine', 'vectors_backup_0123456789ab']
      for (const name of theirs) {
        await db.execute(sql.raw(`create table ${name} (content bytea, vector text)`))
      }
      await mend(db)
      for (const name of theirs) await db.execute(sql.raw(`drop table ${name}`))
      expect(await find(db)).toEqual([])
    })
  })
}
