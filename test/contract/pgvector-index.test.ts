// The index in the database, on every engine that has pgvector here: the common suite, through the
// graph and without one, and what only a shared table promises.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ContentHash } from '../../src/core/hash.ts'
import { dot, type UnitVector } from '../../src/core/vector.ts'
import { openLiveIndex } from '../../src/live-index.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { openPgvectorIndex, type PgvectorOptions } from '../../src/search/pgvector-index.ts'
import { syncIndex } from '../../src/search/sync.ts'
import type { Among, VectorChange, VectorIndex } from '../../src/search/vector-index.ts'
import { lastSequenceOf } from '../../src/store/changes.ts'
import { type Database, openDatabase, rows } from '../../src/store/database.ts'
import { markMissing } from '../../src/store/paths.ts'
import { writeBatch } from '../../src/store/pictures.ts'
import { changes, contents, embeddings, paths } from '../../src/store/schema.ts'
import {
  buildGraph,
  emptyTable,
  tableName,
  type VectorTable,
} from '../../src/store/vector-table.ts'
import { noise } from '../helpers/noise-pictures.ts'
import { type VectorDatabase, vectorEngines } from '../helpers/pgvector.ts'
import { hashOf, storedFile, vectorOf } from '../helpers/shared-store.ts'
import {
  axis,
  contentOf,
  contentsOf,
  describeVectorIndex,
  identity,
  put,
  removal,
} from '../helpers/vector-index-suite.ts'

const { model, recipe } = identity
const space = { model, recipe }

/** A graph from the first vector on, and walked wherever there is one. */
const ALWAYS = { rowsPerStep: 0 }

/** Rows of pictures as far as the tables require them. */
async function insertContents(db: Database, hashes: Iterable<ContentHash>): Promise<void> {
  const all = [...hashes].map((hash) => ({
    hash,
    format: 'png',
    sizeBytes: 1,
    widthPx: 1,
    heightPx: 1,
    orientation: 1,
    thumbHash: noise(hash, 1),
    perceptualHash: '0',
  }))
  for (let at = 0; at < all.length; at += 1000) {
    await db
      .insert(contents)
      .values(all.slice(at, at + 1000))
      .onConflictDoNothing()
  }
}

/** Puts into the store what an index is told: there the truth comes first. */
async function insertVectors(db: Database, some: readonly VectorChange[]): Promise<void> {
  const last = new Map<ContentHash, UnitVector>()
  for (const { content, vector } of some) if (vector) last.set(content, vector)
  await insertContents(db, last.keys())
  const all = [...last].map(([content, vector]) => ({ content, vector, ...space }))
  for (let at = 0; at < all.length; at += 1000) {
    await db
      .insert(embeddings)
      .values(all.slice(at, at + 1000))
      .onConflictDoUpdate({
        target: [embeddings.content, embeddings.model],
        set: { vector: sql`excluded.vector` },
      })
  }
}

let folders = 0

/** A folder in which these contents lie, and no others. */
async function amongOf(db: Database, some: ReadonlySet<ContentHash>): Promise<Among> {
  const folder = `/among-${folders++}`
  await insertContents(db, some)
  const all = [...some].map((content) => {
    return { content, path: `${folder}/${content}`, sizeBytes: 1, mtimeMs: 0 }
  })
  if (all.length > 0) await db.insert(paths).values(all)
  return {
    filter: { folders: [folder] },
    count: async () => some.size,
    contents: async () => some,
  }
}

for (const { name, open, skipped } of vectorEngines) {
  describe.skipIf(skipped)(`pgvector on ${name}${skipped ? ` (skipped: ${skipped})` : ''}`, () => {
    let database: VectorDatabase
    let db: Database
    beforeAll(async () => {
      database = await open()
      db = database.db
    })
    afterAll(() => database[Symbol.asyncDispose]())

    /** An empty index over an empty store, which is told of the truth before the index is. */
    async function openAlone(options: Partial<PgvectorOptions>): Promise<VectorIndex> {
      await db.delete(contents)
      const all = { db, identity, graph: 'half' as const, fresh: true, ...options }
      const index = await openPgvectorIndex(all)
      const told: Pick<VectorIndex, 'apply'> = {
        async apply(some, sequence) {
          await insertVectors(db, some)
          await index.apply(some, sequence)
        },
      }
      return Object.assign(Object.create(index) as VectorIndex, told)
    }

    const among = (some: ReadonlySet<ContentHash>) => amongOf(db, some)
    const adapters: [string, Partial<PgvectorOptions>][] = [
      ['compared one by one', {}],
      ['through a graph', ALWAYS],
      ['through a graph of signs', { ...ALWAYS, graph: 'bits' }],
    ]
    // What differs over the wire are parameters and results; one way uses them all.
    for (const [how, options] of name.endsWith('wire') ? adapters.slice(1, 2) : adapters) {
      describeVectorIndex(how, {
        open: (given) => openAlone({ ...given, ...options }),
        among,
        histories: 15,
      })
    }

    describe('shared by processes', () => {
      const table = tableName(space, 4)
      const openIndex = (options: Partial<PgvectorOptions> = {}) =>
        openPgvectorIndex({ db, identity, graph: 'half', ...options })
      const graphs = async () =>
        (
          await rows<{ name: string }>(
            db,
            sql`select indexname as name from pg_indexes where tablename = ${table} and indexdef like '%hnsw%'`,
          )
        ).map((row) => row.name)

      let first: VectorIndex
      beforeEach(async () => {
        first = await openAlone({})
      })

      it('is there for the next process, graph and all', async () => {
        await first.apply([put('a', axis(0)), put('b', axis(1))], 7)
        const walking = await openIndex(ALWAYS)
        await walking.save()
        const again = await openIndex(ALWAYS)
        expect(again).toMatchObject({ size: 2, sequence: 7, dimension: 4, kind: 'pgvector' })
        expect(await again.search(axis(1), 9)).toEqual(await first.search(axis(1), 9))
        expect(await graphs()).toEqual([`${table}_half`])
      })

      it('has another table for another model, recipe or dimension', async () => {
        await first.apply([put('a', axis(0))], 7)
        for (const change of [{ model: 'Model!' }, { recipe: 'other' }, { dimension: 5 }]) {
          const other = await openIndex({ identity: { ...identity, ...change } })
          expect(other).toMatchObject({ size: 0, sequence: 0 })
        }
      })

      it('sees what another has applied once it is refreshed, and does not apply it again', async () => {
        const second = await openIndex()
        await first.apply([put('a', axis(0)), put('b', axis(1))], 2)
        await first.apply([removal('a')], 3)
        expect(second.sequence).toBe(0)
        // Read from the feed before the other came: without effect now.
        await second.apply([put('a', axis(0))], 1)
        expect(second).toMatchObject({ size: 1, sequence: 3 })
        expect(contentsOf(await second.search(axis(0), 5))).toEqual([contentOf('b')])
        await first.apply([put('c', axis(2))], 4)
        await second.refresh!()
        expect(second).toMatchObject({ size: 2, sequence: 4 })
      })

      it('applies nothing on top of a table that another has emptied', async () => {
        await first.apply([put('a', axis(0))], 5)
        const second = await openIndex()
        await openIndex({ fresh: true })
        await second.apply([put('b', axis(1))], 6)
        expect(second).toMatchObject({ size: 0, sequence: 0 })
      })

      it('is as it was when a process dies half way', async () => {
        await first.apply([put('a', axis(0))], 1)
        const died = db.transaction(async (tx) => {
          const index = await openPgvectorIndex({ db: tx, identity, graph: 'half' })
          await index.apply([put('b', axis(1)), removal('a')], 2)
          throw new Error('killed')
        })
        await expect(died).rejects.toThrow('killed')
        const again = await openIndex()
        expect(again).toMatchObject({ size: 1, sequence: 1 })
        expect(contentsOf(await again.search(axis(0), 5))).toEqual([contentOf('a')])
      })

      it('has its graph built once by all who want it at the same moment', async () => {
        await first.apply([put('a', axis(0))], 1)
        const wanted: VectorTable = { name: table, space, dimension: 4, graph: 'half' }
        let emptied = 0
        const asking = Array.from({ length: 8 }, async () => {
          while (emptied < 100) await buildGraph(db, wanted)
        })
        for (; emptied < 100; emptied++) await emptyTable(db, { name: table })
        await Promise.all(asking)
        await buildGraph(db, wanted)
        expect(await graphs()).toEqual([`${table}_half`])
      })

      it('is made anew when it was dropped', async () => {
        await first.apply([put('a', axis(0))], 1)
        await db.execute(sql.raw(`drop table ${table}`))
        expect(await openIndex()).toMatchObject({ size: 0, sequence: 0 })
        await db.execute(sql`drop table vector_tables`)
        const again = await openIndex()
        await again.apply([put('b', axis(1))], 1)
        expect(again).toMatchObject({ size: 1, sequence: 1 })
      })

      it('changes the kind of its graph when another is asked for', async () => {
        await first.apply([put('a', axis(0))], 1)
        await (await openIndex(ALWAYS)).save()
        expect(await graphs()).toEqual([`${table}_half`])
        const bits = await openIndex({ ...ALWAYS, graph: 'bits' })
        await bits.save()
        expect(await graphs()).toEqual([`${table}_bits`])
        expect(contentsOf(await bits.search(axis(0), 5))).toEqual([contentOf('a')])
      })

      it.each(['pgvector', 'pgvector-binary'] as const)(
        'serves as live index: %s',
        async (kind) => {
          await db.delete(changes)
          const files = ['a', 'b', 'c'].map((each) => storedFile(each))
          await writeBatch(db, space, { files, failures: [] })
          const eight = { ...identity, dimension: 8 }
          const quietSince = () => null
          const live = openLiveIndex({ db, identity: eight, kind, dataDir: '/nowhere', quietSince })
          const index = await live.current()
          expect(index).toMatchObject({ kind: 'pgvector', size: 3 })
          expect(contentsOf(await index.search(vectorOf('b'), 1))).toEqual([hashOf('b')])
          await markMissing(db, [files[1]!.path], true)
          expect(contentsOf(await (await live.current()).search(vectorOf('b'), 3))).toHaveLength(2)
        },
      )

      it('is rebuilt when the feed is not the one that it has followed', async () => {
        await db.delete(changes)
        await db.execute(sql`alter sequence changes_seq restart`)
        const eight = { ...identity, dimension: 8 }
        const stray = await openIndex({ identity: eight, fresh: true })
        await insertVectors(db, [{ content: hashOf('stray'), vector: vectorOf('stray') }])
        await stray.apply([{ content: hashOf('stray'), vector: vectorOf('stray') }], 1000)
        await writeBatch(db, space, { files: [storedFile('a')], failures: [] })
        const quietSince = () => null
        const live = openLiveIndex({
          db,
          identity: eight,
          kind: 'pgvector',
          dataDir: '/nowhere',
          quietSince,
        })
        const index = await live.current()
        expect(index).toMatchObject({ size: 1, sequence: await lastSequenceOf(db, eight) })
        expect(contentsOf(await index.search(vectorOf('stray'), 3))).toEqual([hashOf('a')])
      })

      it('builds no graph for what is sooner compared one by one', async () => {
        await first.apply([put('a', axis(0))], 1)
        await first.save()
        await first.search(axis(0), 1)
        expect(await graphs()).toEqual([])
      })

      it('follows the feed with several processes at once', async () => {
        await db.delete(changes)
        await db.execute(sql`alter sequence changes_seq restart`)
        const others =
          database.url === undefined
            ? []
            : [await openDatabase({ url: database.url }), await openDatabase({ url: database.url })]
        const wide = { ...identity, dimension: 8 }
        const connections = [db, ...others.map((other) => other.db)]
        const all = await Promise.all(
          connections.map((each) =>
            openPgvectorIndex({ db: each, identity: wide, graph: 'half', fresh: true, ...ALWAYS }),
          ),
        )
        const names = Array.from({ length: 300 }, (_, i) => `picture ${i}`)
        const writes = async () => {
          for (let at = 0; at < names.length; at += 50) {
            const files = names.slice(at, at + 50).map((each) => storedFile(each))
            await writeBatch(db, space, { files, failures: [] })
          }
          const gone = names.slice(0, 80).map((each) => storedFile(each).path)
          await markMissing(db, gone, true)
        }
        const syncs = all.map(async (index, i) => {
          for (let round = 0; round < 10; round++) await syncIndex(connections[i]!, space, index)
        })
        await Promise.all([writes(), ...syncs])
        const reference = await openExactIndex({ identity: wide })
        await syncIndex(db, space, reference)
        const query = vectorOf('query')
        for (const [i, index] of all.entries()) {
          expect(await syncIndex(connections[i]!, space, index)).toBe(true)
          expect(index.size).toBe(220)
          expect(reference.size).toBe(220)
          expect(index.sequence).toBe(reference.sequence)
          expect(await index.search(query, 10)).toEqual(await reference.search(query, 10))
        }
        await Promise.all(others.map((other) => other.close()))
      })

      it('shows a change whole or not at all', async () => {
        const some = Array.from({ length: 40 }, (_, i) => put(i, axis(i % 4)))
        await first.apply(some, 1)
        const gone = some.slice(20).map(({ content }) => ({ content, vector: null }))
        const applying = first.apply(gone, 2)
        const during = await Promise.all([1, 2, 3].map(() => first.search(axis(0), 99)))
        await applying
        for (const hits of during) expect([20, 40]).toContain(hits.length)
        expect(await first.search(axis(0), 99)).toHaveLength(20)
      })

      it('scores with the exact vectors, not the rounded ones', async () => {
        const vector = vectorOf('a')
        const eight = await openAlone({ identity: { ...identity, dimension: 8 } })
        await eight.apply([{ content: contentOf('a'), vector }], 1)
        const query = vectorOf('query')
        expect(await eight.search(query, 1)).toEqual([
          { content: contentOf('a'), score: dot(vector, query) },
        ])
      })

      it('refuses more dimensions than pgvector can index', async () => {
        await expect(
          openIndex({ identity: { ...identity, dimension: 4001 } }),
        ).rejects.toMatchObject({ code: 'bad_input', message: expect.stringContaining('4000') })
      })
    })
  })
}

describe('without pgvector', () => {
  it('says what to install', async () => {
    const database = await openDatabase({ url: 'memory://' })
    const opening = openPgvectorIndex({ db: database.db, identity, graph: 'half' })
    await expect(opening).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringMatching(/postgresql-\d+-pgvector.*VECTOR_INDEX/),
    })
    await database.close()
  })
})
