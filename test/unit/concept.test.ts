import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalize, type UnitVector } from '../../src/core/vector.ts'
import {
  conceptDeviation,
  conceptDirection,
  conceptProbability,
  conceptThreshold,
  fitConcept,
} from '../../src/search/concept.ts'
import { type Example, fitRidge } from '../../src/search/ridge.ts'
import { seededRandom } from '../bench/report.ts'

const D = 6

/** Directions spread about `centre`. */
function cloud(centre: readonly number[], n: number, width: number, seed: number): UnitVector[] {
  const random = seededRandom(seed)
  return Array.from({ length: n }, () =>
    normalize(centre.map((value) => value + width * (random() + random() + random() - 1.5))),
  )
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0)

describe('ridge regression', () => {
  test('of one number is what the formula says', async () => {
    // Two examples about their mean: slope = Σ c x y / (Σ c x² + λ), here 2·½ / (2 + 0.5).
    const at = (x: number, target: number): Example => ({
      vector: Float32Array.of(x),
      target,
      weight: 1,
    })
    const { weights, bias } = await fitRidge([at(-1, 0), at(1, 1)], Float64Array.of(0), 0.5)
    expect(weights[0]).toBeCloseTo(1 / 2.5, 12)
    expect(bias).toBeCloseTo(0.5, 12)
    // A hundred times the penalty leaves nothing but where it is shrunk to, and the intercept.
    const toward = await fitRidge([at(-1, 0), at(1, 1)], Float64Array.of(3), 1e9)
    expect(toward.weights[0]).toBeCloseTo(3, 6)
    expect(toward.bias).toBeCloseTo(0.5, 6)
  })

  test('an example left out is scored as by a fit to the others', async () => {
    const number = fc.integer({ min: -100, max: 100 }).map((value) => value / 50)
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            vector: fc
              .array(number, { minLength: 3, maxLength: 3 })
              .map((v) => Float32Array.from(v)),
            target: number,
            weight: fc.integer({ min: 1, max: 40 }).map((value) => value / 10),
          }),
          { minLength: 3, maxLength: 12 },
        ),
        fc.array(number, { minLength: 3, maxLength: 3 }),
        fc.integer({ min: 1, max: 50 }).map((value) => value / 10),
        async (examples, toward, penalty) => {
          const all = await fitRidge(examples, Float64Array.from(toward), penalty)
          for (const [i, { vector }] of examples.entries()) {
            const others = examples.filter((_, j) => j !== i)
            const without = await fitRidge(others, Float64Array.from(toward), penalty)
            const expected = dot(without.weights, vector) + without.bias
            expect(all.leftOut[i]).toBeCloseTo(expected, 7)
          }
        },
      ),
      { seed: 42, numRuns: 100 },
    )
  })

  test('nothing that is changed a little lowers what it minimises', async () => {
    const random = seededRandom(3)
    const examples = Array.from({ length: 20 }, () => ({
      vector: Float32Array.from({ length: D }, () => random() - 0.5),
      target: random(),
      weight: 0.1 + random(),
    }))
    const toward = Float64Array.from({ length: D }, () => random())
    const { weights, bias } = await fitRidge(examples, toward, 0.7)
    const cost = (w: Float64Array, b: number) =>
      examples.reduce(
        (sum, { vector, target, weight }) => {
          return sum + weight * (target - dot(w, vector) - b) ** 2
        },
        0.7 *
          dot(
            w.map((value, i) => value - toward[i]!),
            w.map((value, i) => value - toward[i]!),
          ),
      )
    const least = cost(weights, bias)
    for (const step of [1e-3, -1e-3]) {
      expect(cost(weights, bias + step)).toBeGreaterThan(least)
      for (let i = 0; i < D; i++) {
        const moved = weights.map((value, j) => (i === j ? value + step : value))
        expect(cost(moved, bias)).toBeGreaterThan(least)
      }
    }
  })
})

describe('a concept', () => {
  const background = cloud([1, 0, 0, 0, 0, 0], 300, 0.5, 1)
  const ones = cloud([1, 1, 0, 0, 0, 0], 40, 0.2, 2)
  const [positives, unseen] = [ones.slice(0, 5), ones.slice(5)]

  test('of five examples is found again, and rare among the others', async () => {
    const { head, quality } = await fitConcept({ positives, negatives: [], background })
    const mean = (some: readonly UnitVector[]) =>
      some.reduce((sum, one) => sum + conceptProbability(head, one), 0) / some.length
    expect(mean(unseen)).toBeGreaterThan(5 * mean(cloud([1, 0, 0, 0, 0, 0], 300, 0.5, 3)))
    expect(quality!.auc).toBeGreaterThan(0.9)
    expect(quality!.averagePrecision).toBeGreaterThan(0.2)
    expect(await fitConcept({ positives, negatives: [], background })).toEqual({ head, quality })
  })

  test('of one example works, and says that its quality is not known', async () => {
    const { head, quality } = await fitConcept({
      positives: ones.slice(0, 1),
      negatives: [],
      background,
    })
    expect(quality).toBeNull()
    const direction = conceptDirection(head)
    const above = (one: UnitVector) =>
      background.filter((other) => dot(direction, other) < dot(direction, one))
    const shares = unseen.map((one) => above(one).length / background.length)
    expect(shares.reduce((a, b) => a + b, 0) / shares.length).toBeGreaterThan(0.85)
  })

  test('counter-examples come to less than they would without', async () => {
    const negatives = cloud([1, 1, 1, 0, 0, 0], 5, 0.1, 4)
    const plain = await fitConcept({ positives, negatives: [], background })
    const told = await fitConcept({ positives, negatives, background })
    const sum = (head: typeof plain.head) =>
      negatives.reduce((total, one) => total + conceptProbability(head, one), 0)
    expect(sum(told.head)).toBeLessThan(sum(plain.head))
  })

  test('is drawn toward its words', async () => {
    const text = normalize([0, 0, 0, 0, 0, 1])
    const positives = ones.slice(0, 1)
    const without = await fitConcept({ positives, negatives: [], background })
    const withText = await fitConcept({ positives, negatives: [], background, text })
    expect(conceptDirection(withText.head)[5]).toBeGreaterThan(
      conceptDirection(without.head)[5]! + 0.2,
    )
  })

  test('ranks and cuts by the same measure', async () => {
    const { head } = await fitConcept({ positives, negatives: [], background })
    const direction = conceptDirection(head)
    for (const atLeast of [0.05, 0.5, 0.9]) {
      const threshold = conceptThreshold(head, atLeast)
      for (const one of [...ones, ...background]) {
        const cosine = dot(direction, one)
        if (Math.abs(cosine - threshold) < 1e-6) continue
        expect(cosine > threshold).toBe(conceptProbability(head, one) > atLeast)
      }
    }
    const [low, high] = [background[0]!, ones[0]!]
    expect(conceptDeviation(head, high)).toBeGreaterThan(conceptDeviation(head, low))
    const mean = background.reduce((sum, one) => sum + conceptDeviation(head, one), 0) / 300
    expect(Math.abs(mean)).toBeLessThan(0.3)
  })

  test('needs an example, and something else', async () => {
    const needs = (part: Partial<Parameters<typeof fitConcept>[0]>) =>
      fitConcept({ positives, negatives: [], background, ...part })
    await expect(needs({ positives: [] })).rejects.toThrow('at least one picture')
    await expect(needs({ background: [] })).rejects.toThrow('nothing to tell it from')
  })
})
