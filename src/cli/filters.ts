// The flags that choose pictures by their metadata, and the flags that page through results.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseConceptFilter } from '../core/concept-name.ts'
import { placeOf } from '../core/place.ts'
import { firstMoment, PARTIAL_DATE } from '../core/wall-time.ts'
import type { Filter } from '../lucida.ts'
import type { CliIo } from './io.ts'
import { integer } from './program.ts'

/** What the filter flags give. */
export interface FilterFlags {
  root?: string
  folder?: string
  format?: string[]
  after?: string
  before?: string
  camera?: string
  lens?: string
  near?: NonNullable<Filter['near']>
  box?: NonNullable<Filter['box']>
  gps?: boolean
  orientation?: NonNullable<Filter['orientation']>
  minWidth?: number
  minHeight?: number
  generated?: NonNullable<Filter['generated']>
  concept?: NonNullable<Filter['concept']>
}

const MAX_PIXELS = 1_000_000

/** Adds the flags that choose pictures by their metadata. */
export function withFilterFlags(command: Command): Command {
  return command
    .option('--root <folder>', 'only pictures of this indexed folder')
    .option('--folder <folder>', 'only pictures below this folder')
    .option('--format <a,b>', 'only these formats: jpeg, png, …', names)
    .option('--after <date>', 'taken then or later: 2020, 2020-05, 2020-05-31', date)
    .option('--before <date>', 'taken before then: 2021 leaves 2021 out', date)
    .option('--camera <text>', 'part of the make or model')
    .option('--lens <text>', "part of the lens's name")
    .option('--near <lat,lon,km>', 'taken within so many kilometres of a place', near)
    .option('--box <s,w,n,e>', 'taken between these degrees: south,west,north,east', box)
    .option('--gps', 'only pictures that say where they were taken')
    .option('--no-gps', 'only pictures that do not')
    .addOption(
      new Option('--orientation <shape>', 'by upright size').choices([
        'landscape',
        'portrait',
        'square',
      ]),
    )
    .option('--min-width <px>', 'upright width, at least', integer(1, MAX_PIXELS))
    .option('--min-height <px>', 'upright height, at least', integer(1, MAX_PIXELS))
    .option('--concept <name[:p]>', 'probably one (0.5 or p): see lucida teach', concept)
    .addOption(
      new Option(
        '--generated <which>',
        'made by a trained algorithm: any of them too, only them, none',
      ).choices(['any', 'only', 'none']),
    )
}

/** The filter that the flags describe; undefined when there is none among them. */
export function filterOf(io: CliIo, flags: FilterFlags): Filter | undefined {
  const { root, folder, format, after, before, camera, lens, near, box } = flags
  const { gps, orientation, minWidth, minHeight, generated, concept } = flags
  const filter: Filter = {
    root: root && placeOf(root, io.cwd),
    folder: folder && placeOf(folder, io.cwd),
    format,
    after,
    before,
    camera,
    lens,
    near,
    box,
    gps,
    orientation,
    minWidth,
    minHeight,
    generated,
    concept,
  }
  return Object.values(filter).some((value) => value !== undefined) ? filter : undefined
}

function names(text: string): string[] {
  const all = text.split(',').map((name) => name.trim())
  if (all.includes('')) {
    throw new InvalidArgumentError('Expected names separated by commas: jpeg,png.')
  }
  return all
}

function date(text: string): string {
  if (firstMoment(text) === null) throw new InvalidArgumentError(`Expected ${PARTIAL_DATE}.`)
  return text
}

function concept(text: string) {
  const parsed = parseConceptFilter(text)
  if (!parsed) {
    throw new InvalidArgumentError('Expected the name of a concept, or NAME:0.8.')
  }
  return parsed
}

function near(text: string) {
  const [latitude, longitude, radiusKm] = numbers(text, 3)
  if (!isLatitude(latitude) || !isLongitude(longitude) || !(radiusKm! >= 0)) {
    throw new InvalidArgumentError(
      'Expected latitude, longitude and kilometres, such as 48.86,2.35,10.',
    )
  }
  return { latitude: latitude!, longitude: longitude!, radiusKm: radiusKm! }
}

function box(text: string) {
  const [south, west, north, east] = numbers(text, 4)
  const isBox =
    [south, north].every(isLatitude) && [west, east].every(isLongitude) && south! <= north!
  if (!isBox) {
    throw new InvalidArgumentError(
      'Expected south,west,north,east in degrees, such as 36,-9.5,44,3.3; west may be greater than east.',
    )
  }
  return { south: south!, west: west!, north: north!, east: east! }
}

/** So many numbers between commas, or none. */
function numbers(text: string, count: number): number[] {
  const parts = text.split(',')
  const all = parts.map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  return parts.length === count && all.every(Number.isFinite) ? all : []
}

function isLatitude(value: number | undefined): boolean {
  return value !== undefined && Math.abs(value) <= 90
}

function isLongitude(value: number | undefined): boolean {
  return value !== undefined && Math.abs(value) <= 180
}
