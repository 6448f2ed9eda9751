// What an index must hold, as the store says, and what one that came as far as some number of the feed
// holds instead. What has changed since does not count: the index learns of it at its next use.
import { sql } from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import { dot, type UnitVector } from '../core/vector.ts'
import { lastSequenceOf, type VectorSpace } from '../store/changes.ts'
import { type Database, rows } from '../store/database.ts'
import { findVectors } from '../store/pictures.ts'
import { hashes } from '../store/vector-table.ts'

/** An index or a table, as it is. */
export interface Held {
  readonly sequence: number
  readonly contents: ReadonlySet<ContentHash>
  /** Null where its vectors cannot be read here. */
  readonly vectorsOf:
    | ((contents: readonly ContentHash[]) => Promise<ReadonlyMap<ContentHash, UnitVector>>)
    | null
}

const PAGE = 20_000
/** Vectors that are compared: all of a small collection, of a large one those of the first hashes. */
const SAMPLE = 1000
/** Above what rounding to 16 bits leaves of it. */
const LEAST_COSINE = 0.999

/** How the index differs from the store, in words; null when it does not. */
export async function differenceOf(
  db: Database,
  space: VectorSpace,
  held: Held,
): Promise<string | null> {
  if (held.sequence > (await lastSequenceOf(db, space))) return 'it is ahead of the change feed'
  const unseen = new Set(held.contents)
  const sample: ContentHash[] = []
  let missing = 0
  let extra = 0
  for await (const { hash, sequence, shown } of readFeed(db, space)) {
    const isHeld = unseen.delete(hash)
    if (sequence > held.sequence) continue
    if (shown && !isHeld) missing++
    if (!shown && isHeld) extra++
    if (shown && isHeld && sample.length < SAMPLE) sample.push(hash)
  }
  extra += unseen.size
  if (missing + extra > 0) return `it lacks ${missing} pictures and has ${extra} too many`
  const other = await countOther(db, space, held, sample)
  return other > 0 ? `${other} of ${sample.length} vectors are others than in the store` : null
}

async function countOther(
  db: Database,
  space: VectorSpace,
  { vectorsOf, sequence }: Held,
  sample: readonly ContentHash[],
): Promise<number> {
  if (!vectorsOf) return 0
  const [theirs, ours] = [await vectorsOf(sample), await findVectors(db, space, sample)]
  const other = sample.filter((hash) => {
    const [a, b] = [theirs.get(hash), ours.get(hash)]
    return !a || !b || a.length !== b.length || !(dot(a, b) >= LEAST_COSINE)
  })
  // What has come, changed or gone since the feed was read does not count.
  const now = other.length > 0 ? await readFeedOf(db, space, other) : []
  return now.filter((row) => row.shown && row.sequence <= sequence).length
}

interface FeedRow {
  readonly hash: ContentHash
  readonly sequence: number
  readonly shown: boolean
}

/** The state of every content that the feed knows, in the order of their hashes. */
async function* readFeed(db: Database, space: VectorSpace): AsyncGenerator<FeedRow> {
  for (let last = ''; ; ) {
    const page = await rows<FeedRow>(
      db,
      sql`${feedRows(space)}
        where c.content > decode(${last}, 'hex') order by c.content limit ${PAGE}`,
    )
    yield* page
    if (page.length < PAGE) return
    last = page.at(-1)!.hash
  }
}

/** The state of some contents, as it is now. */
function readFeedOf(
  db: Database,
  space: VectorSpace,
  contents: readonly ContentHash[],
): Promise<FeedRow[]> {
  return rows<FeedRow>(db, sql`${feedRows(space)} where c.content in ${hashes(contents)}`)
}

function feedRows({ model, recipe }: VectorSpace) {
  return sql`select encode(c.content, 'hex') as hash,
      greatest(c.seq, coalesce(e.seq, 0))::float8 as sequence,
      c.op = 'put' and e.recipe is not distinct from ${recipe} as shown
    from changes c left join embeddings e on e.content = c.content and e.model = ${model}`
}
