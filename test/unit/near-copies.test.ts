import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { NEAR_COPY_BITS } from '../../src/core/bits.ts'
import { findNearPairs, nearBits, type Print, printOf } from '../../src/search/near-copies.ts'
import { noise } from '../helpers/noise-pictures.ts'

const hex = (value: bigint) => BigInt.asUintN(64, value).toString(16).padStart(16, '0')
const id = (i: number) => i.toString(16).padStart(64, '0')

/** The smaller distance of two hashes, one of them mirrored or not. */
function bitsOf(a: string, b: string): number {
  const count = (differing: bigint) => differing.toString(2).replaceAll('0', '').length
  const straight = BigInt(`0x${a}`) ^ BigInt(`0x${b}`)
  return Math.min(count(straight), count(straight ^ 0xaaaaaaaaaaaaaaaan))
}

test('finds exactly the pairs that comparing all finds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.array(fc.integer({ min: 0, max: 63 }), { maxLength: 10 }), { maxLength: 25 }),
      async (seeds, flips) => {
        // Around each seed, so that there are pairs at every distance about the limit.
        // Every third is mirrored.
        const hashes = flips.map((bits, i) => {
          const seed = seeds[i % seeds.length]! ^ (i % 3 === 2 ? 0xaaaaaaaaaaaaaaaan : 0n)
          return hex(bits.reduce((hash, bit) => hash ^ (1n << BigInt(bit)), seed))
        })
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

test('a crop has another hash, a picture of another size has not', () => {
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
