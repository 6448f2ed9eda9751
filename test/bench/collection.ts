// Pictures of all data sets as rows of a store, each with a random number that a filter can go by, and
// captions to search them with; what the benchmarks of filters and of indexes share.
import { sha256, type ContentHash } from '../../src/core/hash.ts'
import { dot, type UnitVector } from '../../src/core/vector.ts'
import type { VectorSpace } from '../../src/store/changes.ts'
import type { Database } from '../../src/store/database.ts'
import { type IndexedFile, writeBatch } from '../../src/store/pictures.ts'
import { refreshStatistics } from '../../src/store/statistics.ts'
import { readRows } from './datasets.ts'
import { sample, seededRandom } from './report.ts'

const PICTURES = 50_000

/** One picture. */
export interface Item {
  readonly set: string
  readonly hash: ContentHash
  readonly vector: UnitVector
  /** A random number in [0, 1), which chooses the pictures of a selectivity. */
  readonly chance: number
}

/** So many of the pictures, and all captions. */
export async function load(
  names: readonly string[],
  embed: (name: string) => Promise<UnitVector[]>,
  pictures = PICTURES,
): Promise<{ items: Item[]; captions: string[] }> {
  const random = seededRandom(7)
  const all: Item[] = []
  const captions: string[] = []
  for (const set of names) {
    for (const [i, vector] of (await embed(set)).entries()) {
      all.push({ set, vector, hash: sha256(`${set}/${i}`), chance: random() })
    }
    for (const row of await readRows(set)) captions.push(...(row.captions ?? []))
  }
  return { items: sample(all, pictures, 43), captions }
}

/** Chance is stored as a width, so that a filter by width passes so many pictures. */
export const widthOf = (chance: number) => 1 + Math.floor((1 - chance) * 1_000_000)

/** Writes them as the indexer would. */
export async function fill(
  db: Database,
  space: VectorSpace,
  items: readonly Item[],
): Promise<void> {
  console.error(`writing ${items.length} pictures`)
  for (let at = 0; at < items.length; at += 1000) {
    const files = items.slice(at, at + 1000).map(fileOf)
    await writeBatch(db, space, { files, failures: [] })
  }
  await refreshStatistics(db)
}

function fileOf({ set, hash, vector, chance }: Item): IndexedFile {
  const file = { path: `/${set}/${hash}.jpg`, sizeBytes: 1, mtimeMs: 0, hash, vector }
  const content = {
    hash,
    format: 'jpeg',
    sizeBytes: 1,
    widthPx: widthOf(chance),
    heightPx: 1000,
    orientation: 1,
    takenAt: new Date(1.7e12 - chance * 1e12).toISOString().slice(0, 19),
    cameraMake: 'NIKON CORPORATION',
    cameraModel: 'NIKON D90',
    thumbHash: Buffer.alloc(25, 1),
    perceptualHash: hash.slice(0, 16),
  }
  return { ...file, content }
}

/** The `k` nearest, best first, for each query. */
export function bruteForce(
  items: readonly Item[],
  queries: readonly UnitVector[],
  k: number,
): ContentHash[][] {
  return queries.map((query) => {
    let best: { hash: ContentHash; score: number }[] = []
    let lowest = -Infinity
    for (const { hash, vector } of items) {
      const score = dot(query, vector)
      if (score <= lowest) continue
      best.push({ hash, score })
      best = best.sort((a, b) => b.score - a.score).slice(0, k)
      if (best.length === k) lowest = best[k - 1]!.score
    }
    return best.map(({ hash }) => hash)
  })
}
