// What a camera wrote about a picture (Exif 2.32, CIPA DC-008). Cameras, editors and messengers
// write a lot of nonsense: every field is checked by itself, and one that fails is null.
import readTags, { type Exif } from 'exif-reader'

/** Facts about the taking of a picture; null where the file does not say, or says nonsense. */
export interface PictureExif {
  /** Clock of the camera, wall time without a zone: `YYYY-MM-DDTHH:mm:ss`. */
  readonly takenAt: string | null
  /** Minutes by which that clock is ahead of UTC. */
  readonly takenOffsetMinutes: number | null
  readonly cameraMake: string | null
  readonly cameraModel: string | null
  readonly lens: string | null
  /** Degrees, north positive. Null together with the longitude. */
  readonly latitude: number | null
  /** Degrees, east positive. */
  readonly longitude: number | null
  /** Metres above sea level. */
  readonly altitudeM: number | null
}

/** What is known of a picture without EXIF. */
export const NO_EXIF: PictureExif = {
  takenAt: null,
  takenOffsetMinutes: null,
  cameraMake: null,
  cameraModel: null,
  lens: null,
  latitude: null,
  longitude: null,
  altitudeM: null,
}

/** A tag's value as it comes out of the reader, which types only what a correct file holds. */
type Raw = unknown
type Tags = Record<string, Raw>

/** Reads an EXIF block (or a whole TIFF file, which has the same structure). Never throws. */
export function readExif(block: Uint8Array | undefined): PictureExif {
  if (!block) return NO_EXIF
  const tags = parse(block)
  if (!tags) return NO_EXIF
  const image: Tags = tags.Image ?? {}
  const photo: Tags = tags.Photo ?? {}
  const gps: Tags = tags.GPSInfo ?? {}
  return {
    ...readTime(photo, block),
    cameraMake: readText(image.Make),
    cameraModel: readText(image.Model),
    lens: readText(photo.LensModel),
    ...readPosition(gps),
    altitudeM: readAltitude(gps),
  }
}

/** The largest amount of work granted to the reader; a full 64 KB block needs about a tenth. */
const MAX_STEPS = 1_000_000

/**
 * exif-reader turns whatever count a tag claims into an array, so that a block of a few kilobytes
 * could exhaust the memory of the process. It asks for the length of the buffer at every step,
 * which is where the steps can be counted.
 */
function parse(block: Uint8Array): Exif | undefined {
  const view = Buffer.from(block.buffer, block.byteOffset, block.length)
  let steps = 0
  Object.defineProperty(view, 'length', {
    get() {
      if (++steps > MAX_STEPS) throw new RangeError('too many values')
      return block.length
    },
  })
  try {
    return readTags(view)
  } catch {
    return undefined
  }
}

/**
 * The moment of exposure, else that of digitisation; never `DateTime`, which editors set.
 * Each has its own offset tag, though many telephones write only the general one.
 */
function readTime(photo: Tags, block: Uint8Array) {
  for (const kind of ['Original', 'Digitized']) {
    const takenAt = readDate(photo[`DateTime${kind}`], block)
    if (takenAt === null) continue
    const offset = readOffset(photo[`OffsetTime${kind}`]) ?? readOffset(photo.OffsetTime)
    return { takenAt, takenOffsetMinutes: offset }
  }
  return { takenAt: null, takenOffsetMinutes: null }
}

/**
 * exif-reader has already turned the text into a date, and 30 February into 1 March. A date that
 * the camera really wrote stands in the block in the same digits.
 */
function readDate(value: Raw, block: Uint8Array): string | null {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) return null
  const iso = value.toISOString().slice(0, 19)
  const written = iso.replaceAll('-', ':').replace('T', ' ')
  return Buffer.from(block.buffer, block.byteOffset, block.length).includes(written) ? iso : null
}

/** `+02:00`; the zones of the world lie between -12:00 and +14:00. */
function readOffset(value: Raw): number | null {
  const match = /^([+-])(\d\d):([0-5]\d)$/.exec(readText(value) ?? '')
  if (!match) return null
  const minutes = (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) + 0
  return minutes >= -12 * 60 && minutes <= 14 * 60 ? minutes : null
}

/** Longest text kept, in characters; lens names reach about 80. */
const MAX_TEXT = 200

/** One line of text up to the first NUL, or null when nothing is left. */
function readText(value: Raw): string | null {
  const text = Buffer.isBuffer(value) ? decodeText(value) : value
  if (typeof text !== 'string') return null
  // PostgreSQL refuses NUL, terminals the other control characters.
  const line = (text.split('\0')[0] ?? '').replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return line === '' ? null : Array.from(line).slice(0, MAX_TEXT).join('').trimEnd()
}

/** The standard allows ASCII only; what else occurs is UTF-8, or Latin-1 from old cameras. */
function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

function readPosition(gps: Tags) {
  const latitude = readAngle(gps.GPSLatitude, readText(gps.GPSLatitudeRef), 'N', 'S', 90)
  const longitude = readAngle(gps.GPSLongitude, readText(gps.GPSLongitudeRef), 'E', 'W', 180)
  // Half a position is none, and 0/0 off the coast of Africa is what receivers without a fix write.
  const isKnown = latitude !== null && longitude !== null && (latitude !== 0 || longitude !== 0)
  return isKnown ? { latitude, longitude } : { latitude: null, longitude: null }
}

/** Degrees, minutes and seconds, with the half of the globe in a tag of its own. */
function readAngle(
  value: Raw,
  half: string | null,
  positive: string,
  negative: string,
  limit: number,
): number | null {
  if (!Array.isArray(value) || value.length !== 3) return null
  if (half !== positive && half !== negative) return null
  if (!value.every((part) => typeof part === 'number' && part >= 0)) return null
  const [degrees, minutes, seconds] = value as [number, number, number]
  if (minutes >= 60 || seconds >= 60) return null
  const angle = degrees + minutes / 60 + seconds / 3600
  return angle <= limit ? (half === negative ? -angle : angle) + 0 : null
}

/** Deepest sea and highest flight of a camera, in metres, both with room to spare. */
const MIN_ALTITUDE_M = -12_000
const MAX_ALTITUDE_M = 100_000

function readAltitude(gps: Tags): number | null {
  const value = gps.GPSAltitude
  if (typeof value !== 'number') return null
  // 1 is below sea level; Exif 3.0 adds 3, below the ellipsoid.
  const isBelow = gps.GPSAltitudeRef === 1 || gps.GPSAltitudeRef === 3
  const altitude = (isBelow ? -value : value) + 0
  return altitude >= MIN_ALTITUDE_M && altitude <= MAX_ALTITUDE_M ? altitude : null
}
