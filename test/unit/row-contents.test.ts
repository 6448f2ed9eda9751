// The packed table of contents and rows, against an array and a Map that do the same.
import { expect, it } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { openRowContents, type RowContents } from '../../src/search/row-contents.ts'
import { seededRandom } from '../bench/report.ts'

/** Comes and goes at random; what is left where goes into the oracle too. */
function churn(contents: RowContents, oracle: (string | null)[], steps: number): void {
  const random = seededRandom(steps)
  const rowOf = new Map(oracle.flatMap((content, row) => (content ? [[content, row]] : [])))
  for (let step = 0; step < steps; step++) {
    const content = sha256(String(Math.floor(random() * 2000)))
    const old = rowOf.get(content)
    expect(contents.rowOf(content)).toBe(old)
    const goes = random() < 0.4
    if (!goes) {
      expect(contents.push(content)).toBe(oracle.length)
      rowOf.set(content, oracle.length)
      oracle.push(content)
    }
    if (old === undefined) continue
    contents.leave(old)
    oracle[old] = null
    if (goes) rowOf.delete(content)
  }
  expect(contents.rows).toBe(oracle.length)
  expect(contents.size).toBe(rowOf.size)
  for (const [row, content] of oracle.entries()) {
    expect(contents.contentAt(row)).toBe(content)
    expect(contents.isLeft(row)).toBe(content === null)
    if (content) expect(contents.rowOf(content)).toBe(row)
  }
}

it('does what an array and a Map do, packed and opened again too', () => {
  const oracle: (string | null)[] = []
  const contents = openRowContents()
  churn(contents, oracle, 5000)
  churn(openRowContents(contents.pack()), oracle, 3000)
})

it('takes nothing but a SHA-256', () => {
  const contents = openRowContents()
  expect(() => contents.push('abc')).toThrow('SHA-256')
  expect(contents.rowOf('abc')).toBeUndefined()
  expect([contents.rows, contents.size]).toEqual([0, 0])
})
