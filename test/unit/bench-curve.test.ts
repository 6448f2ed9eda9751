// Equal recall is read off between measured points, never beyond them.
import { expect, it } from 'vitest'
import type { Point } from '../bench/million/built.ts'
import { msAtRecall } from '../bench/million/curve.ts'

const point = (recall: number, ms: number): Point => ({ ef: 1, recall, tookMs: [ms, ms, ms] })
const points = [point(0.99, 4), point(0.8, 1), point(0.9, 2)]

it('reads off between two points, in whatever order they come', () => {
  expect(msAtRecall(points, 0.9, 0.5)).toBe(2)
  expect(msAtRecall(points, 0.945, 0.5)).toBeCloseTo(3, 10)
})

it('says nothing beyond the points', () => {
  expect(msAtRecall(points, 0.995, 0.5)).toBeNull()
  expect(msAtRecall(points, 0.5, 0.5)).toBeNull()
})
