import { expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { hnswAvailable, openHnswIndex } from '../../src/search/hnsw-index.ts'
import { vectorOf } from '../helpers/shared-store.ts'

test.runIf(await hnswAvailable())('a graph closes after the searches under way', async () => {
  const identity = { storeId: 's', model: 'm', recipe: 'r', dimension: 8 }
  const index = await openHnswIndex({ identity })
  const names = Array.from({ length: 1000 }, (_, i) => `picture ${i}`)
  const changes = names.map((name) => ({ content: sha256(name), vector: vectorOf(name) }))
  await index.apply(changes, 1)
  const searches = names.slice(0, 100).map((name) => index.search(vectorOf(name), 50))
  await index.close()
  const found = await Promise.all(searches)
  expect(found.map(({ length }) => length)).toEqual(found.map(() => 50))
})
