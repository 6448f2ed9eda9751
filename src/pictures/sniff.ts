// Tells what a file is from its first bytes, never from its name: names lie, contents do not.
// Magic numbers: the formats' own specifications, as collected in file(1) and in libvips' loaders.
import { extname } from 'node:path'

/** Formats that sharp reads by itself. */
export type NativeFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff' | 'svg'

/** Formats that a decoder of their own turns into one that sharp reads. */
export type ForeignFormat = 'heic' | 'jxl' | 'bmp' | 'pnm'

/** A format that can be shown: of a camera's raw file it is the JPEG preview inside. */
export type SupportedFormat = NativeFormat | ForeignFormat | 'raw'

/** A format that is recognised. */
export type Format = SupportedFormat | 'psd' | 'jp2'

/** Bytes at the start of a file that are enough for every format; an SVG may open with a long comment. */
export const SNIFF_BYTES = 4096

/**
 * What cameras call their raw files. Most of them are TIFF inside, and then the name alone tells.
 * Lower case, without the dot.
 */
export const RAW_EXTENSIONS: ReadonlySet<string> = new Set(
  '3fr arw cr2 cr3 crw dng erf iiq kdc mrw nef nrw orf pef raf raw rw2 rwl sr2 srw x3f'.split(' '),
)

/** Extensions that promise a picture: lower case, without the dot. */
export const PICTURE_EXTENSIONS: ReadonlySet<string> = new Set([
  ...'jpg jpeg jpe jfif mpo png apng webp avif avifs gif tif tiff svg'.split(' '),
  ...'heic heif hif bmp dib jxl pbm pgm ppm pnm pam pfm psd psb jp2 j2k jpx'.split(' '),
  ...RAW_EXTENSIONS,
])

/**
 * Extensions that promise something else, so that a scan need not open the file (a modest list:
 * what home folders are full of). Lower case, without the dot.
 */
export const OTHER_EXTENSIONS: ReadonlySet<string> = new Set([
  ...'txt md rst pdf doc docx odt rtf xls xlsx ods ppt pptx odp epub csv tsv log tex'.split(' '),
  ...'mp4 m4v mov avi mkv webm mpg mpeg mts m2ts wmv 3gp mp3 m4a aac flac ogg opus wav'.split(' '),
  ...'zip gz tgz bz2 xz zst 7z rar tar iso dmg exe dll so dylib jar class o a bin'.split(' '),
  ...'json xml yaml yml toml ini html htm css scss js mjs cjs ts tsx jsx map wasm'.split(' '),
  ...'py pyc rb go rs java c h cc cpp hpp cs php sh bat ps1 sql db sqlite lock'.split(' '),
  ...'ttf otf woff woff2 xmp aae lrcat pages numbers key npy safetensors onnx'.split(' '),
])

/** The extension of a path as it stands in the sets above: lower case, without the dot. */
export function extensionOf(path: string): string {
  return extname(path).slice(1).toLowerCase()
}

/** Fixed bytes at a fixed place, written as Latin-1. The first that fits wins. */
const SIGNATURES: readonly (readonly [Format, offset: number, magic: string])[] = [
  ['jpeg', 0, '\xff\xd8\xff'],
  ['png', 0, '\x89PNG\r\n\x1a\n'],
  ['gif', 0, 'GIF87a'],
  ['gif', 0, 'GIF89a'],
  ['webp', 8, 'WEBP'],
  ['psd', 0, '8BPS\0'],
  ['jxl', 0, '\xff\x0a'],
  ['jxl', 0, '\0\0\0\x0cJXL \r\n\x87\n'],
  ['jp2', 0, '\0\0\0\x0cjP  \r\n\x87\n'],
  ['jp2', 0, '\xff\x4f\xff\x51'],
  ['raw', 0, 'FUJIFILMCCD-RAW'],
  ['raw', 0, 'IIU\0'], // Panasonic RW2
  ['raw', 0, 'IIRO'], // Olympus ORF, also the next two
  ['raw', 0, 'IIRS'],
  ['raw', 0, 'MMOR'],
  ['raw', 6, 'HEAPCCDR'], // Canon CRW
  ['raw', 0, '\0MRM'], // Minolta MRW
  ['raw', 0, 'FOVb'], // Sigma X3F
  ['raw', 8, 'CR\x02\0'], // Canon CR2 inside a TIFF header: must come before TIFF
  ['tiff', 0, 'II*\0'],
  ['tiff', 0, 'MM\0*'],
  ['tiff', 0, 'II+\0'], // BigTIFF, also the next one
  ['tiff', 0, 'MM\0+'],
]

/**
 * The format of a file that starts with `head` (`SNIFF_BYTES` are enough), or null when it is no
 * picture that Lucida knows. `pathHint` only tells a TIFF from a camera's raw file built on TIFF.
 */
export function sniffFormat(head: Uint8Array, pathHint = ''): Format | null {
  const start = latin1(head.subarray(0, 256))
  const found = SIGNATURES.find(([, offset, magic]) => start.startsWith(magic, offset))?.[0]
  if (found === 'tiff' && RAW_EXTENSIONS.has(extensionOf(pathHint))) return 'raw'
  if (found === 'webp' && !start.startsWith('RIFF')) return null
  if (found) return found
  if (start.startsWith('ftyp', 4)) return sniffBoxes(head)
  if (isBitmap(head)) return 'bmp'
  if (/^P[1-6]\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s|^P7\nWIDTH|^P[Ff]\s+\d+\s+\d+\s/.test(start))
    return 'pnm'
  return isSvg(head) ? 'svg' : null
}

/**
 * ISO base media file (ISO/IEC 14496-12, 4.3): the file-type box lists the brands that the file
 * follows. The major brand may be the neutral `mif1`, so the compatible ones are asked too.
 */
function sniffBoxes(head: Uint8Array): Format | null {
  const size = Math.min(Buffer.from(head.subarray(0, 4)).readUInt32BE(), head.length)
  const brands = [latin1(head.subarray(8, 12))]
  for (let at = 16; at + 4 <= size; at += 4) brands.push(latin1(head.subarray(at, at + 4)))
  for (const brand of brands) {
    if (brand === 'avif' || brand === 'avis') return 'avif'
    if (brand === 'crx ') return 'raw' // Canon CR3
    if (/^he(?:ic|ix|im|is|vc|vx|vm|vs)$/.test(brand)) return 'heic'
  }
  // HEIF of an unnamed codec; a video names neither of these.
  return brands.includes('mif1') || brands.includes('msf1') ? 'heic' : null
}

/** `BM` also starts English sentences, so the header's length must be one of those ever defined. */
function isBitmap(head: Uint8Array): boolean {
  if (head.length < 18 || head[0] !== 0x42 || head[1] !== 0x4d) return false
  const headerBytes = Buffer.from(head.subarray(14, 18)).readUInt32LE()
  return [12, 16, 40, 52, 56, 64, 108, 124].includes(headerBytes)
}

/** Whether the first element, after everything that XML allows before it, is `svg`. */
function isSvg(head: Uint8Array): boolean {
  let rest = latin1(head.subarray(0, 16 * SNIFF_BYTES)).replace(/^\xef\xbb\xbf/, '')
  for (;;) {
    rest = rest.trimStart()
    const end = prologueEnd(rest)
    if (end === 0) return /^<(?:[\w.-]+:)?svg[\s/>]/.test(rest)
    if (end < 0) return false
    rest = rest.slice(end)
  }
}

/** Length of the declaration, comment or doctype that opens `xml`; 0 if none, -1 if it never ends. */
function prologueEnd(xml: string): number {
  const after = (mark: string) => {
    const at = xml.indexOf(mark)
    return at < 0 ? -1 : at + mark.length
  }
  if (xml.startsWith('<?')) return after('?>')
  if (xml.startsWith('<!--')) return after('-->')
  if (!/^<!doctype\s/i.test(xml)) return 0
  // A doctype may carry declarations of its own in square brackets.
  const bracket = xml.indexOf('[')
  const close = xml.indexOf('>')
  if (bracket < 0 || close < bracket) return after('>')
  const tail = /\]\s*>/.exec(xml)
  return tail ? tail.index + tail[0].length : -1
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
