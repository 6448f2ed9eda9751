// Duplicates of three kinds, each found in its own way: files with the same content, near copies, and
// pictures that mean the same to the model. Groups come in the order of their first picture's hash.
import type { ContentHash } from '../core/hash.ts'
import { dot, type UnitVector } from '../core/vector.ts'
import { lastSequence } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import { listContents, listCopies, readFingerprints } from '../store/duplicates.ts'
import { findNearPairs, nearBits, type NearPair, type Print, printOf } from './near-copies.ts'
import type { VectorIndex } from './vector-index.ts'

export type DuplicateKind = 'exact' | 'near' | 'look-alike'

/** Pictures that belong together. */
export interface DuplicateGroup {
  /** The first has the smallest hash; one alone lies at several places. */
  readonly contents: readonly ContentHash[]
  /** Of each to the first: 1, the share of equal bits, or the cosine. */
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
  /** Cosine from which pictures are look-alikes. */
  readonly minScore?: number | undefined
}

/** Finds duplicates. */
export type FindDuplicates = (
  kind: DuplicateKind,
  options: DuplicateOptions,
) => Promise<DuplicatePage>

const HASH_BITS = 64
const LOOK_ALIKE_SCORE = 0.95
/** Searches of the index for one page: half a second on a graph, at most three on a scan. */
const MAX_SEARCHES = 200
const NEIGHBOURS = 50

/** Over a database and its index. Near pairs are found once, until something changes. */
export function openDuplicates(db: Database, index: () => Promise<VectorIndex>): FindDuplicates {
  let near: { sequence: number; found: Promise<NearCopies> } | undefined

  async function nearCopies(): Promise<NearCopies> {
    const sequence = await lastSequence(db)
    if (near?.sequence !== sequence) {
      const fresh = { sequence, found: findNearCopies(db) }
      // A failure is not remembered.
      fresh.found.catch(() => (near = undefined))
      near = fresh
    }
    return near.found
  }

  return async (kind, options) => {
    if (kind === 'exact') return exactPage(db, options)
    if (kind === 'near') return nearPage(await nearCopies(), options)
    return lookAlikePage(db, await index(), await nearCopies(), options)
  }
}

async function exactPage(db: Database, { after, limit }: DuplicateOptions): Promise<DuplicatePage> {
  const found = await listCopies(db, after, limit + 1)
  const groups = found.slice(0, limit).map((hash) => ({ contents: [hash], similarity: [1] }))
  return { groups, next: found.length > limit ? found[limit - 1]! : null }
}

interface NearCopies {
  readonly prints: ReadonlyMap<ContentHash, Print>
  readonly groups: readonly DuplicateGroup[]
}

async function findNearCopies(db: Database): Promise<NearCopies> {
  const prints = new Map<ContentHash, Print>()
  for await (const slice of readFingerprints(db)) {
    for (const { hash, perceptualHash, widthPx, heightPx } of slice) {
      const print = printOf(hash, perceptualHash, widthPx, heightPx)
      if (print) prints.set(hash, print)
    }
  }
  return { prints, groups: groupPairs(await findNearPairs([...prints.values()])) }
}

/**
 * Pairs as groups: a picture with those behind it, except pairs that an earlier group shows
 * already. So every pair is in exactly one group, and a chain does not become one large group.
 */
function groupPairs(pairs: readonly NearPair[]): DuplicateGroup[] {
  const near = new Map<ContentHash, Map<ContentHash, number>>()
  const link = (from: ContentHash, to: ContentHash, bits: number) => {
    const links = near.get(from)
    if (links) links.set(to, bits)
    else near.set(from, new Map([[to, bits]]))
  }
  for (const { a, b, bits } of pairs) {
    link(a, b, bits)
    link(b, a, bits)
  }
  return [...near.keys()].sort().flatMap((first) => {
    const around = near.get(first)!
    const before = [...around.keys()].filter((id) => id < first)
    const behind = [...around].filter(
      ([id]) => id > first && !before.some((shown) => near.get(shown)!.has(id)),
    )
    if (behind.length === 0) return []
    behind.sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1))
    return {
      contents: [first, ...behind.map(([id]) => id)],
      similarity: [1, ...behind.map(([, bits]) => 1 - bits / HASH_BITS)],
    }
  })
}

function nearPage({ groups }: NearCopies, { after, limit }: DuplicateOptions): DuplicatePage {
  const rest = after === undefined ? groups : groups.filter(({ contents }) => contents[0]! > after)
  const page = rest.slice(0, limit)
  return { groups: page, next: rest.length > limit ? page.at(-1)!.contents[0]! : null }
}

/** Asks the index about one picture after the other; goes on in the next page where that is long. */
async function lookAlikePage(
  db: Database,
  index: VectorIndex,
  { prints }: NearCopies,
  { after, limit, minScore = LOOK_ALIKE_SCORE }: DuplicateOptions,
): Promise<DuplicatePage> {
  const pictures = await listContents(db, after, MAX_SEARCHES)
  const vectors = await index.vectorsOf(pictures)
  const groups: DuplicateGroup[] = []
  for (const first of pictures) {
    const vector = vectors.get(first)
    const group = vector && (await lookAlikesOf(index, prints, { id: first, vector }, minScore))
    if (group) groups.push(group)
    if (groups.length === limit) return { groups, next: first }
  }
  return { groups, next: pictures.length === MAX_SEARCHES ? pictures.at(-1)! : null }
}

async function lookAlikesOf(
  index: VectorIndex,
  prints: ReadonlyMap<ContentHash, Print>,
  first: { readonly id: ContentHash; readonly vector: UnitVector },
  minScore: number,
): Promise<DuplicateGroup | null> {
  const around = (await index.search(first.vector, NEIGHBOURS)).filter(
    ({ content, score }) => score >= minScore && content !== first.id,
  )
  if (!around.some(({ content }) => content > first.id)) return null
  const vectors = await index.vectorsOf(around.map(({ content }) => content))
  const before = around.filter(({ content }) => content < first.id)
  const isShown = (content: ContentHash) =>
    before.some((one) => dot(vectors.get(one.content)!, vectors.get(content)!) >= minScore)
  const isNear = (content: ContentHash) => {
    const [a, b] = [prints.get(first.id), prints.get(content)]
    return a !== undefined && b !== undefined && nearBits(a, b) !== null
  }
  const behind = around.filter(
    ({ content }) =>
      content > first.id && vectors.has(content) && !isShown(content) && !isNear(content),
  )
  if (behind.length === 0) return null
  return {
    contents: [first.id, ...behind.map(({ content }) => content)],
    similarity: [1, ...behind.map(({ score }) => Math.min(1, score))],
  }
}
