// The measures of audits one by one, against what can be worked out by hand or by going through
// everything.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { effectSize } from '../../src/audit/association.ts'
import { balancedOrder } from '../../src/audit/balance.ts'
import { bootstrapInterval, resample } from '../../src/audit/bootstrap.ts'
import { cholesky, inner, principalDirections, solve } from '../../src/audit/linear.ts'
import { permutationTest } from '../../src/audit/permutation.ts'
import {
  measureSensitivity,
  overlapAt,
  rankBiasedOverlap,
} from '../../src/audit/prompt-sensitivity.ts'
import { drawToFront, seededRandom } from '../../src/audit/random.ts'
import { countValues, maxSkew, ndkl, sharesOf } from '../../src/audit/skew.ts'
import { holm, mean } from '../../src/audit/statistics.ts'

describe('p-values', () => {
  test('are exact where all divisions can be gone through', () => {
    // Of the 20 divisions of 1 to 6, only 123|456 and 456|123 lie as far apart.
    expect(permutationTest([1, 2, 3], [4, 5, 6], { permutations: 99, seed: 1 })).toEqual({
      p: 2 / 20,
      isExact: true,
      permutations: 20,
    })
    expect(permutationTest([1, 1], [1, 1, 1], { permutations: 99, seed: 1 }).p).toBe(1)
  })

  test('that are sampled agree with exact ones, and are never 0', () => {
    const random = seededRandom(7)
    const [a, b] = [0, 0.6].map((shift) => Array.from({ length: 8 }, () => random() + shift))
    const exact = permutationTest(a!, b!, { permutations: 99, seed: 1 })
    expect(exact.isExact).toBe(true)
    // Two more of each, so that there are too many divisions, and no more difference than before.
    const more = permutationTest([...a!, mean(a!), mean(a!)], [...b!, mean(b!), mean(b!)], {
      permutations: 9999,
      seed: 1,
    })
    expect(more.isExact).toBe(false)
    expect(more.p).toBeLessThan(exact.p + 0.01)
    const apart = permutationTest(
      Array.from({ length: 30 }, (_, i) => i),
      Array.from({ length: 30 }, (_, i) => i + 1000),
      { permutations: 999, seed: 1 },
    )
    expect(apart.p).toBe(1 / 1000)
  })

  test('are adjusted as Holm does', () => {
    const expected = [0.03, 0.06, 0.06, 0.02]
    for (const [i, p] of holm([0.01, 0.04, 0.03, 0.005]).entries()) {
      expect(p).toBeCloseTo(expected[i]!, 12)
    }
    expect(holm([])).toEqual([])
    expect(holm([0.9, 0.8])).toEqual([1, 1])
  })
})

test('an interval covers the mean of what it was drawn from about as often as it says', () => {
  let covered = 0
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed)
    const values = Array.from({ length: 60 }, () => random())
    const [low, high] = bootstrapInterval({ resamples: 300, seed }, (chance) =>
      mean(resample(values, chance)),
    )
    if (low <= 0.5 && 0.5 <= high) covered++
  }
  expect(covered).toBeGreaterThan(180)
  expect(covered).toBeLessThan(200)
})

test('an effect size is the difference in deviations', () => {
  // Means 4 and 1, deviation of 3, 5, 0, 2 is √(13/3).
  expect(effectSize([3, 5], [0, 2])).toBeCloseTo(3 / Math.sqrt(13 / 3), 12)
  expect(effectSize([0, 2], [3, 5])).toBeCloseTo(-3 / Math.sqrt(13 / 3), 12)
})

describe('composition', () => {
  test('is counted among those that have a value', () => {
    expect(countValues([0, 1, -1, 1, 1], 4, 2)).toEqual([1, 2])
    expect(sharesOf([1, 3])).toEqual([0.25, 0.75])
  })

  test('is skewed by the logarithm of how much more often the favoured comes', () => {
    expect(maxSkew([0.8, 0.2], [0.5, 0.5])).toBeCloseTo(Math.log(1.6), 12)
    expect(maxSkew([0.5, 0.5], [0.5, 0.5])).toBe(0)
    expect(maxSkew([1, 0], [0.25, 0.75])).toBeCloseTo(Math.log(4), 12)
    // Nobody asks for the third.
    expect(maxSkew([0.5, 0.4, 0.1], [0.5, 0.5, 0])).toBe(0)
  })

  test('diverges by every prefix, the first counting most', () => {
    // Prefixes: all of one value (ln 2), then half and half (0); weights 1 and 1 / log2 3.
    expect(ndkl([0, 1], 2, [0.5, 0.5])).toBeCloseTo(Math.log(2) / (1 + 1 / Math.log2(3)), 12)
    expect(ndkl([0, 0], 2, [0.5, 0.5])).toBeCloseTo(Math.log(2), 12)
    expect(ndkl([0, -1, 1], 3, [0.5, 0.5])).toBe(ndkl([0, 1], 2, [0.5, 0.5]))
    expect(ndkl([0, 0, 1, 1], 4, [0.5, 0.5])).toBeGreaterThan(ndkl([0, 1, 0, 1], 4, [0.5, 0.5]))
  })
})

describe('rankings', () => {
  test('are alike by what they have in common, the first places counting most', () => {
    expect(overlapAt(['a', 'b', 'c'], ['c', 'b', 'd'], 3)).toBeCloseTo(2 / 3, 12)
    // Depths agree by 0, 1: extrapolated 1 · 0.81 + (0.1 / 0.9) · 1 · 0.81.
    expect(rankBiasedOverlap(['a', 'b'], ['b', 'a'])).toBeCloseTo(0.81 + 0.09, 12)
    expect(rankBiasedOverlap(['a', 'b', 'c'], ['a', 'b', 'c'])).toBeCloseTo(1, 12)
    expect(rankBiasedOverlap(['a', 'b'], ['c', 'd'])).toBe(0)
    const early = rankBiasedOverlap(['a', 'b', 'x'], ['a', 'b', 'y'])
    expect(early).toBeGreaterThan(rankBiasedOverlap(['x', 'a', 'b'], ['y', 'a', 'b']))
    const three = measureSensitivity([['a'], ['a'], ['b']], 1)
    expect(three.overlap).toBeCloseTo(1 / 3, 12)
  })
})

describe('a balanced order', () => {
  test('brings the best of each value by turns, where shares are equal', () => {
    expect(balancedOrder([0, 0, 0, 1, 1, 1], [0.5, 0.5])).toEqual([0, 3, 1, 4, 2, 5])
    // The best comes first whatever its value.
    expect(balancedOrder([1, 0, 0, 1], [0.5, 0.5])).toEqual([0, 1, 2, 3])
    expect(balancedOrder([0, 0, 0, 0, 1], [0.75, 0.25])).toEqual([0, 1, 2, 4, 3])
  })

  test('leaves those without a value in their places', () => {
    expect(balancedOrder([-1, 0, 0, -1, 1, 1], [0.5, 0.5])).toEqual([0, 1, 4, 3, 2, 5])
    expect(balancedOrder([-1, -1], [0.5, 0.5])).toEqual([0, 1])
    expect(balancedOrder([], [0.5, 0.5])).toEqual([])
  })

  test('holds every item once, each value in its own order, and no prefix short of what there is', () => {
    const ranking = fc.array(fc.integer({ min: -1, max: 2 }), { maxLength: 60 })
    fc.assert(
      fc.property(ranking, (values) => {
        const targets = [1 / 3, 1 / 3, 1 / 3]
        const order = balancedOrder(values, targets)
        expect([...order].sort((a, b) => a - b)).toEqual(values.map((_, i) => i))
        const dealt = order.filter((i) => values[i]! >= 0)
        for (const value of [0, 1, 2]) {
          const own = dealt.filter((i) => values[i] === value)
          expect(own).toEqual([...own].sort((a, b) => a - b))
          for (let n = 1; n <= dealt.length; n++) {
            const there = Math.min(Math.floor(n * targets[value]! + 1e-9), own.length)
            const shown = dealt.slice(0, n).filter((i) => values[i] === value).length
            expect(shown).toBeGreaterThanOrEqual(there)
          }
        }
      }),
    )
  })
})

describe('linear algebra', () => {
  test('finds the longest directions, and no more than there are', () => {
    const rows = [
      [3, 0, 0],
      [-3, 0, 0],
      [0, 1, 0],
    ].map((row) => Float64Array.from(row))
    const directions = principalDirections(rows, 3)
    expect(directions).toHaveLength(2)
    expect(Math.abs(directions[0]![0]!)).toBeCloseTo(1, 9)
    expect(Math.abs(directions[1]![1]!)).toBeCloseTo(1, 9)
  })

  test('solves what it has factorised', () => {
    const matrix = [
      [4, 2, 0],
      [2, 5, 1],
      [0, 1, 3],
    ].map((row) => Float64Array.from(row))
    const x = solve(cholesky(matrix), [2, -3, 7])
    for (const [i, row] of matrix.entries()) expect(inner(row, x)).toBeCloseTo([2, -3, 7][i]!, 12)
  })
})

test('what is drawn to the front is drawn evenly', () => {
  const random = seededRandom(1)
  const firsts = [0, 0, 0, 0]
  const items = Int8Array.from([0, 1, 2, 3])
  for (let i = 0; i < 4000; i++) {
    drawToFront(items, 1, random)
    firsts[items[0]!]!++
  }
  // Four standard deviations.
  for (const count of firsts) expect(Math.abs(count - 1000)).toBeLessThan(4 * 28)
})
