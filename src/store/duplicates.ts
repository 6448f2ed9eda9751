// Rows for finding duplicates, in the order of the hashes and a slice of them at a time: hashes are
// spread evenly, so that no statement holds others up for long, however many pictures there are.
import { and, asc, gt, isNull, lt, sql } from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import type { Database } from './database.ts'
import { contents, paths } from './schema.ts'

/** What near copies are told by. */
export interface Fingerprint {
  readonly hash: ContentHash
  readonly perceptualHash: string
  readonly widthPx: number
  readonly heightPx: number
}

/** About 1,600 of 100,000 pictures each. */
const SLICES = 64
const HASH_DIGITS = 64

/** The bounds of the slices that lie behind `after`, ends excluded and included. */
function* slicesBehind(after: ContentHash | undefined) {
  for (let i = 0; i < SLICES; i++) {
    const end = ((i + 1) * 4).toString(16).padStart(2, '0').padEnd(HASH_DIGITS, '0')
    const isLast = i === SLICES - 1
    if (after !== undefined && !isLast && after >= end) continue
    const start = (i * 4).toString(16).padStart(2, '0').padEnd(HASH_DIGITS, '0')
    yield { from: after !== undefined && after > start ? after : start, isLast, end }
  }
}

/** Contents that lie at two or more places, behind `after`, at most `limit`. */
export async function listCopies(
  db: Database,
  after: ContentHash | undefined,
  limit: number,
): Promise<ContentHash[]> {
  const found: ContentHash[] = []
  for (const { from, end, isLast } of slicesBehind(after)) {
    const rows = await db
      .select({ content: paths.content })
      .from(paths)
      .where(
        and(
          isNull(paths.missingSince),
          gt(paths.content, from),
          isLast ? undefined : lt(paths.content, end),
        ),
      )
      .groupBy(paths.content)
      .having(sql`count(*) > 1`)
      .orderBy(asc(paths.content))
      .limit(limit - found.length)
    found.push(...rows.map(({ content }) => content))
    if (found.length >= limit) break
  }
  return found
}

/** All pictures that are there. */
export async function* readFingerprints(db: Database): AsyncGenerator<Fingerprint[]> {
  for (const { from, end, isLast } of slicesBehind(undefined)) {
    yield await db
      .select({
        hash: contents.hash,
        perceptualHash: contents.perceptualHash,
        widthPx: contents.widthPx,
        heightPx: contents.heightPx,
      })
      .from(contents)
      .where(
        and(
          gt(contents.hash, from),
          isLast ? undefined : lt(contents.hash, end),
          sql`exists (select 1 from ${paths} where ${paths.content} = ${contents.hash} and ${paths.missingSince} is null)`,
        ),
      )
      .orderBy(asc(contents.hash))
  }
}

/** Contents that are there, behind `after`, at most `limit`. */
export async function listContents(
  db: Database,
  after: ContentHash | undefined,
  limit: number,
): Promise<ContentHash[]> {
  const rows = await db
    .selectDistinct({ content: paths.content })
    .from(paths)
    .where(
      and(isNull(paths.missingSince), after === undefined ? undefined : gt(paths.content, after)),
    )
    .orderBy(asc(paths.content))
    .limit(limit)
  return rows.map(({ content }) => content)
}
