// The whole way of texts and pictures through small models in the forms of the real ones, against
// PyTorch with PIL, open_clip and transformers (training/export/golden.py).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dot, normalize, type UnitVector } from '../../src/core/vector.ts'
import { type Clip, openClip } from '../../src/models/clip.ts'
import { readModel } from '../../src/models/manifest.ts'
import { openTokenizer } from '../../src/models/tokenizer.ts'
import { FIXTURES, type ModelGolden, type ModelsGolden, readGolden } from './golden-files.ts'

const golden = readGolden('clip-models.json.gz') as ModelsGolden

/**
 * Largest difference of a byte before normalisation. What is stored without loss is the same byte; so is
 * the rest, where both decode by the same library, as here: 1 is for decoders of other versions.
 */
const BYTES_OFF: readonly (readonly [RegExp, number])[] = [
  // Pillow 12 squashes what is very tall rows first (preprocess.test.ts).
  [/^narrow/, 6],
  // Made smaller while it is read.
  [/^large\.jpg$/, 8],
  [/\.(jpg|webp)$/, 1],
  [/\.png$/, 0],
]

const bytesOf = (picture: string) => readFileSync(`${FIXTURES}models/pictures/${picture}`)

describe.each(Object.entries(golden.models))('%s', (name, expected) => {
  let clip: Clip
  beforeAll(async () => {
    clip = openClip(await readModel(`${FIXTURES}models/${name}`), { threads: 1 })
  })
  afterAll(() => clip.close())
  const pictures = Object.keys(expected.pictures)

  test('cuts texts into the reference’s tokens', async () => {
    const { directory, parts, text } = clip.model
    const tokenize = await openTokenizer({
      directory: join(directory, parts.tokenizerFolder),
      text,
    })
    expect(golden.texts.map((one) => tokenize(one))).toEqual(expected.ids)
  })

  test('gives the reference’s vectors of texts, one alone as all together', async () => {
    expectClose(await clip.embedTexts(golden.texts), expected.texts, 0.9999)
    expectClose(await clip.embedTexts(golden.texts.slice(0, 1)), expected.texts.slice(0, 1), 0.9999)
  })

  test('gives the reference’s vectors of the same pixels', async () => {
    const pixels = pictures.map((picture) => referencePixels(expected, picture))
    expectClose(await clip.embedPixels(pixels), Object.values(expected.pictures), 0.9999)
  })

  test.each(pictures)('gives the reference’s vector of the file %s', async (picture) => {
    const pixels = await clip.preprocess(bytesOf(picture))
    expectClose(await clip.embedPixels([pixels]), [expected.pictures[picture]!], 0.999)
  })

  test.each(pictures)('prepares %s as the reference does', async (picture) => {
    const found = await clip.preprocess(bytesOf(picture))
    const pixels = referencePixels(expected, picture)
    expect(found).toHaveLength(pixels.length)
    const plane = found.length / 3
    const off = pixels.map(
      (value, i) =>
        Math.abs(value - found[i]!) * 255 * clip.model.pixels.std[Math.floor(i / plane)]!,
    )
    const [, most] = BYTES_OFF.find(([kind]) => kind.test(picture))!
    expect(Math.max(...off)).toBeLessThanOrEqual(most + 1e-3)
  })
})

/** As torchvision normalises. */
function referencePixels({ rule }: ModelGolden, picture: string): Float32Array {
  const bytes = Buffer.from(golden.pixels[rule]![picture]!, 'base64')
  const { mean, std } = golden.rules[rule]!
  const plane = bytes.length / 3
  return Float32Array.from({ length: bytes.length }, (_, i) => {
    const channel = Math.floor(i / plane)
    return (bytes[3 * (i % plane) + channel]! / 255 - mean[channel]!) / std[channel]!
  })
}

function expectClose(
  found: readonly UnitVector[],
  expected: readonly (readonly number[])[],
  cosine: number,
): void {
  expect(found).toHaveLength(expected.length)
  const cosines = found.map((vector, i) => dot(vector, normalize(expected[i]!)))
  expect(Math.min(...cosines)).toBeGreaterThanOrEqual(cosine)
}
