// The index that answers searches, while the database is away for a moment.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLiveIndex } from '../../src/live-index.ts'
import { hnswAvailable } from '../../src/search/hnsw-index.ts'
import type { Database } from '../../src/store/database.ts'
import { writeBatch } from '../../src/store/pictures.ts'
import { describeDatabase } from '../helpers/database.ts'
import { hashOf, sharedDatabase, storedFile, vectorOf } from '../helpers/shared-store.ts'

const SPACE = { model: 'noise', recipe: 'none' }
const kind = (await hnswAvailable()) ? 'hnsw' : 'exact'

/** Fails at one of the raw statements to come. */
function failing(db: Database, at: number): Database {
  let statements = 0
  return new Proxy(db, {
    get(target, key) {
      const value = Reflect.get(target, key) as unknown
      if (typeof value !== 'function') return value
      if (key === 'execute' && ++statements === at) {
        return async () => {
          throw new Error('Connection terminated unexpectedly')
        }
      }
      return value.bind(target)
    },
  })
}

describeDatabase('the live index', (newPlace) => {
  const store = sharedDatabase(newPlace)

  // So many statements does an index need that is found to be wrong and built anew.
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('answers again after statement %i has failed', async (at) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'lucida-live-'))
    try {
      const write = (name: string) =>
        writeBatch(store.db, SPACE, { files: [storedFile(name)], failures: [] })
      await write('a')
      const identity = { storeId: 'any', ...SPACE, dimension: vectorOf('a').length }
      const options = { identity, kind, dataDir, quietSince: () => null } as const
      let db = store.db
      const live = openLiveIndex({
        ...options,
        db: new Proxy(store.db, { get: (_, key) => Reflect.get(db, key) as unknown }),
      })
      const index = await live.current()
      // It holds what it should not, and notices when something changes.
      await index.apply([{ content: hashOf('x'), vector: vectorOf('x') }], index.sequence)
      await write('b')
      db = failing(store.db, at)
      await live.current().catch(() => {})
      db = store.db
      const found = await (await live.current()).search(vectorOf('a'), 10)
      expect(found.map(({ content }) => content).toSorted()).toEqual(
        [hashOf('a'), hashOf('b')].toSorted(),
      )
      await live.opened!.close()
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})
