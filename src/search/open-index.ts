// Decides which index serves a collection, and where its files lie.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openExactIndex } from './exact-index.ts'
import { hnswAvailable, openHnswIndex } from './hnsw-index.ts'
import type { IndexIdentity, VectorIndex } from './vector-index.ts'

/**
 * Numbers that an exact scan reads for one query before a graph is worth its memory and building
 * time: 16 million are about 16 ms on one core (`npm run bench -- index-quality`).
 */
const EXACT_UP_TO = 16_000_000

/** Opens the index that suits `count` vectors; `fresh` throws away what was saved. */
export async function openIndexFor(wanted: {
  readonly kind: 'auto' | 'exact' | 'hnsw'
  readonly count: number
  readonly identity: IndexIdentity
  readonly directory: string
  readonly fresh: boolean
}): Promise<VectorIndex> {
  const { identity, count } = wanted
  const large = count * identity.dimension > EXACT_UP_TO
  const kind =
    wanted.kind !== 'auto' ? wanted.kind : large && (await hnswAvailable()) ? 'hnsw' : 'exact'
  const directory = join(wanted.directory, kind)
  if (wanted.fresh) await rm(directory, { recursive: true, force: true })
  return kind === 'hnsw'
    ? openHnswIndex({ identity, directory })
    : openExactIndex({ identity, directory })
}
