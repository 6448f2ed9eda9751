// Metadata filters as a caller writes them: checked, and turned into what the store understands.
import { z } from 'zod'
import { invalidInput } from '../core/errors.ts'
import { folderRange } from '../core/folder-range.ts'
import { CONCEPT_NAME } from '../core/concept-name.ts'
import { firstMoment, PARTIAL_DATE } from '../core/wall-time.ts'
import type { PictureFilter } from '../store/filters.ts'

/** The message of each rule is what it expects, for `invalidInput`. */
const text = z.string('a text').trim().min(1, 'a text that is not empty')
/** As it is: a name may begin or end with a space. */
const folderPath = z
  .string('a text')
  .refine((value) => value.trim() !== '', 'a text that is not empty')
const degrees = (limit: number) => {
  const expected = `degrees between -${limit} and ${limit}`
  return z.number(expected).min(-limit, expected).max(limit, expected)
}
const pixels = z.int('a whole number of pixels').min(1, 'a whole number of pixels')
const date = z
  .string(PARTIAL_DATE)
  .refine((value) => firstMoment(value) !== null, PARTIAL_DATE)
  .transform((value) => firstMoment(value)!)
const radius = 'kilometres, 0 or more'
const probability = 'a probability between 0 and 1'

const schema = z.strictObject({
  root: folderPath.optional(),
  folder: folderPath.optional(),
  format: z
    .union(
      [text.transform((one) => [one]), z.array(text).min(1, 'one or more names')],
      'one or more names',
    )
    .optional(),
  after: date.optional(),
  before: date.optional(),
  camera: text.optional(),
  lens: text.optional(),
  near: z
    .strictObject(
      { latitude: degrees(90), longitude: degrees(180), radiusKm: z.number(radius).min(0, radius) },
      'latitude, longitude and radiusKm',
    )
    .optional(),
  box: z
    .strictObject(
      { south: degrees(90), west: degrees(180), north: degrees(90), east: degrees(180) },
      'south, west, north and east',
    )
    .refine(({ south, north }) => south <= north, 'a south that is not north of the north')
    .optional(),
  gps: z.boolean('true or false').optional(),
  orientation: z
    .enum(['landscape', 'portrait', 'square'], 'landscape, portrait or square')
    .optional(),
  minWidth: pixels.optional(),
  minHeight: pixels.optional(),
  generated: z.enum(['any', 'only', 'none'], 'any, only or none').optional(),
  concept: z
    .strictObject(
      {
        name: z.string('a name').regex(CONCEPT_NAME, 'the name of a concept'),
        atLeast: z.number(probability).min(0, probability).max(1, probability).optional(),
      },
      'name and atLeast',
    )
    .optional(),
})

/**
 * Conditions on a picture's metadata; all that are given must hold. What a picture does not say
 * (a date, a camera, a position) meets no condition on it.
 */
export interface Filter {
  /** An indexed folder: any of the picture's paths lies below it. */
  readonly root?: string | undefined
  /** Any folder: one of the paths (the same one, where `root` is given too) lies below it. */
  readonly folder?: string | undefined
  /** As found in the file, `jpeg` or `png`; one of them when several are given. */
  readonly format?: string | readonly string[] | undefined
  /** Taken at the first moment of this year, month, day or time, or later. Wall time. */
  readonly after?: string | undefined
  /** Taken before the first moment of it: `after` 2020 and `before` 2021 is the year 2020. */
  readonly before?: string | undefined
  /** Part of make and model, in any case. */
  readonly camera?: string | undefined
  /** Part of the lens's name, in any case. */
  readonly lens?: string | undefined
  /** Within so many kilometres of a point in degrees. */
  readonly near?:
    | { readonly latitude: number; readonly longitude: number; readonly radiusKm: number }
    | undefined
  /** Degrees, edges included; crosses the antimeridian when west is greater than east. */
  readonly box?:
    | {
        readonly south: number
        readonly west: number
        readonly north: number
        readonly east: number
      }
    | undefined
  /** Whether the picture says where it was taken. */
  readonly gps?: boolean | undefined
  /** By upright size. */
  readonly orientation?: 'landscape' | 'portrait' | 'square' | undefined
  /** Upright size in pixels, at least. */
  readonly minWidth?: number | undefined
  readonly minHeight?: number | undefined
  /**
   * Pictures that a trained algorithm made, as their files say: `any` takes them with the others,
   * `only` them alone, `none` the others. By default those that Lucida drew itself are left out.
   */
  readonly generated?: 'any' | 'only' | 'none' | undefined
  /** Pictures that probably are one: a concept of one's own, and from which probability (0.5). */
  readonly concept?: { readonly name: string; readonly atLeast?: number | undefined } | undefined
}

/** What people call some formats. */
const ALIASES: Readonly<Record<string, string>> = { jpg: 'jpeg', tif: 'tiff', heif: 'heic' }

/**
 * Checks a filter, all but whether its concept is known, which only the store can tell. Throws `bad_input` that names the key and what it accepts.
 */
export function parseFilter(filter: Filter): PictureFilter {
  const parsed = schema.safeParse(filter)
  if (!parsed.success) {
    const { path, message, code } = parsed.error.issues[0]!
    const name = ['filter', ...path].join('.')
    if (code === 'unrecognized_keys') {
      throw invalidInput(name, `only ${Object.keys(schema.shape).join(', ')}`, filter)
    }
    const value = path.reduce<unknown>((at, key) => (at as never)?.[key], filter)
    throw invalidInput(name, message, value)
  }
  const { root, folder, format, after, before, minWidth, minHeight, gps, ...rest } = parsed.data
  const { generated, concept: _, ...same } = rest
  const folders = [root, folder].filter((path) => path !== undefined)
  return {
    ...same,
    folders: folders.length > 0 ? folders : undefined,
    formats: format?.map((name) => ALIASES[name.toLowerCase()] ?? name.toLowerCase()),
    takenFrom: after,
    takenBefore: before,
    hasGps: gps,
    minWidthPx: minWidth,
    minHeightPx: minHeight,
    generated: generated === undefined || generated === 'any' ? undefined : generated === 'only',
  }
}

/** Whether nothing is asked for. */
export function isEmptyFilter(filter: PictureFilter): boolean {
  return Object.values(filter).every((condition) => condition === undefined)
}

/** The first of a picture's paths that lies where the filter says; undefined when none does. */
export function firstMatchingPath(
  all: readonly string[],
  { folders = [], outside = [] }: PictureFilter,
): string | undefined {
  const isBelow = (path: string) => (folder: string) => path.startsWith(folderRange(folder).after)
  return all.find((path) => folders.every(isBelow(path)) && !outside.some(isBelow(path)))
}
