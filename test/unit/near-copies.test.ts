import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { NEAR_COPY_BITS } from '../../src/core/bits.ts'
import { findNearPairs, nearBits, type Print, printOf } from '../../src/search/near-copies.ts'
import { noise } from '../helpers/noise-pictures.ts'

const hex = (value: bigint) => BigInt.asUintN(64, value).toString(16).padStart(16, '0')
const id = (i: number) => i.toString(16).padStart(64, '0')

function bitsOf(a: string, b: string): number {
  const differing = (BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(2)
  return differing.replaceAll('0', '').length
}

test('finds exactly the pairs that comparing all finds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.array(fc.integer({ min: 0, max: 63 }), { maxLength: 10 }), { maxLength: 25 }),
      async (seeds, flips) => {
        // Around each seed, so that there are pairs at every distance about the limit.
        const hashes = flips.map((bits, i) =>
          hex(bits.reduce((hash, bit) => hash ^ (1n << BigInt(bit)), seeds[i % seeds.length]!)),
        )
        const prints = hashes.flatMap((hash, i) => printOf(id(i), hash, 4, 3) ?? [])
        const expected = prints.flatMap((a, i) =>
          prints.slice(i + 1).flatMap((b) => {
            const [one, other] = [hashes[Number(`0x${a.id}`)]!, hashes[Number(`0x${b.id}`)]!]
            const bits = bitsOf(one, other)
            return bits <= NEAR_COPY_BITS ? [`${a.id} ${b.id} ${bits}`] : []
          }),
        )
        const found = (await findNearPairs(prints)).map(({ a, b, bits }) => `${a} ${b} ${bits}`)
        expect(found.sort()).toEqual(expected.sort())
      },
    ),
    { seed: 42, numRuns: 300 },
  )
})

test('a picture without structure is no near copy of anything', () => {
  expect(printOf(id(1), '0000000000000000', 4, 3)).toBeNull()
  expect(printOf(id(1), '00000000000000ff', 4, 3)).toBeNull()
})

test('a crop is no near copy, a picture of another size is', () => {
  const hash = 'ffff0000ffff0000'
  const at = (width: number, height: number) => printOf(id(1), hash, width, height) as Print
  expect(nearBits(at(4000, 3000), at(401, 300))).toBe(0)
  expect(nearBits(at(4000, 3000), at(3000, 3000))).toBeNull()
})

test('other work runs while many are compared', async () => {
  const prints = Array.from({ length: 20_000 }, (_, i) => {
    return printOf(id(i), noise(i, 8).toString('hex'), 4, 3) ?? []
  }).flat()
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  await findNearPairs(prints)
  clearInterval(timer)
  expect(turns).toBeGreaterThan(3)
})
