import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
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

describe('equals Pillow, byte for byte', () => {
  test.each(cases)('$from to $to, $filter', ({ from, to, filter, ...expected }) => {
    const [widthPx, heightPx] = to
    const whole = { left: 0, top: 0, widthPx, heightPx }
    const bytes = resample(picture(...from), { widthPx, heightPx }, whole, filter)
    expect(sha256(bytes)).toBe(expected.sha256)
  })
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
