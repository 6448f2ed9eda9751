import { expect, test } from 'vitest'
import { fromHalf, toHalf } from '../../src/core/half.ts'

test('every 16-bit float comes back as itself', () => {
  const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits)
  const isNaN = (bits: number) => (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0
  const back = toHalf(fromHalf(all))
  const wrong = [...all].filter((bits) => (isNaN(bits) ? !isNaN(back[bits]!) : back[bits] !== bits))
  expect(wrong).toEqual([])
})

// IEEE 754: to the nearest, and to the even one of two that are as near.
test.each([
  [1, 0x3c00],
  [-2, 0xc000],
  [65504, 0x7bff],
  [65519.99, 0x7bff],
  [65520, 0x7c00],
  [Number.NEGATIVE_INFINITY, 0xfc00],
  [2 ** -24, 0x0001],
  [2 ** -25, 0x0000],
  [2 ** -25 * 1.01, 0x0001],
  [3 * 2 ** -25, 0x0002],
  [2 ** -14 - 2 ** -26, 0x0400],
  [1 + 2 ** -11, 0x3c00],
  [1 + 3 * 2 ** -11, 0x3c02],
  [0.1, 0x2e66],
  [-0, 0x8000],
])('%d is %i', (value, bits) => {
  expect(toHalf(Float32Array.of(value))[0]).toBe(bits)
})
