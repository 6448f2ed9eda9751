// How many pictures there are of each kind, among those that pass a filter.
import { and, asc, type SQL, sql } from 'drizzle-orm'
import { folderRange } from '../core/folder-range.ts'
import { separatorOf } from '../core/place.ts'
import { type Database, rows } from './database.ts'
import {
  CAMERA_NAME,
  countMatching,
  ofPath,
  ofPicture,
  ORIENTATION,
  type Orientation,
  passes,
  type PictureFilter,
} from './filters.ts'
import { below } from './paths.ts'
import { contents, paths, roots } from './schema.ts'

/** One value with the number of pictures that have it; null stands for unknown. */
export interface FacetCount<T> {
  readonly value: T
  readonly count: number
}

/** Counts of distinct pictures. */
export interface Facets {
  /** Pictures that pass the filter. */
  readonly pictures: number
  /** Of the date taken, newest first; the others by count. */
  readonly year: readonly FacetCount<number | null>[]
  readonly format: readonly FacetCount<string>[]
  /** Make and model. */
  readonly camera: readonly FacetCount<string | null>[]
  readonly lens: readonly FacetCount<string | null>[]
  /** Indexed folders. */
  readonly root: readonly FacetCount<string>[]
  /** Folders directly below the indexed ones, each with all that lies below it. */
  readonly folder: readonly FacetCount<string>[]
  readonly orientation: readonly FacetCount<Orientation>[]
  readonly gps: readonly FacetCount<boolean>[]
  /** As the files say of themselves. */
  readonly generated: readonly FacetCount<boolean>[]
}

/** Counts what passes the filter by everything that can be filtered by. */
export async function countFacets(db: Database, filter: PictureFilter): Promise<Facets> {
  const count = async <T>(value: SQL): Promise<FacetCount<T>[]> =>
    rows(
      db,
      sql`select ${value} as value, count(*)::int as count
          from ${contents} where ${passes(filter)} group by 1`,
    )
  const [year, format, camera, lens, orientation, gps, generated] = [
    await count<number | null>(sql`extract(year from ${contents.takenAt})::int`),
    await count<string>(sql`${contents.format}`),
    await count<string | null>(CAMERA_NAME),
    await count<string | null>(sql`${contents.lens}`),
    await count<Orientation>(ORIENTATION),
    await count<boolean>(sql`${contents.latitude} is not null`),
    await count<boolean>(sql`${contents.generated}`),
  ]
  return {
    pictures: await countMatching(db, filter),
    year: year.sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity)),
    format: format.sort(mostFirst),
    camera: camera.sort(mostFirst),
    lens: lens.sort(mostFirst),
    ...(await countPlaces(db, filter)),
    orientation: orientation.sort(mostFirst),
    gps: gps.sort(mostFirst),
    generated: generated.sort(mostFirst),
  }
}

/** By root and by first folder below it; a picture counts once in each place where it passes. */
async function countPlaces(
  db: Database,
  filter: PictureFilter,
): Promise<Pick<Facets, 'root' | 'folder'>> {
  const root: FacetCount<string>[] = []
  const folder: FacetCount<string>[] = []
  for (const { path } of await db
    .select({ path: roots.path })
    .from(roots)
    .orderBy(asc(roots.path))) {
    const prefix = folderRange(path).after
    const sep = separatorOf(path)
    const rest = sql`substr(${paths.path}, length(${prefix}::text) + 1)`
    const first = sql`case when strpos(${rest}, ${sep}) > 0 then split_part(${rest}, ${sep}, 1) end`
    const placed = sql`(select ${contents.hash} as hash, ${first} as name
      from ${contents} join ${paths} on ${paths.content} = ${contents.hash}
      where ${and(ofPicture(filter), ofPath(filter), below(paths.path, path))}) placed`
    const found = await rows<{ name: string | null; total: boolean; count: number }>(
      db,
      sql`select name, false as total, count(distinct hash)::int as count from ${placed} group by name
          union all
          select null, true, count(distinct hash)::int from ${placed}`,
    )
    for (const { name, total, count } of found) {
      if (total && count > 0) root.push({ value: path, count })
      if (!total && name !== null) folder.push({ value: prefix + name, count })
    }
  }
  return { root: root.sort(mostFirst), folder: folder.sort(mostFirst) }
}

function mostFirst(a: FacetCount<unknown>, b: FacetCount<unknown>): number {
  return b.count - a.count || (String(a.value) < String(b.value) ? -1 : 1)
}
