import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  asUnitVector,
  dot,
  normalize,
  slerp,
  type UnitVector,
  weightedSum,
} from '../../src/core/vector.ts'

const DIMENSION = 8

/** Vectors with a direction: no component is too small to be told from zero in float32. */
const direction = fc
  .array(fc.float({ min: -10, max: 10, noNaN: true }), {
    minLength: DIMENSION,
    maxLength: DIMENSION,
  })
  .filter((values) => Math.hypot(...values) > 1e-3)
const unitVector = direction.map(normalize)
const weight = fc
  .double({ min: -100, max: 100, noNaN: true })
  .filter((value) => Math.abs(value) > 0.01)

const lengthOf = (vector: Float32Array) => Math.sqrt(dot(vector, vector))
const badInput = expect.objectContaining({ code: 'bad_input' })

describe('normalize', () => {
  test('gives length 1 and keeps the direction', () => {
    fc.assert(
      fc.property(direction, (values) => {
        const vector = normalize(values)
        expect(lengthOf(vector)).toBeCloseTo(1, 5)
        const exact = values.map((value) => value / Math.hypot(...values))
        expect(dot(vector, Float32Array.from(exact))).toBeCloseTo(1, 5)
      }),
    )
  })

  test('leaves its argument as it was', () => {
    const given = Float32Array.of(3, 4)
    expect([...normalize(given)]).toEqual([Math.fround(0.6), Math.fround(0.8)])
    expect([...given]).toEqual([3, 4])
  })

  test('works on very short and very long vectors', () => {
    expect(lengthOf(normalize([3e-11, 4e-11]))).toBeCloseTo(1, 5)
    expect(lengthOf(normalize([3e37, 4e37]))).toBeCloseTo(1, 5)
  })

  test.each([[[0, 0]], [[Number.NaN, 1]], [[Number.POSITIVE_INFINITY, 1]], [[]]])(
    'refuses %j, which has no direction',
    (values) => {
      expect(() => normalize(values)).toThrow(badInput)
    },
  )
})

describe('asUnitVector', () => {
  test('hands back the very vector when it is of length 1', () => {
    const vector = Float32Array.of(0.6, 0.8)
    expect(asUnitVector(vector)).toBe(vector)
  })

  test.each([[[0.6, 0.81]], [[0, 0]], [[Number.NaN, 0]]])('refuses %j', (values) => {
    expect(() => asUnitVector(Float32Array.from(values))).toThrow(badInput)
  })
})

describe('weightedSum', () => {
  const terms = fc.array(fc.record({ vector: unitVector, weight }), { minLength: 1, maxLength: 4 })

  /** The sum in double precision, not normalised. */
  const exactSum = (of: readonly { vector: UnitVector; weight: number }[]) =>
    Array.from({ length: DIMENSION }, (_, i) =>
      of.reduce((sum, { vector, weight }) => sum + weight * vector[i]!, 0),
    )

  test('is of unit length and points along the exact sum', () => {
    fc.assert(
      fc.property(terms, (given) => {
        const sum = exactSum(given)
        fc.pre(Math.hypot(...sum) > 0.01)
        const result = weightedSum(given)
        expect(lengthOf(result)).toBeCloseTo(1, 5)
        expect(dot(result, normalize(sum))).toBeCloseTo(1, 4)
      }),
    )
  })

  test('does not depend on the scale of the weights', () => {
    fc.assert(
      fc.property(terms, fc.constantFrom(1e-6, 1e-3, 100), (given, scale) => {
        fc.pre(Math.hypot(...exactSum(given)) > 0.01)
        const scaled = given.map(({ vector, weight }) => ({ vector, weight: weight * scale }))
        expect(dot(weightedSum(scaled), weightedSum(given))).toBeCloseTo(1, 4)
      }),
    )
  })

  test('of one term is that term, or its opposite', () => {
    fc.assert(
      fc.property(unitVector, weight, (vector, weight) => {
        const cosine = dot(weightedSum([{ vector, weight }]), vector)
        expect(cosine).toBeCloseTo(Math.sign(weight), 5)
      }),
    )
  })

  test('refuses terms that cancel out', () => {
    fc.assert(
      fc.property(unitVector, weight, (vector, weight) => {
        const terms = [
          { vector, weight },
          { vector, weight: -weight },
        ]
        expect(() => weightedSum(terms)).toThrow(badInput)
      }),
    )
  })

  test('refuses terms that differ by rounding only, whatever their weights', () => {
    const vector = normalize(Array.from({ length: 256 }, (_, i) => Math.sin(i + 1)))
    const rounded = vector.map((value) => value * (1 + 2 ** -22)) as UnitVector
    const terms = [
      { vector, weight: 100 },
      { vector: rounded, weight: -100 },
    ]
    expect(() => weightedSum(terms)).toThrow(badInput)
  })

  test('refuses no terms at all, and vectors of different models', () => {
    expect(() => weightedSum([])).toThrow(badInput)
    const terms = [
      { vector: normalize([1, 0]), weight: 1 },
      { vector: normalize([1, 0, 0]), weight: 1 },
    ]
    expect(() => weightedSum(terms)).toThrow(
      expect.objectContaining({ code: 'dimension_mismatch' }),
    )
  })
})

describe('slerp', () => {
  test('keeps the length and turns by equal angles', () => {
    fc.assert(
      fc.property(
        unitVector,
        unitVector,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (a, b, at) => {
          const whole = Math.acos(Math.min(1, Math.max(-1, dot(a, b))))
          fc.pre(whole > 0.01 && whole < Math.PI - 0.01)
          const between = slerp(a, b, at)
          expect(lengthOf(between)).toBeCloseTo(1, 5)
          expect(dot(a, between)).toBeCloseTo(Math.cos(at * whole), 3)
          expect(dot(between, b)).toBeCloseTo(Math.cos((1 - at) * whole), 3)
        },
      ),
    )
  })

  test('begins and ends where it should, however near the ends are', () => {
    const a = normalize([1, 0])
    const b = normalize([1, 1e-5])
    expect([...slerp(a, b, 0)]).toEqual([...a])
    expect(dot(slerp(a, b, 1), b)).toBeCloseTo(1, 6)
    expect(dot(slerp(a, a, 0.3), a)).toBeCloseTo(1, 6)
  })

  test('refuses opposite vectors', () => {
    expect(() => slerp(normalize([1, 0]), normalize([-1, 0]), 0.3)).toThrow(badInput)
  })
})
