import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { encodePicture, type WrittenFormat } from '../../src/pictures/encode-picture.ts'
import { fromXmp, type ProvenanceRecord, toXmp } from '../../src/generate/provenance.ts'
import { saysGenerated } from '../../src/pictures/digital-source.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { overlayPicture } from '../../src/pictures/overlay.ts'
import { makeThumbnail } from '../../src/pictures/thumbnail.ts'

const hash = 'a'.repeat(64)
const record: ProvenanceRecord = {
  schema: 'lucida.record/1',
  program: '0.1.0',
  pipeline: { name: 'a-pipeline', files: { 'onnx/decoder.onnx': hash } },
  judge: { model: 'a-model', recipe: '0123456789abcdef' },
  idea: { text: 'Bäume & <Wolken> "so" \'wie\' ]]> \u0007 🌲 -->' },
  avoid: 'rain',
  seed: 4294967295,
  steps: 16,
  guidance: 2.5,
  variation: 0,
  start: { picture: hash, strength: 0.6 },
  native: { width: 2, height: 1 },
  score: 0.123456789,
  relevance: null,
}
const raster = { data: new Uint8Array(6).fill(90), widthPx: 2, heightPx: 1, channels: 3 } as const
const FORMATS: WrittenFormat[] = ['png', 'jpeg', 'webp']

test('what is made of a drawn picture is marked like it', async () => {
  const drawn = await encodePicture(raster, 'png', { xmp: toXmp(record) })
  const plain = await encodePicture(raster, 'png')
  const grid = {
    width: 1,
    height: 1,
    rgba: Uint8ClampedArray.of(0, 0, 0, 99),
    area: { left: 0, top: 0, width: 1, height: 1 },
  }
  const isMarked = async (bytes: Uint8Array) => saysGenerated((await openPicture(bytes)).xmp)
  expect(await isMarked(await makeThumbnail(drawn, 320))).toBe(true)
  expect(await isMarked(await makeThumbnail(plain, 320))).toBe(false)
  for (const format of FORMATS) {
    expect(await isMarked(await overlayPicture(drawn, grid, format))).toBe(true)
    expect(await isMarked(await overlayPicture(plain, grid, format))).toBe(false)
  }
})

describe.each(FORMATS)('a drawn picture as %s', (format) => {
  test('says that it was generated, and how', async () => {
    const opened = await openPicture(await encodePicture(raster, format, { xmp: toXmp(record) }))
    expect(opened.format).toBe(format)
    expect(saysGenerated(opened.xmp)).toBe(true)
    expect(fromXmp(opened.xmp)).toEqual(record)
  })

  test('is the same file each time', async () => {
    const encode = () => encodePicture(raster, format, { xmp: toXmp(record) })
    expect(await encode()).toEqual(await encode())
  })

  const withoutExiftool = spawnSync('exiftool', ['-ver']).error !== undefined
  test.skipIf(withoutExiftool)(
    'is understood by exiftool (skipped where it is not installed)',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'lucida-exiftool-'))
      try {
        const path = join(folder, `drawn.${format}`)
        writeFileSync(path, await encodePicture(raster, format, { xmp: toXmp(record) }))
        const [read] = JSON.parse(
          execFileSync('exiftool', ['-json', '-XMP:all', path], { encoding: 'utf8' }),
        )
        expect(read.DigitalSourceType).toBe(
          'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia',
        )
        expect(read.CreatorTool).toBe('Lucida 0.1.0')
        expect(JSON.parse(read.Record)).toEqual(record)
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
  )
})

test('a picture is resampled to the size that is asked for', async () => {
  const size = { widthPx: 20, heightPx: 10 }
  const opened = await openPicture(await encodePicture(raster, 'png', { size }))
  expect(opened).toMatchObject(size)
})

test('another shape is cut out of the middle, or stretched', async () => {
  // Red, green, green, blue.
  const data = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255)
  const row = { data, widthPx: 4, heightPx: 1, channels: 3 } as const
  const size = { widthPx: 2, heightPx: 1 }
  const pixels = async (fit: 'cover' | 'fill') => {
    const opened = await openPicture(await encodePicture(row, 'png', { size, fit }))
    return [...(await opened.raster(size)).data]
  }
  expect(await pixels('cover')).toEqual([0, 255, 0, 0, 255, 0])
  const [red, , , , , blue] = await pixels('fill')
  expect(red).toBeGreaterThan(100)
  expect(blue).toBeGreaterThan(100)
})

test('a picture without marks says nothing', async () => {
  const { xmp } = await openPicture(await encodePicture(raster, 'png'))
  expect(saysGenerated(xmp)).toBe(false)
  expect(fromXmp(xmp)).toBeNull()
})

test('a record of another version, or a damaged one, is none', () => {
  const other = toXmp(record).replace('lucida.record/1', 'lucida.record/9')
  expect(fromXmp(Buffer.from(other))).toBeNull()
  const torn = toXmp(record).replace('&quot;seed&quot;', '')
  expect(fromXmp(Buffer.from(torn))).toBeNull()
})

test.each([
  ['trainedAlgorithmicMedia', true],
  ['compositeWithTrainedAlgorithmicMedia', true],
  ['digitalCapture', false],
  ['algorithmicMedia', false],
])('what IPTC calls %s counts as generated: %s', (kind, expected) => {
  const xmp = Buffer.from(
    `<rdf:Description Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/${kind}"/>`,
  )
  expect(saysGenerated(xmp)).toBe(expected)
})
