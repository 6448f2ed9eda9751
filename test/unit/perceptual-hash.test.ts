import * as fc from 'fast-check'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, test } from 'vitest'
import { hammingDistance, perceptualHash } from '../../src/indexer/perceptual-hash.ts'

/** A raster with large shapes, different for every seed. */
function shapes(seed: number, side = 320): Buffer {
  const [a, b, c] = [1, 2, 3].map((i) => ((seed * 7919 * i) % 97) / 97) as [number, number, number]
  return Buffer.from(
    Array.from({ length: side * side }, (_, i) => {
      const x = (i % side) / side
      const y = Math.floor(i / side) / side
      const wave = Math.sin(9 * a * x + 4) * Math.cos(11 * b * y + 2 * c) + Math.sin(14 * c * x * y)
      return 128 + 50 * wave + ((x - a) ** 2 + (y - b) ** 2 < 0.04 ? 40 : 0)
    }),
  )
}

async function hashOf(picture: Sharp | Buffer): Promise<string> {
  const image = Buffer.isBuffer(picture) ? sharp(picture) : picture
  const { data, info } = await image
    .resize(100, 100, { fit: 'inside' })
    .toColourspace('b-w')
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true })
  return perceptualHash({ data, widthPx: info.width, heightPx: info.height })
}

const picture = (seed: number) =>
  sharp(shapes(seed), { raw: { width: 320, height: 320, channels: 1 } })

describe('near copies', () => {
  test('recompressed, resized and brightened pictures stay within 8 bits', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const original = await hashOf(picture(seed))
      const copies = [
        await picture(seed).jpeg({ quality: 30 }).toBuffer(),
        await picture(seed).resize(64, 64).png().toBuffer(),
        await picture(seed).resize(500, 300, { fit: 'fill' }).png().toBuffer(),
        await picture(seed).linear(0.8, 20).png().toBuffer(),
      ]
      for (const copy of copies) {
        expect(hammingDistance(original, await hashOf(copy))).toBeLessThanOrEqual(8)
      }
    }
  })

  test('different pictures are far apart', async () => {
    const hashes = await Promise.all([1, 2, 3, 4, 5].map((seed) => hashOf(picture(seed))))
    for (const [i, a] of hashes.entries()) {
      for (const b of hashes.slice(i + 1)) expect(hammingDistance(a, b)).toBeGreaterThan(12)
    }
  })
})

test('agrees with the transform written out from its definition', () => {
  // 32 x 32, so that no resampling comes in between.
  const grey = Array.from({ length: 1024 }, (_, i) => (i * i * 31 + i * 17) % 251)
  const coefficients: number[] = []
  for (let v = 1; v <= 8; v++) {
    for (let u = 1; u <= 8; u++) {
      const terms = grey.map((value, i) => {
        const [x, y] = [i % 32, Math.floor(i / 32)]
        return (
          value *
          Math.cos(((2 * x + 1) * u * Math.PI) / 64) *
          Math.cos(((2 * y + 1) * v * Math.PI) / 64)
        )
      })
      coefficients.push(terms.reduce((sum, term) => sum + term, 0))
    }
  }
  const sorted = coefficients.toSorted((a, b) => a - b)
  const median = (sorted[31]! + sorted[32]!) / 2
  const bits = coefficients.map((value) => (value > median ? '1' : '0')).join('')
  const expected = BigInt(`0b${bits}`).toString(16).padStart(16, '0')
  expect(perceptualHash({ data: grey, widthPx: 32, heightPx: 32 })).toBe(expected)
})

test('flat pictures of any shade and size have the same hash', () => {
  for (const [widthPx, heightPx, value] of [
    [1, 1, 0],
    [100, 1, 255],
    [33, 57, 127],
    [100, 100, 3],
  ] as const) {
    const data = new Uint8Array(widthPx * heightPx).fill(value)
    expect(perceptualHash({ data, widthPx, heightPx })).toBe('0000000000000000')
  }
})

test('every raster gives 16 digits', () => {
  const raster = fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
    .chain(([widthPx, heightPx]) =>
      fc
        .uint8Array({ minLength: widthPx * heightPx, maxLength: widthPx * heightPx })
        .map((data) => ({ data, widthPx, heightPx })),
    )
  fc.assert(
    fc.property(raster, (r) => /^[0-9a-f]{16}$/.test(perceptualHash(r))),
    { numRuns: 50 },
  )
})

describe('the distance', () => {
  test('counts bits', () => {
    expect(hammingDistance('0000000000000000', '0000000000000000')).toBe(0)
    expect(hammingDistance('0000000000000000', 'ffffffffffffffff')).toBe(64)
    expect(hammingDistance('8000000000000001', '0000000000000003')).toBe(2)
  })

  test('refuses what is no hash', () => {
    expect(() => hammingDistance('0', '0000000000000000')).toThrow('16 hexadecimal digits')
    expect(() => hammingDistance('0000000000000000', 'FFFFFFFFFFFFFFFF')).toThrow('hexadecimal')
  })
})
