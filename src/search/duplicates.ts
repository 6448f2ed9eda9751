// Duplicates of three kinds, each group labelled with its own: files with the same content, near copies,
// and pictures that mean the same to the model. Groups come in the order of their first picture's hash.
import type { ContentHash } from '../core/hash.ts'
import { dot, type UnitVector } from '../core/vector.ts'
import { lastSequence } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import { listContents, listCopies, readFingerprints } from '../store/duplicates.ts'
import {
  LOOK_ALIKE_SCORE,
  type Likeness,
  likenessOf,
  type Look,
  lookOf,
  PART_SCORE,
} from './likeness.ts'
import { findNearPairs } from './near-copies.ts'
import type { VectorIndex } from './vector-index.ts'

export type DuplicateKind = 'exact' | 'near' | 'look-alike'

/** Pictures that belong together. */
export interface DuplicateGroup {
  /** The first has the smallest hash; one alone lies at several places. */
  readonly contents: readonly ContentHash[]
  /** Of each to the first: 1, the share of equal bits or the correlation, or the cosine. */
  readonly similarity: readonly number[]
}

/** Part of the groups. */
export interface DuplicatePage {
  readonly groups: readonly DuplicateGroup[]
  /** Pass as `after` for what follows; `null` at the end. */
  readonly next: ContentHash | null
}

export interface DuplicateOptions {
  readonly after?: ContentHash | undefined
  readonly limit: number
  /** Cosine from which pictures are look-alikes; 0.95 when not given. */
  readonly minScore?: number | undefined
}

/** Finds duplicates. */
export type FindDuplicates = (
  kind: DuplicateKind,
  options: DuplicateOptions,
) => Promise<DuplicatePage>

/** Searches of the index for one page: half a second on a graph, at most three on a scan. */
const MAX_SEARCHES = 200
const NEIGHBOURS = 50

/** Over a database and its index. Near hashes are found once, until something changes. */
export function openDuplicates(db: Database, index: () => Promise<VectorIndex>): FindDuplicates {
  let known: { sequence: number; found: Promise<Looks> } | undefined

  async function looks(): Promise<Looks> {
    const sequence = await lastSequence(db)
    if (known?.sequence !== sequence) {
      const fresh = { sequence, found: readLooks(db) }
      // A failure is not remembered.
      fresh.found.catch(() => (known = undefined))
      known = fresh
    }
    return known.found
  }

  return async (kind, options) => {
    if (kind === 'exact') return exactPage(db, options)
    const pictures = await listContents(db, options.after, MAX_SEARCHES)
    return likenessPage(pictures, await index(), await looks(), { ...options, kind })
  }
}

async function exactPage(db: Database, { after, limit }: DuplicateOptions): Promise<DuplicatePage> {
  const found = await listCopies(db, after, limit + 1)
  const groups = found.slice(0, limit).map((hash) => ({ contents: [hash], similarity: [1] }))
  return { groups, next: found.length > limit ? found[limit - 1]! : null }
}

/** What all pictures look like, and which hashes are near each other. */
export interface Looks {
  readonly of: ReadonlyMap<ContentHash, Look>
  readonly nearHashes: ReadonlyMap<ContentHash, ReadonlySet<ContentHash>>
}

async function readLooks(db: Database): Promise<Looks> {
  const all = new Map<ContentHash, Look>()
  for await (const slice of readFingerprints(db)) {
    for (const { hash, ...stored } of slice) all.set(hash, lookOf(hash, stored))
  }
  return pairLooks(all)
}

/** Compares the hashes of all. */
export async function pairLooks(of: ReadonlyMap<ContentHash, Look>): Promise<Looks> {
  const nearHashes = new Map<ContentHash, Set<ContentHash>>()
  const link = (from: ContentHash, to: ContentHash) => {
    const links = nearHashes.get(from)
    if (links) links.add(to)
    else nearHashes.set(from, new Set([to]))
  }
  for (const { a, b } of await findNearPairs(
    [...of.values()].flatMap(({ print }) => print ?? []),
  )) {
    link(a, b)
    link(b, a)
  }
  return { of, nearHashes }
}

/**
 * Asks the index about one picture after the other. A group is a picture with those behind it that
 * no earlier group shows: every pair is in exactly one group, and a chain does not become one large
 * group. Goes on in the next page where that takes long.
 */
export async function likenessPage(
  pictures: readonly ContentHash[],
  index: VectorIndex,
  looks: Looks,
  { kind, limit, minScore }: DuplicateOptions & { readonly kind: Likeness['kind'] },
): Promise<DuplicatePage> {
  const vectors = await index.vectorsOf(pictures)
  const groups: DuplicateGroup[] = []
  for (const first of pictures) {
    const group = await groupOf(first, vectors.get(first))
    if (group) groups.push(group)
    if (groups.length === limit) return { groups, next: first }
  }
  return { groups, next: pictures.length === MAX_SEARCHES ? pictures.at(-1)! : null }

  async function groupOf(
    first: ContentHash,
    vector: UnitVector | undefined,
  ): Promise<DuplicateGroup | null> {
    const near = looks.nearHashes.get(first) ?? new Set()
    const hits = vector ? await index.search(vector, NEIGHBOURS) : []
    const least = kind === 'near' ? PART_SCORE : (minScore ?? LOOK_ALIKE_SCORE)
    const alike = hits.filter(({ content, score }) => score >= least && !near.has(content))
    const around = [...near, ...alike.map(({ content }) => content)]
    if (!around.some((content) => content > first)) return null
    const known = await index.vectorsOf(around)
    if (vector) known.set(first, vector)

    const relate = (a: ContentHash, b: ContentHash): number | null => {
      const [lookA, lookB] = [looks.of.get(a), looks.of.get(b)]
      const [vectorA, vectorB] = [known.get(a), known.get(b)]
      const cosine = vectorA && vectorB && dot(vectorA, vectorB)
      const likeness = lookA && lookB && likenessOf(lookA, lookB, cosine, minScore)
      return likeness?.kind === kind ? likeness.similarity : null
    }

    const linked = around.flatMap((content) => {
      const similarity = content === first ? null : relate(first, content)
      return similarity === null ? [] : [{ content, similarity }]
    })
    const before = linked.filter(({ content }) => content < first)
    const behind = linked
      .filter(({ content }) => content > first)
      .filter(({ content }) => !before.some((shown) => relate(shown.content, content) !== null))
      .sort((a, b) => b.similarity - a.similarity || (a.content < b.content ? -1 : 1))
    if (behind.length === 0) return null
    return {
      contents: [first, ...behind.map(({ content }) => content)],
      similarity: [1, ...behind.map(({ similarity }) => similarity)],
    }
  }
}
