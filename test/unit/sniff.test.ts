import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import {
  extensionOf,
  type Format,
  OTHER_EXTENSIONS,
  PICTURE_EXTENSIONS,
  SNIFF_BYTES,
  sniffFormat,
} from '../../src/pictures/sniff.ts'

const bytes = (latin1: string) => Buffer.from(latin1.padEnd(64, '\0'), 'latin1')
const utf8 = (text: string) => Buffer.from(text)

/** A file-type box with a major brand and compatible ones. */
function fileType(major: string, ...compatible: string[]): Buffer {
  const box = Buffer.from(`\0\0\0\0ftyp${major}\0\0\0\0${compatible.join('')}`, 'latin1')
  box.writeUInt32BE(box.length)
  return Buffer.concat([box, Buffer.from('\0\0\0\x10metaheic')])
}

describe('formats that sharp writes', () => {
  const formats: Format[] = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff']
  test.each(formats)('%s is recognised from its first bytes', async (format) => {
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    const encoded = await picture.toFormat(format as 'jpeg').toBuffer()
    expect(sniffFormat(encoded.subarray(0, SNIFF_BYTES))).toBe(format)
  })
})

test.each<[Format, string, Buffer]>([
  ['gif', 'the older GIF', bytes('GIF87a')],
  ['tiff', 'big-endian TIFF', bytes('MM\0*')],
  ['tiff', 'BigTIFF', bytes('II+\0')],
  ['avif', 'AVIF with a neutral major brand', fileType('mif1', 'miaf', 'avif')],
  ['avif', 'an AVIF sequence', fileType('avis', 'msf1')],
  ['heic', 'HEIC', fileType('heic', 'mif1', 'heic')],
  ['heic', 'HEIC with a neutral major brand', fileType('mif1', 'heic')],
  ['heic', 'HEIF of an unnamed codec', fileType('mif1', 'miaf')],
  ['raw', 'Canon CR3', fileType('crx ', 'isom')],
  ['raw', 'Canon CR2', bytes('II*\0\x10\0\0\0CR\x02\0')],
  ['raw', 'Fujifilm RAF', bytes('FUJIFILMCCD-RAW 0201')],
  ['raw', 'Olympus ORF', bytes('IIRO\x08\0')],
  ['raw', 'Panasonic RW2', bytes('IIU\0\x18\0')],
  ['bmp', 'BMP', bytes('BM\x8a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0')],
  ['jxl', 'a bare JPEG XL stream', bytes('\xff\x0a\xfa\x7f')],
  ['jxl', 'JPEG XL in a container', bytes('\0\0\0\x0cJXL \r\n\x87\n')],
  ['jp2', 'JPEG 2000', bytes('\0\0\0\x0cjP  \r\n\x87\n')],
  ['psd', 'Photoshop', bytes('8BPS\0\x01')],
  ['pnm', 'PPM', bytes('P6\n640 480\n255\n')],
  ['pnm', 'PGM with comments', bytes('P5\n# made by\n# hand\n12 34\n255\n')],
  ['pnm', 'PAM', bytes('P7\nWIDTH 4\n')],
])('%s: %s', (format, _name, head) => {
  expect(sniffFormat(head)).toBe(format)
})

describe('a TIFF', () => {
  test('named like a raw file is one', () => {
    expect(sniffFormat(bytes('II*\0'), '/photos/DSC_0001.NEF')).toBe('raw')
    expect(sniffFormat(bytes('MM\0*'), 'scan.tif')).toBe('tiff')
  })

  test('is the only format for which the name matters', () => {
    expect(sniffFormat(bytes('\xff\xd8\xff\xe0'), 'really-a-jpeg.nef')).toBe('jpeg')
    expect(sniffFormat(bytes('\x89PNG\r\n\x1a\n'), 'really-a-png.jpg')).toBe('png')
  })
})

describe('SVG', () => {
  test.each([
    ['bare', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['after a byte order mark and blanks', '\ufeff\n  <svg/>'],
    [
      'after a declaration, comments and a doctype',
      '<?xml version="1.0"?>\n<!-- <html> -->\n<?xml-stylesheet href="a"?>' +
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd">\n<svg >',
    ],
    ['after a doctype with entities', '<!DOCTYPE svg [<!ENTITY a "b>">\n] ><svg>'],
    ['with a namespace prefix', '<s:svg xmlns:s="http://www.w3.org/2000/svg">'],
    ['after a comment of several kilobytes', `<!--${'x'.repeat(9000)}--><svg>`],
  ])('%s', (_name, text) => {
    expect(sniffFormat(utf8(text))).toBe('svg')
  })

  test.each([
    ['HTML with an SVG inside', '<!doctype html><html><body><svg></svg></body></html>'],
    ['another element whose name starts alike', '<svgs></svgs>'],
    ['a comment without an end', '<!-- <svg>'],
    ['a doctype without an end', '<!DOCTYPE svg [ <svg>'],
    ['text that mentions <svg>', 'Write <svg> to begin.'],
  ])('not: %s', (_name, text) => {
    expect(sniffFormat(utf8(text))).toBeNull()
  })
})

describe('no picture', () => {
  test.each([
    ['nothing', ''],
    ['text', 'hello world'],
    ['a sentence that starts like BMP', 'BMW makes motor cars, and a lot of them.'],
    ['a sentence that starts like PNM', 'P1 is the first of two options'],
    ['a RIFF that is a sound', 'RIFF\x24\0\0\0WAVEfmt '],
    ['PDF', '%PDF-1.7'],
    ['ZIP', 'PK\x03\x04'],
    ['one byte', '\xff'],
  ])('%s', (_name, text) => {
    expect(sniffFormat(Buffer.from(text, 'latin1'))).toBeNull()
  })

  test('a video in the same kind of container as AVIF', () => {
    expect(sniffFormat(fileType('isom', 'iso2', 'avc1', 'mp41'))).toBeNull()
    expect(sniffFormat(Buffer.from('\0\0\0\x08ftyp'))).toBeNull()
  })

  test('hostile input costs no time', () => {
    const startedAt = performance.now()
    sniffFormat(utf8(`P1 ${'# '.repeat(5000)}`))
    sniffFormat(utf8('<!---->'.repeat(10_000)))
    sniffFormat(utf8(`<!DOCTYPE x [${'] '.repeat(30_000)}`))
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })
})

test('an extension is lower case and without the dot', () => {
  expect(extensionOf('/a.b/IMG.JPG')).toBe('jpg')
  expect(extensionOf('/a.b/IMG_0001')).toBe('')
})

test('no extension promises both a picture and something else', () => {
  expect([...PICTURE_EXTENSIONS].filter((extension) => OTHER_EXTENSIONS.has(extension))).toEqual([])
})
