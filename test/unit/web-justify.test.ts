// The page's grid: rows fill the width exactly, nearly at the wanted height, in order.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { justify, neighbour } from '../../src/web/justify.ts'

const FRAME = { width: 1000, rowHeight: 200, gap: 10 }

test('pictures of one shape lie in rows that fill the width', () => {
  // Three are 218 high, four would be 161.
  const tiles = justify([1.5, 1.5, 1.5, 1.5, 1.5, 1.5], FRAME)
  expect(tiles.map(({ row }) => row)).toEqual([0, 0, 0, 1, 1, 1])
  for (const row of [0, 1]) {
    const inRow = tiles.filter((tile) => tile.row === row)
    expect(inRow.reduce((sum, { width }) => sum + width, 0) + 2 * FRAME.gap).toBe(1000)
  }
})

test('a last row that is nearly empty is not stretched', () => {
  const tiles = justify([1.5, 1.5, 1.5, 1], FRAME)
  expect(tiles.at(-1)).toEqual({ row: 1, left: 0, width: 200, height: 200 })
})

test('nothing is laid out of nothing', () => {
  expect(justify([], FRAME)).toEqual([])
})

test('every picture has a place in its row, inside the frame, whatever the shapes', () => {
  const ratio = fc.double({ min: 0.05, max: 20, noNaN: true })
  const shapes = fc.array(ratio, { minLength: 1, maxLength: 80 })
  fc.assert(
    fc.property(shapes, fc.integer({ min: 280, max: 3000 }), (ratios, width) => {
      const tiles = justify(ratios, { width, rowHeight: 200, gap: 6 })
      expect(tiles).toHaveLength(ratios.length)
      const last = tiles.at(-1)!.row
      for (let row = 0; row <= last; row++) {
        const inRow = tiles.filter((tile) => tile.row === row)
        expect(new Set(inRow.map(({ height }) => height)).size).toBe(1)
        let edge = 0
        for (const { left, width } of inRow) {
          expect(left).toBe(edge)
          expect(width).toBeGreaterThan(0)
          edge = left + width + 6
        }
        if (row < last) expect(edge - 6).toBe(width)
        else expect(edge - 6).toBeLessThanOrEqual(width + inRow.length)
      }
    }),
  )
})

describe('arrow keys', () => {
  const tiles = justify([1.5, 1.5, 1.5, 1, 1, 1, 1, 1], FRAME)
  test.each([
    [0, 'left', 0],
    [0, 'right', 1],
    [0, 'down', 3],
    [2, 'down', 7],
    [7, 'up', 2],
    [1, 'up', 1],
    [7, 'right', 7],
    [7, 'down', 7],
  ] as const)('from %i %s to %i', (from, direction, to) => {
    expect(neighbour(tiles, from, direction)).toBe(to)
  })
})
