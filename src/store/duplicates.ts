// Rows for finding duplicates, in the order of the hashes and a slice of them at a time.
import { and, asc, gt, isNull, sql } from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import type { Database } from './database.ts'
import { hashSlices } from './hash-slices.ts'
import { contents, paths } from './schema.ts'

/** What near copies are told by. */
export interface Fingerprint {
  readonly hash: ContentHash
  readonly perceptualHash: string
  readonly thumbHash: Uint8Array
  readonly widthPx: number
  readonly heightPx: number
}

/** Contents that lie at two or more places, behind `after`, at most `limit`. */
export async function listCopies(
  db: Database,
  after: ContentHash | undefined,
  limit: number,
): Promise<ContentHash[]> {
  const found: ContentHash[] = []
  for (const slice of hashSlices(paths.content, after)) {
    const rows = await db
      .select({ content: paths.content })
      .from(paths)
      .where(and(isNull(paths.missingSince), slice))
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
  for (const slice of hashSlices(contents.hash)) {
    yield await db
      .select({
        hash: contents.hash,
        perceptualHash: contents.perceptualHash,
        thumbHash: contents.thumbHash,
        widthPx: contents.widthPx,
        heightPx: contents.heightPx,
      })
      .from(contents)
      .where(
        and(
          slice,
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
