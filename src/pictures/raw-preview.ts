// The JPEG that a camera puts into its raw files for its own screen. The sensor's data is not
// developed. Structures: TIFF/EP (ISO 12234-2) and DNG for most makers; for CR3, RAF, RW2 and ORF
// what is publicly known of them (exiftool.org/TagNames, lclevy.free.fr/cr3).
import { LucidaError } from '../core/errors.ts'
import { boxesOf } from './boxes.ts'
import { jpegSize } from './jpeg-stream.ts'
import { endsEarly } from './picture-error.ts'
import { openTiff, readDirectory, type Directory } from './tiff-directory.ts'

/** The picture inside a raw file. */
export interface RawPreview {
  readonly jpeg: Uint8Array
  /** EXIF orientation by the raw file's own directory, or 1. */
  readonly orientation: number
  /** The raw file's own EXIF, or undefined where the JPEG holds it. */
  readonly exif: Uint8Array | undefined
}

/** A smaller preview says too little of its picture. */
const MIN_SIDE_PX = 256

/** Places that may hold a JPEG; `at` counts from the start of the file. */
interface Place {
  readonly at: number
  readonly length: number
}

interface Found {
  readonly places: readonly Place[]
  readonly orientation?: number | undefined
  readonly exif?: Uint8Array | undefined
}

/** The largest preview. Throws `unsupported_format`, or `corrupt_image` where the file ends early. */
export function findPreview(bytes: Uint8Array): RawPreview {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const { places, orientation = 1, exif } = findPlaces(view)
  const whole = places.filter(({ at, length }) => length > 0 && at + length <= bytes.length)
  const previews = whole.flatMap(({ at, length }) => {
    const jpeg = bytes.subarray(at, at + length)
    const size = jpegSize(jpeg)
    return size ? [{ jpeg, ...size }] : []
  })
  previews.sort((a, b) => b.widthPx * b.heightPx - a.widthPx * a.heightPx)
  const best = previews[0]
  if (best && Math.min(best.widthPx, best.heightPx) >= MIN_SIDE_PX) {
    const isKnown = orientation >= 1 && orientation <= 8
    return { jpeg: best.jpeg, orientation: isKnown ? orientation : 1, exif }
  }
  if (whole.length < places.length) throw endsEarly('raw')
  const size = best && `${best.widthPx} x ${best.heightPx} pixels`
  const why = size
    ? `whose preview is too small: ${size}, and its shorter side must have ${MIN_SIDE_PX}`
    : 'in which no JPEG preview was found'
  throw new LucidaError('unsupported_format', `The file is a camera raw file ${why}`)
}

function findPlaces(view: Buffer): Found {
  const start = view.toString('latin1', 0, 16)
  if (start.startsWith('FUJIFILMCCD-RAW')) return fujifilm(view)
  if (start.startsWith('ftyp', 4)) return canon3(view)
  return tiffBased(view)
}

/** RAF: offset and length stand at fixed places; the JPEG holds the EXIF. */
function fujifilm(view: Buffer): Found {
  if (view.length < 92) throw endsEarly('raw')
  return { places: [{ at: view.readUInt32BE(84), length: view.readUInt32BE(88) }] }
}

const ORIENTATION = 0x0112
const EXIF_DIRECTORY = 0x8769
const GPS_DIRECTORY = 0x8825
const MAKER_NOTE = 0x927c

/** A file has a handful of directories; a crafted one may refer to itself. */
const MAX_DIRECTORIES = 64

function tiffBased(view: Buffer): Found {
  const tiff = openTiff(view)
  if (!tiff) return { places: [] }
  const places: Place[] = []
  const seen = new Set<number>()
  const queue = [tiff.first]
  let orientation: number | undefined
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    if (seen.has(at) || seen.size === MAX_DIRECTORIES) continue
    seen.add(at)
    const read = tiff.directory(at)
    if (!read) continue
    const { directory, next } = read
    places.push(...jpegsOf(directory))
    if (at === tiff.first) {
      orientation = directory.numbers(ORIENTATION)[0]
      const exif = tiff.directory(directory.numbers(EXIF_DIRECTORY)[0] ?? 0)?.directory
      if (exif) places.push(...olympusPreview(view, exif))
    }
    queue.push(...directory.numbers(0x014a), next) // SubIFDs
  }
  return { places, orientation, exif: asTiff(view) }
}

/** JPEGs that one directory points at. */
function jpegsOf(directory: Directory): Place[] {
  const places: Place[] = []
  const add = (at: number | undefined, length: number | undefined) => {
    if (at !== undefined && length !== undefined) places.push({ at, length })
  }
  add(directory.numbers(0x0201)[0], directory.numbers(0x0202)[0]) // JPEGInterchangeFormat, …Length
  const [offsets, lengths] = [directory.numbers(0x0111), directory.numbers(0x0117)] // strips
  const isJpeg = [6, 7].includes(directory.numbers(0x0103)[0] ?? 0) // compression
  // Of several strips each is a JPEG of its own: a part of the sensor's data.
  if (isJpeg && offsets.length === 1) add(offsets[0], lengths[0])
  const panasonic = directory.span(0x002e) // RW2's JpgFromRaw
  if (panasonic) places.push(panasonic)
  return places
}

/** ORF: the preview is described in the maker's note, whose offsets count from its own start. */
function olympusPreview(view: Buffer, exif: Directory): Place[] {
  const note = exif.span(MAKER_NOTE)
  if (!note || note.at + 16 > view.length) return []
  const name = view.toString('latin1', note.at, note.at + 16)
  const headBytes = name.startsWith('OLYMPUS\0') ? 12 : name.startsWith('OM SYSTEM\0') ? 16 : 0
  if (headBytes === 0) return []
  const isLittle = name.startsWith('II', headBytes - 4)
  const inNote = view.subarray(note.at)
  const settingsAt = readDirectory(inNote, headBytes, isLittle)?.directory.numbers(0x2020)[0]
  const settings = readDirectory(inNote, settingsAt ?? 0, isLittle)?.directory
  const [at, length] = [settings?.numbers(0x0101)[0], settings?.numbers(0x0102)[0]]
  return at === undefined || length === undefined ? [] : [{ at: note.at + at, length }]
}

/** ORF and RW2 write a number of their own where a TIFF has 42; the rest is the same. */
function asTiff(view: Buffer): Uint8Array {
  if (view[2] === 42 || view[3] === 42) return view
  const copy = Buffer.from(view)
  copy.set(copy[0] === 0x49 ? [42, 0] : [0, 42], 2)
  return copy
}

/** CR3: boxes. Previews are in THMB, in PRVW, and as the first track's only sample. */
function canon3(view: Buffer): Found {
  const places: Place[] = []
  const metadata = new Map<string, Buffer>()
  const visit = (from: number, to: number, depth: number) => {
    let sample: { at?: number; length?: number } = {}
    for (const { type, start, end } of boxesOf(view, from, to)) {
      if (['moov', 'trak', 'mdia', 'minf', 'stbl'].includes(type) && depth < 6)
        visit(start, end, depth + 1)
      else if (type === 'uuid' && depth < 6) {
        // Sixteen bytes of name; that of the preview has eight more.
        const isPreview = view.toString('hex', start, start + 4) === 'eaf42b5e'
        visit(start + (isPreview ? 24 : 16), end, depth + 1)
      } else if (/^CMT[124]$/.test(type)) metadata.set(type, view.subarray(start, end))
      else if (type === 'THMB' || type === 'PRVW') places.push(...jpegInBox(view, start, end))
      else if (type === 'stsz' && end - start >= 12) {
        const common = view.readUInt32BE(start + 4)
        const own = end - start >= 16 ? view.readUInt32BE(start + 12) : 0
        sample = { ...sample, length: common || own }
      } else if (type === 'co64' && end - start >= 16) {
        sample = { ...sample, at: Number(view.readBigUInt64BE(start + 8)) }
      } else if (type === 'stco' && end - start >= 12) {
        sample = { ...sample, at: view.readUInt32BE(start + 8) }
      }
    }
    const { at, length } = sample
    if (at !== undefined && length !== undefined) places.push({ at, length })
  }
  visit(0, view.length, 0)
  const image = metadata.get('CMT1')
  const exif = image && joinDirectories(image, metadata.get('CMT2'), metadata.get('CMT4'))
  const tiff = image && openTiff(image)
  const orientation = tiff?.directory(tiff.first)?.directory.numbers(ORIENTATION)[0]
  return { places, orientation, exif }
}

/** The JPEG starts after a header of 16 bytes or so, whose length differs by version. */
function jpegInBox(view: Buffer, start: number, end: number): Place[] {
  const at = view.subarray(start, Math.min(end, start + 64)).indexOf('\xff\xd8\xff', 0, 'latin1')
  return at < 0 ? [] : [{ at: start + at, length: end - start - at }]
}

/**
 * CR3 keeps the three directories of an EXIF block as three TIFF structures. Joined: the blocks one
 * after another, their offsets moved, and a new first directory that points at the other two.
 */
function joinDirectories(image: Buffer, photo?: Buffer, gps?: Buffer): Buffer | undefined {
  const blocks = [image, photo, gps].map((block) => Buffer.from(block ?? []))
  if (blocks.some((block) => block.length > 0 && block.toString('latin1', 0, 4) !== 'II*\0'))
    return undefined
  let base = 0
  const firsts = blocks.map((block) => {
    const at = moveOffsets(block, base)
    base += block.length
    return at
  })
  const [imageAt, photoAt, gpsAt] = firsts
  if (imageAt === undefined) return undefined
  const joined = Buffer.concat(blocks)
  const count = joined.readUInt16LE(imageAt)
  const entries: Buffer[] = [joined.subarray(imageAt + 2, imageAt + 2 + count * 12)]
  if (photoAt !== undefined) entries.push(pointer(EXIF_DIRECTORY, photoAt))
  if (gpsAt !== undefined) entries.push(pointer(GPS_DIRECTORY, gpsAt))
  const head = Buffer.alloc(2)
  head.writeUInt16LE(count + entries.length - 1)
  joined.writeUInt32LE(joined.length, 4)
  return Buffer.concat([joined, head, ...entries, Buffer.alloc(4)])
}

/** Adds `base` to the offsets of a block's first directory; returns where that will be. */
function moveOffsets(block: Buffer, base: number): number | undefined {
  if (block.length < 10) return undefined
  const at = block.readUInt32LE(4)
  if (at + 2 > block.length) return undefined
  const count = block.readUInt16LE(at)
  if (at + 2 + count * 12 > block.length) return undefined
  for (let p = at + 2; p < at + 2 + count * 12; p += 12) {
    const bytes =
      ([0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8][block.readUInt16LE(p + 2)] ?? 0) *
      block.readUInt32LE(p + 4)
    if (bytes > 4) block.writeUInt32LE((block.readUInt32LE(p + 8) + base) % 2 ** 32, p + 8)
  }
  return base + at
}

function pointer(tag: number, at: number): Buffer {
  const entry = Buffer.alloc(12)
  entry.writeUInt16LE(tag)
  entry.writeUInt16LE(4, 2)
  entry.writeUInt32LE(1, 4)
  entry.writeUInt32LE(at, 8)
  return entry
}
