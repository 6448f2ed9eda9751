import { describe, expect, test } from 'vitest'
import { isAnythingFound, orderIfNotFound } from '../../src/develop/if-not-found.ts'

describe('what is drawn where nothing is found', () => {
  const KEPT = { keep: 'accepted', rounds: 3 }

  test('one text is what is drawn; several are summed', () => {
    expect(orderIfNotFound([{ text: 'a fox' }])).toEqual({ idea: { text: 'a fox' }, ...KEPT })
    const sum = [{ text: 'a fox' }, { text: 'snow', weight: -1 }]
    expect(orderIfNotFound(sum)).toEqual({ idea: { mix: sum }, ...KEPT })
    const minus = [{ text: 'a fox', weight: -1 }]
    expect(orderIfNotFound(minus)).toEqual({ idea: { mix: minus }, ...KEPT })
  })

  test.each([[[]], [[{ id: 'f'.repeat(64) }]], [[{ text: 'a' }, { path: 'a.png' }]]])(
    'of %j nobody knows whether it was found',
    (terms) => {
      expect(() => orderIfNotFound(terms)).toThrow('texts only')
    },
  )
})

describe('something is found', () => {
  const page = (threshold: number | null, ...relevances: number[]) => ({
    relevanceThreshold: threshold,
    results: relevances.map((relevance) => ({ relevance })),
  })

  test.each([
    ['one hit reaches the threshold', page(0.9, 0.2, 0.9), true],
    ['none does', page(0.9, 0.2, 0.89), false],
    ['there is none', page(0.9), false],
    ['there are hits, and no threshold', page(null, 0), true],
    ['there is neither', page(null), false],
  ])('%s', (_, answer, isFound) => {
    expect(isAnythingFound(answer)).toBe(isFound)
  })

  test('by date, whatever is shown', () => {
    expect(isAnythingFound(page(0.9, 0.1), 'takenAt')).toBe(true)
    expect(isAnythingFound(page(0.9), 'takenAt')).toBe(false)
  })
})
