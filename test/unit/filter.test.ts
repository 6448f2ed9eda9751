import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { firstMoment } from '../../src/core/wall-time.ts'
import { fingerprint, readCursor, writeCursor } from '../../src/search/cursor.ts'
import { type Filter, isEmptyFilter, parseFilter } from '../../src/search/filter.ts'
import { isRelevant, percentile } from '../../src/search/relevance.ts'
import { vectorOf } from '../helpers/shared-store.ts'

describe('a date in part or in full', () => {
  test.each([
    ['2020', '2020-01-01T00:00:00'],
    ['2020-05', '2020-05-01T00:00:00'],
    ['2020-02-29', '2020-02-29T00:00:00'],
    ['2020-05-31T18:30', '2020-05-31T18:30:00'],
    [' 0999-12-31 23:59:59 ', '0999-12-31T23:59:59'],
  ])('%s begins at %s', (text, moment) => expect(firstMoment(text)).toBe(moment))

  test.each(['', '20', '0000', '2020-13', '2020-00', '2019-02-29', '2020-1-1', '2020-05-31T24:00'])(
    '%j is none',
    (text) => expect(firstMoment(text)).toBeNull(),
  )
})

describe('a filter', () => {
  test('that asks for nothing is empty', () => {
    expect(isEmptyFilter(parseFilter({}))).toBe(true)
    expect(isEmptyFilter(parseFilter({ root: undefined, gps: undefined }))).toBe(true)
    expect(isEmptyFilter(parseFilter({ gps: false }))).toBe(false)
  })

  test('takes the name of a folder as it is', () => {
    const filter = { root: '/photos ', folder: '/photos / Trip ', camera: ' Canon ' }
    expect(parseFilter(filter)).toMatchObject({
      folders: ['/photos ', '/photos / Trip '],
      camera: 'Canon',
    })
  })

  const wrong: readonly [object, string][] = [
    [{ folder: ' ' }, 'a text that is not empty for filter.folder'],
    [
      { after: 'yesterday' },
      'a date such as 2020, 2020-05, 2020-05-31 or 2020-05-31T18:30 for filter.after but received "yesterday"',
    ],
    [{ before: 2020 }, 'for filter.before but received 2020'],
    [{ camera: ' ' }, 'a text that is not empty for filter.camera'],
    [{ format: [] }, 'one or more names for filter.format'],
    [
      { near: { latitude: 91, longitude: 0, radiusKm: 1 } },
      'degrees between -90 and 90 for filter.near.latitude but received 91',
    ],
    [
      { near: { latitude: 0, longitude: 0, radiusKm: -1 } },
      'kilometres, 0 or more for filter.near.radiusKm',
    ],
    [{ near: '48,2,1' }, 'latitude, longitude and radiusKm for filter.near'],
    [
      { box: { south: 1, west: 0, north: 0, east: 1 } },
      'a south that is not north of the north for filter.box',
    ],
    [
      { box: { south: 1, west: 181, north: 2, east: 1 } },
      'degrees between -180 and 180 for filter.box.west',
    ],
    [{ gps: 'yes' }, 'true or false for filter.gps'],
    [{ orientation: 'tall' }, 'landscape, portrait or square for filter.orientation'],
    [{ minWidth: 0 }, 'a whole number of pixels for filter.minWidth'],
    [{ generated: 'some' as 'any' }, 'any, only or none for filter.generated'],
    [{ minHeight: 1.5 }, 'a whole number of pixels for filter.minHeight'],
    [{ colour: 'red' }, 'only root, folder, format'],
  ]
  test.each(wrong)('%j is refused by name', (filter, message) => {
    expect(() => parseFilter(filter as Filter)).toThrow(
      expect.objectContaining({ code: 'bad_input', message: expect.stringContaining(message) }),
    )
  })
})

describe('a cursor', () => {
  const of = fingerprint(['a search'])
  const at = { content: sha256('x'), score: 0.1 + 0.2, seen: 10 }

  test('is read back as it was written', () => {
    expect(readCursor(of, writeCursor(of, { at, asOf: 7 }))).toEqual({ at, asOf: 7 })
    const byDate = { hash: sha256('x'), takenAt: null }
    expect(readCursor(of, writeCursor(of, { at: byDate, asOf: 0 }))).toEqual({
      at: byDate,
      asOf: 0,
    })
  })

  test.each(['', 'abc', '%%%', writeCursor(fingerprint(['another']), { at, asOf: 7 })])(
    '%j is refused',
    (cursor) => {
      expect(() => readCursor(of, cursor)).toThrow(expect.objectContaining({ code: 'bad_input' }))
    },
  )
})

test('what is relevant is what has the percentile', () => {
  const unit = fc.nat().map((name) => vectorOf(String(name)))
  const bank = fc.array(unit, { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(bank, unit, fc.double({ min: -1, max: 1, noNaN: true }), (bank, picture, score) => {
      for (const threshold of [0, 0.25, 0.5, 0.99, 1]) {
        const expected = percentile(bank, picture, score) >= threshold
        expect(isRelevant(bank, picture, score, threshold)).toBe(expected)
      }
    }),
    { seed: 42 },
  )
})
