// Metadata filters as SQL: which pictures are wanted, in what order, and how many of each kind.
// A picture passes when it has a path that is there; conditions on its place are met by any of them.
import {
  and,
  eq,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  not,
  or,
  type SQL,
  sql,
} from 'drizzle-orm'
import type { ContentHash } from '../core/hash.ts'
import { type Database, rows } from './database.ts'
import { below } from './paths.ts'
import { contents, paths } from './schema.ts'

/** Conditions on a picture; all that are given must hold. */
export interface PictureFilter {
  /** One path lies below each of these folders. */
  readonly folders?: readonly string[] | undefined
  /** That path lies below none of these. */
  readonly outside?: readonly string[] | undefined
  readonly formats?: readonly string[] | undefined
  /** Wall time `YYYY-MM-DDTHH:mm:ss`, inclusive. */
  readonly takenFrom?: string | undefined
  /** Wall time, exclusive. */
  readonly takenBefore?: string | undefined
  /** Part of make and model; upper and lower case (of ASCII) are the same. */
  readonly camera?: string | undefined
  readonly lens?: string | undefined
  readonly near?: Circle | undefined
  readonly box?: Box | undefined
  readonly hasGps?: boolean | undefined
  readonly orientation?: Orientation | undefined
  readonly minWidthPx?: number | undefined
  readonly minHeightPx?: number | undefined
  /** Whether the file says that a trained algorithm made it. */
  readonly generated?: boolean | undefined
  /** One of these. */
  readonly contents?: readonly ContentHash[] | undefined
}

/** By upright size. */
export type Orientation = 'landscape' | 'portrait' | 'square'

/** All places within a great-circle distance of a point, in degrees. */
export interface Circle {
  readonly latitude: number
  readonly longitude: number
  readonly radiusKm: number
}

/** Degrees, edges included; it crosses the antimeridian when `west` is greater than `east`. */
export interface Box {
  readonly south: number
  readonly west: number
  readonly north: number
  readonly east: number
}

/** Where a listing by date goes on: behind this picture. */
export interface DatePosition {
  readonly takenAt: string | null
  readonly hash: ContentHash
}

/** Mean radius of the earth in km (IUGG); the ellipsoid is within 0.6 % of this sphere. */
const EARTH_RADIUS_KM = 6371.0088

/** The pictures that pass, in no order. */
export async function findMatching(db: Database, filter: PictureFilter): Promise<Set<ContentHash>> {
  const hashes = sql`select ${contents.hash} as hash from ${contents} where ${passes(filter)}`
  return new Set(
    await readHashes(db, sql`select string_agg(hash, ''::bytea) as packed from (${hashes}) h`),
  )
}

/** The pictures that pass, newest first, those without a date last; `after` goes on behind one. */
export async function findMatchingByDate(
  db: Database,
  filter: PictureFilter,
  { after, limit }: { after?: DatePosition | undefined; limit?: number } = {},
): Promise<ContentHash[]> {
  const ordered = sql`
    select ${contents.hash} as hash, row_number() over (order by ${BY_DATE}) as position
    from ${contents} where ${and(passes(filter), after && isBehind(after))}
    order by position ${limit === undefined ? sql`` : sql`limit ${limit}`}`
  return readHashes(
    db,
    sql`select string_agg(hash, ''::bytea order by position) as packed from (${ordered}) h`,
  )
}

/** How many pictures pass. */
export async function countMatching(db: Database, filter: PictureFilter): Promise<number> {
  const [row] = await rows<{ n: number }>(
    db,
    sql`select count(*)::int as n from ${contents} where ${passes(filter)}`,
  )
  return row!.n
}

/** Condition on a row of `contents`: it is visible and passes. */
export function passes(filter: PictureFilter): SQL {
  const placed = sql`exists (select 1 from ${paths} where ${paths.content} = ${contents.hash} and ${ofPath(filter)})`
  return and(placed, ofPicture(filter))!
}

export function ofPath({ folders = [], outside = [] }: PictureFilter): SQL {
  return and(
    isNull(paths.missingSince),
    ...folders.map((folder) => below(paths.path, folder)),
    ...outside.map((folder) => not(below(paths.path, folder)!)),
  )!
}

export function ofPicture(filter: PictureFilter): SQL | undefined {
  const { formats, takenFrom, takenBefore, camera, lens, near, box, orientation } = filter
  const { minWidthPx, minHeightPx, hasGps, generated, contents: among } = filter
  return and(
    formats && inArray(contents.format, [...formats]),
    takenFrom !== undefined ? gte(contents.takenAt, takenFrom) : undefined,
    takenBefore !== undefined ? lt(contents.takenAt, takenBefore) : undefined,
    camera !== undefined ? holds(MAKE_AND_MODEL, camera) : undefined,
    lens !== undefined ? holds(sql`${contents.lens}`, lens) : undefined,
    near && isNear(near),
    box && isInside(box),
    hasGps !== undefined ? (hasGps ? isNotNull : isNull)(contents.latitude) : undefined,
    orientation && eq(ORIENTATION, orientation),
    minWidthPx !== undefined ? gte(contents.widthPx, minWidthPx) : undefined,
    minHeightPx !== undefined ? gte(contents.heightPx, minHeightPx) : undefined,
    generated !== undefined ? eq(contents.generated, generated) : undefined,
    among && isAmong(among),
  )
}

/** One parameter, however many they are. */
function isAmong(hashes: readonly ContentHash[]): SQL {
  if (hashes.length === 0) return sql`false`
  return sql`${contents.hash} in (
    select decode(one, 'hex') from unnest(string_to_array(${hashes.join(',')}::text, ',')) one)`
}

const MAKE_AND_MODEL = sql`concat_ws(' ', ${contents.cameraMake}, ${contents.cameraModel})`

/** Many models begin with the make. What is shown here is found by the filter. */
export const CAMERA_NAME = sql`case
  when strpos(lower(${contents.cameraModel}), lower(${contents.cameraMake})) = 1 then ${contents.cameraModel}
  else nullif(${MAKE_AND_MODEL}, '') end`

export const ORIENTATION = sql`case
  when ${contents.widthPx} > ${contents.heightPx} then 'landscape'
  when ${contents.widthPx} < ${contents.heightPx} then 'portrait'
  else 'square' end`

const BY_DATE = sql`${contents.takenAt} desc nulls last, ${contents.hash}`

function isBehind({ takenAt, hash }: DatePosition): SQL {
  const laterHash = sql`${contents.hash} > decode(${hash}, 'hex')`
  if (takenAt === null) return and(isNull(contents.takenAt), laterHash)!
  return or(
    lt(contents.takenAt, takenAt),
    and(eq(contents.takenAt, takenAt), laterHash),
    isNull(contents.takenAt),
  )!
}

/** The same on every engine and in every locale: "C" folds ASCII and nothing else. */
function holds(text: SQL, part: string): SQL {
  return sql`strpos(lower(${text} collate "C"), lower(${part}::text collate "C")) > 0`
}

/** The haversine formula: exact enough at any distance, and blind to poles and antimeridian. */
function isNear({ latitude, longitude, radiusKm }: Circle): SQL {
  const halfChord = sql`
    power(sin(radians((${contents.latitude} - ${latitude}::float8) / 2)), 2)
    + cos(radians(${contents.latitude})) * cos(radians(${latitude}::float8))
      * power(sin(radians((${contents.longitude} - ${longitude}::float8) / 2)), 2)`
  const distance = sql`${2 * EARTH_RADIUS_KM}::float8 * asin(sqrt(least(1, ${halfChord})))`
  // `least` passes over null, so that a picture without a position would be at the far end.
  return and(isNotNull(contents.latitude), sql`${distance} <= ${radiusKm}::float8`)!
}

function isInside({ south, west, north, east }: Box): SQL {
  const { latitude, longitude } = contents
  const [fromWest, toEast] = [gte(longitude, west), lte(longitude, east)]
  const inLongitude = or(
    west <= east ? and(fromWest, toEast) : or(fromWest, toEast),
    // 180° east is 180° west.
    west === -180 ? eq(longitude, 180) : undefined,
    east === 180 ? eq(longitude, -180) : undefined,
    // All meridians meet at a pole.
    inArray(latitude, [90, -90]),
  )
  return and(gte(latitude, south), lte(latitude, north), inLongitude)!
}

/** One value instead of a row each: 50,000 hashes arrive several times as fast. */
async function readHashes(db: Database, packed: SQL): Promise<ContentHash[]> {
  const [row] = await rows<{ hex: string | null }>(
    db,
    sql`select encode(packed, 'hex') as hex from (${packed}) p`,
  )
  const hex = row?.hex ?? ''
  return Array.from({ length: hex.length / HASH_DIGITS }, (_, i) =>
    hex.slice(i * HASH_DIGITS, (i + 1) * HASH_DIGITS),
  )
}

const HASH_DIGITS = 64
