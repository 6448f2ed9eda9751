// Indexes: each equals the store.
import { dirname } from 'node:path'
import type { UnitVector } from '../../src/core/vector.ts'
import { indexesFolder } from '../../src/search/checkpoint.ts'
import { describeIndexFile } from '../../src/search/index-file.ts'
import { openIndexFor } from '../../src/search/open-index.ts'
import { syncIndex } from '../../src/search/sync.ts'
import { findVectors, listVisible } from '../../src/store/pictures.ts'
import { filesBelow, type Found, type Place, withStore } from './look.ts'

/** Every saved index, caught up, holds the store's pictures with the store's vectors. */
export function checkIndexes(place: Place): Promise<Found> {
  return withStore(place, async (db, space) => {
    const there = (await listVisible(db)).map(({ hash }) => hash)
    const truth = await findVectors(db, space, there)
    const violations: string[] = []
    let count = 0
    for (const { name, dataDir } of place.members) {
      const headers = (await filesBelow(indexesFolder(dataDir))).map(dirname)
      for (const directory of new Set(headers)) {
        const described = await describeIndexFile(directory)
        if (!described || described.kind === 'pgvector') continue
        count++
        const index = await openIndexFor({
          kind: described.kind,
          count: truth.size,
          identity: described.identity,
          directory: dirname(directory),
          fresh: false,
        })
        try {
          const isTrue = await syncIndex(db, space, index)
          const held = await index.vectorsOf(there)
          const others = there.filter((hash) => !isSame(held.get(hash), truth.get(hash)))
          if (isTrue && index.size === truth.size && others.length === 0) continue
          violations.push(
            `${name}'s ${described.kind} index has ${index.size} of ${truth.size}, ${others.length} others`,
          )
        } finally {
          await index.close()
        }
      }
    }
    if (count === 0) violations.push('no index was saved')
    return { counts: { 'indexes equal to the store': count }, violations }
  })
}

function isSame(a: UnitVector | undefined, b: UnitVector | undefined): boolean {
  return a !== undefined && b !== undefined && a.every((value, i) => value === b[i])
}
