// Eight writers at once, in two processes, each on connections of its own, and readers that catch up
// at any moment: whatever the writers do, every index ends with what the store holds.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isNull, sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { ContentHash } from '../../src/core/hash.ts'
import { dot, type UnitVector } from '../../src/core/vector.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { openHnswIndex } from '../../src/search/hnsw-index.ts'
import { openPgvectorIndex } from '../../src/search/pgvector-index.ts'
import { syncIndex } from '../../src/search/sync.ts'
import type { IndexIdentity, VectorIndex } from '../../src/search/vector-index.ts'
import { feedState, type VectorSpace } from '../../src/store/changes.ts'
import { type Database, type OpenDatabase, openDatabase, rows } from '../../src/store/database.ts'
import { deletePaths } from '../../src/store/paths.ts'
import { findVectors } from '../../src/store/pictures.ts'
import { claimRoot } from '../../src/store/roots.ts'
import { paths } from '../../src/store/schema.ts'
import { beginChange, noteServing } from '../../src/store/serving.ts'
import { tableName } from '../../src/store/vector-table.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { FOLDERS, NEXT, PICTURES, SERVING, takeTurns } from '../helpers/feed-writer.ts'
import { Follower } from '../helpers/follower.ts'
import { whyNoPgvector } from '../helpers/pgvector.ts'
import { hashOf, vectorOf } from '../helpers/shared-store.ts'

const WRITERS = 8
const TURNS = 5
const CHILD = fileURLToPath(new URL('../helpers/feed-writers-child.ts', import.meta.url))

const provided = inject('database')
const noPgvector =
  provided.engine === 'postgres'
    ? await whyNoPgvector(provided.url)
    : 'the embedded database has no pgvector'

/** Somebody who follows the feed while it is written. */
interface Reader {
  readonly name: string
  readonly space: VectorSpace
  /** Returns whether what it holds can be what the feed says. */
  catchUp(): Promise<boolean>
  /** Its sequence, and all that it holds. */
  holds(): Promise<{ sequence: number; vectors: Map<ContentHash, UnitVector> }>
  close(): Promise<void>
}

describeDatabase('an index', (newPlace, engine) => {
  let place: TestPlace
  const opened: OpenDatabase[] = []
  const children: ChildProcess[] = []
  let db: Database

  beforeAll(async () => {
    place = await newPlace()
    db = await open()
    await noteServing(db, SERVING)
    await beginChange(db, NEXT)
    for (const folder of FOLDERS) await claimRoot(db, folder, undefined)
  })
  afterAll(async () => {
    for (const child of children) child.kill()
    for (const database of opened) await database.close()
    await place[Symbol.asyncDispose]()
  })

  async function open(): Promise<Database> {
    const database = await (engine === 'postgres' ? openDatabase({ url: url() }) : place.open())
    opened.push(database)
    return database.db
  }

  /** Commits come in the same order and can be seen as soon; only a power cut could tell. */
  function url(): string {
    const url = new URL(place.databaseUrl!)
    url.searchParams.set('options', '-c synchronous_commit=off')
    return url.href
  }

  // One process has the embedded database, and its transactions come one after another.
  const seeds = engine === 'postgres' ? 100 : 2
  test(`equals the store after eight writers at once, from ${seeds} seeds`, async () => {
    const writeAll = engine === 'postgres' ? await startWriters() : writeHere
    const readers = await openReaders()
    for (let seed = 1; seed <= seeds; seed++) {
      // What the readers hold goes with it, as they will see.
      await deletePaths(db, '/', 'all')
      const writing = writeAll(seed).catch((cause: unknown) => {
        throw new Error(`seed ${seed}: ${String(cause)}`, { cause })
      })
      await Promise.all([writing, ...readers.map((reader) => follow(reader, writing, seed))])
      for (const space of [SERVING, NEXT]) {
        const inSpace = readers.filter((reader) => reader.space === space)
        await expectStore(inSpace, space, seed)
      }
    }
    for (const reader of readers) await reader.close()
  }, 600_000)

  if (noPgvector) test.skip(`in pgvector as well (skipped: ${noPgvector})`)

  async function writeHere(seed: number) {
    const writers = Array.from({ length: WRITERS }, (_, writer) =>
      takeTurns(db, { seed, writer, turns: TURNS }),
    )
    await Promise.all(writers)
  }

  async function startWriters() {
    for (const first of [0, WRITERS / 2]) {
      const args = [url(), String(first), String(WRITERS / 2)]
      children.push(fork(CHILD, args, { execArgv: ['--import', 'tsx'] }))
    }
    // A process that ends has an exit code to say.
    const answerOf = (child: ChildProcess) => {
      const told = new AbortController()
      const { signal } = told
      const first = Promise.race([
        once(child, 'message', { signal }),
        once(child, 'exit', { signal }),
      ])
      return first.finally(() => told.abort())
    }
    await Promise.all(children.map(answerOf))
    return async (seed: number) => {
      const answers = children.map(async (child) => {
        const answer = answerOf(child)
        child.send({ seed, turns: TURNS })
        const [trouble] = await answer
        if (trouble !== null) throw new Error(`a writer: ${trouble}`)
      })
      await Promise.all(answers)
    }
  }

  async function openReaders(): Promise<Reader[]> {
    const dimension = vectorOf('any').length
    const identity = (space: VectorSpace): IndexIdentity => ({
      storeId: 'any',
      ...space,
      dimension,
    })
    const mine = identity(SERVING)
    const readers = [
      indexReader('exact', SERVING, await openExactIndex({ identity: mine })),
      indexReader(
        'exact, the next model',
        NEXT,
        await openExactIndex({ identity: identity(NEXT) }),
      ),
      indexReader('hnsw', SERVING, await openHnswIndex({ identity: mine })),
      follower('a follower, change by change', SERVING),
    ]
    if (!noPgvector) {
      // Two processes share the table.
      for (const name of ['pgvector', 'pgvector, another process']) {
        const index = await openPgvectorIndex({ db: await open(), identity: mine, graph: 'half' })
        readers.push(indexReader(name, SERVING, index))
      }
    }
    return readers
  }

  function indexReader(name: string, space: VectorSpace, index: VectorIndex): Reader {
    return {
      name,
      space,
      catchUp: () => syncIndex(db, space, index),
      async holds() {
        const vectors = await index.vectorsOf(PICTURES.map(hashOf))
        expect(index.size, name).toBe(vectors.size)
        if (index.kind === 'pgvector') await expectInTable(vectors, name)
        const query = vectorOf('a query')
        const found = await index.search(query, 100)
        const nearest = [...vectors].toSorted(([, a], [, b]) => dot(b, query) - dot(a, query))
        expect(
          found.map(({ content }) => content),
          name,
        ).toEqual(nearest.map(([hash]) => hash))
        return { sequence: index.sequence, vectors }
      },
      close: () => index.close(),
    }
  }

  /** The table has them as float16, and a search takes their scores from elsewhere. */
  async function expectInTable(vectors: ReadonlyMap<ContentHash, UnitVector>, name: string) {
    const table = sql.raw(tableName(SERVING, vectorOf('any').length))
    const found = await rows<{ content: ContentHash; vector: string }>(
      db,
      sql`select encode(content, 'hex') as content, vector::text as vector from ${table}`,
    )
    expect(found.length, name).toBe(vectors.size)
    for (const { content, vector } of found) {
      const exact = vectors.get(content)!
      const differences = (JSON.parse(vector) as number[]).map((x, i) => Math.abs(x - exact[i]!))
      expect(Math.max(...differences), name).toBeLessThan(0.001)
    }
  }

  function follower(name: string, space: VectorSpace): Reader {
    const follows = new Follower(db, space)
    return {
      name,
      space,
      catchUp: async () => (await follows.catchUp(1)) === follows,
      holds: async () => ({ sequence: follows.sequence, vectors: follows.vectors }),
      close: async () => {},
    }
  }

  async function follow(reader: Reader, writing: Promise<unknown>, seed: number) {
    const label = `seed ${seed}: ${reader.name}`
    let isOver = false
    const over = () => (isOver = true)
    writing.then(over, over)
    while (!isOver) {
      await sleep(Math.random() * 100)
      expect(await reader.catchUp(), label).toBe(true)
    }
    expect(await reader.catchUp(), label).toBe(true)
  }

  async function expectStore(readers: readonly Reader[], space: VectorSpace, seed: number) {
    const there = await db
      .selectDistinct({ content: paths.content })
      .from(paths)
      .where(isNull(paths.missingSince))
    const contents = there.map(({ content }) => content)
    const truth = await findVectors(db, space, contents)
    const feed = await feedState(db, space)
    const rebuilt = await new Follower(db, space).catchUp()
    expect(rebuilt.vectors, `seed ${seed}: one that begins now`).toEqual(truth)
    for (const reader of readers) {
      const label = `seed ${seed}: ${reader.name}`
      const { sequence, vectors } = await reader.holds()
      expect(vectors, label).toEqual(truth)
      expect({ sequence, count: vectors.size }, label).toEqual(feed)
    }
  }
})
