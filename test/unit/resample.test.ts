import { readFile } from 'node:fs/promises'
import { assert, constantFrom, gen, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { blendPlainly } from '../../src/pictures/resample-plain.ts'
import { blendWithSimd } from '../../src/pictures/resample-simd.ts'
import { type Filter, resample } from '../../src/pictures/resample.ts'
import { lcgNoise } from '../helpers/lcg.ts'

const picture = (widthPx: number, heightPx: number) =>
  ({ data: lcgNoise(widthPx * heightPx * 3), widthPx, heightPx, channels: 3 }) as const

interface Recorded {
  readonly from: [number, number]
  readonly to: [number, number]
  readonly filter: Filter
  readonly sha256: string
}
const golden = new URL('../golden/resample.json', import.meta.url)
const { cases } = JSON.parse(await readFile(golden, 'utf8')) as { cases: Recorded[] }

const blends = { 'in vectors': blendWithSimd, plainly: blendPlainly }

describe.each(Object.entries(blends))('%s, equals Pillow, byte for byte', (_, blend) => {
  test.each(cases)('$from to $to, $filter', ({ from, to, filter, ...expected }) => {
    const [widthPx, heightPx] = to
    const whole = { left: 0, top: 0, widthPx, heightPx }
    const bytes = resample(picture(...from), { widthPx, heightPx }, whole, filter, blend)
    expect(sha256(bytes)).toBe(expected.sha256)
  })
})

test('every machine that runs the tests has vectors', () => {
  expect(blendWithSimd).toBeDefined()
})

test('of any size, the result is the same in vectors as without', () => {
  const size = integer({ min: 1, max: 90 })
  const filter = constantFrom<Filter>('linear', 'cubic', 'lanczos3')
  assert(
    property(size, size, size, size, filter, gen(), (w, h, widthPx, heightPx, name, draw) => {
      const window = {
        left: draw(integer, { min: 0, max: widthPx - 1 }),
        top: draw(integer, { min: 0, max: heightPx - 1 }),
      }
      const part = {
        ...window,
        widthPx: draw(integer, { min: 1, max: widthPx - window.left }),
        heightPx: draw(integer, { min: 1, max: heightPx - window.top }),
      }
      const [vectors, plain] = [blendWithSimd, blendPlainly].map((blend) =>
        resample(picture(w, h), { widthPx, heightPx }, part, name, blend),
      )
      expect(vectors).toEqual(plain)
    }),
  )
})

test('a picture of more than one strip of rows is the same too', () => {
  const size = { widthPx: 61, heightPx: 47 }
  const window = { left: 0, top: 3, widthPx: 61, heightPx: 44 }
  const [vectors, plain] = [blendWithSimd, blendPlainly].map((blend) =>
    resample(picture(2000, 900), size, window, 'cubic', blend),
  )
  expect(vectors).toEqual(plain)
})

test('a window is cut from the whole', () => {
  const size = { widthPx: 60, heightPx: 40 }
  const whole = resample(picture(100, 90), size, { left: 0, top: 0, ...size }, 'cubic')
  const window = { left: 11, top: 7, widthPx: 20, heightPx: 30 }
  const part = resample(picture(100, 90), size, window, 'cubic')
  for (let y = 0; y < window.heightPx; y++) {
    const at = ((y + window.top) * size.widthPx + window.left) * 3
    const row = part.subarray(y * 60, (y + 1) * 60)
    expect([...row]).toEqual([...whole.subarray(at, at + 60)])
  }
})
