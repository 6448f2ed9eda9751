// What the page asks for: words and signs, the address, and the request that becomes of them.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  canOrderByDate,
  EMPTY,
  isListing,
  PAGE,
  readPlace,
  toFilter,
  toRequest,
  writePlace,
} from '../../src/web/query.ts'
import { adjustedText } from '../../src/web/adjust.ts'
import { toggleConcept } from '../../src/web/teaching.ts'
import { formatWords, parseWords } from '../../src/web/words.ts'

const ID = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)
const noUpload = () => undefined

describe('words', () => {
  test.each([
    ['a red car', [['a red car', 1]]],
    ['  a   red car ', [['a red car', 1]]],
    [
      'a dog + snow - people',
      [
        ['a dog', 1],
        ['snow', 1],
        ['people', -1],
      ],
    ],
    ['- snow', [['snow', -1]]],
    [
      'night + 2:stars - .5:moon',
      [
        ['night', 1],
        ['stars', 2],
        ['moon', -0.5],
      ],
    ],
    // Half typed.
    ['a dog -', [['a dog', 1]]],
    [
      'a dog - 2:',
      [
        ['a dog', 1],
        ['2:', -1],
      ],
    ],
    // What the server would refuse.
    [
      'a dog + 0:cat',
      [
        ['a dog', 1],
        ['0:cat', 1],
      ],
    ],
    [
      'a dog + 101:cat',
      [
        ['a dog', 1],
        ['101:cat', 1],
      ],
    ],
    ['well-known t-shirt', [['well-known t-shirt', 1]]],
    ['', []],
  ])('%j', (words, terms) => {
    expect(parseWords(words).map(({ text, weight }) => [text, weight])).toEqual(terms)
  })

  test('are written as they are read', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/)
    const text = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(' '))
    const weight = fc.constantFrom(1, -1, 2, -0.5)
    fc.assert(
      fc.property(fc.array(fc.record({ text, weight })), (terms) => {
        expect(parseWords(formatWords(terms))).toEqual(terms)
      }),
    )
  })
})

describe('the address', () => {
  const query = {
    words: 'a dog - snow',
    pictures: [
      { key: ID, weight: 1 },
      { key: OTHER, weight: -0.5 },
    ],
    filters: { year: '2024', camera: 'Nikon D5 & co', folder: '/a b/ü' },
    order: 'score' as const,
  }

  test('says the whole question and is read back', () => {
    const place = { query, view: OTHER }
    expect(readPlace(writePlace(place))).toEqual(place)
  })

  test('of nothing is empty', () => {
    expect(writePlace({ query: EMPTY, view: null })).toBe('')
    expect(readPlace('')).toEqual({ query: EMPTY, view: null })
  })

  test('does not hold pictures of this browser, which the history keeps', () => {
    const uploads = [{ key: 'upload-1', weight: 1 }]
    const text = writePlace({ query: { ...EMPTY, pictures: uploads }, view: null })
    expect(text).toBe('')
    expect(readPlace(text, uploads).query.pictures).toEqual(uploads)
  })

  test('that somebody has tampered with is read as far as it makes sense', () => {
    const { query, view } = readPlace('?like=../x&unlike=0:' + ID + '&view=1&order=up&year=')
    expect(query).toEqual(EMPTY)
    expect(view).toBeNull()
  })
})

describe('the request', () => {
  test('has all terms with their weights', () => {
    const query = {
      ...EMPTY,
      words: 'a dog - snow',
      pictures: [
        { key: ID, weight: -1 },
        { key: 'upload-1', weight: 1 },
      ],
    }
    expect(toRequest(query, (key) => (key === 'upload-1' ? 'AAAA' : undefined))).toEqual({
      terms: [
        { text: 'a dog', weight: 1 },
        { text: 'snow', weight: -1 },
        { id: ID, weight: -1 },
        { image: 'AAAA', weight: 1 },
      ],
      limit: PAGE,
      filter: {},
      withoutQuery: true,
    })
  })

  test('without a term is a listing', () => {
    expect(isListing(EMPTY)).toBe(true)
    expect(toRequest({ ...EMPTY, order: 'takenAt' }, noUpload)).toEqual({
      terms: [],
      limit: PAGE,
      filter: {},
    })
  })

  test('is ordered by date where relevance is defined', () => {
    const query = { ...EMPTY, words: 'a dog', order: 'takenAt' as const }
    expect(toRequest(query, noUpload).orderBy).toBe('takenAt')
    const mixed = { ...query, pictures: [{ key: ID, weight: 1 }] }
    expect(canOrderByDate(mixed)).toBe(false)
    expect(toRequest(mixed, noUpload).orderBy).toBeUndefined()
  })

  test('takes filters as the server does', () => {
    expect(toFilter({ year: '2024', format: 'jpeg', gps: 'false', orientation: 'square' })).toEqual(
      {
        after: '2024',
        before: '2025',
        format: ['jpeg'],
        gps: false,
        orientation: 'square',
      },
    )
    expect(toFilter({ orientation: 'round' })).toEqual({})
  })
})

describe('an attribute that is to count for less', () => {
  const query = { ...EMPTY, words: 'a doctor', adjustment: 'balance:gender' }

  test('is in the address', () => {
    const address = writePlace({ query, view: null })
    expect(address).toBe('?q=a+doctor&adjust=balance%3Agender')
    expect(readPlace(address).query).toEqual(query)
    expect(readPlace('?adjust=favour:gender').query).toEqual(EMPTY)
  })

  test('is asked for, but neither by date nor without a question', () => {
    expect(toRequest(query, noUpload)).toMatchObject({ balance: 'gender' })
    const debiased = toRequest({ ...query, adjustment: 'debias:skin-tone' }, noUpload)
    expect(debiased).toMatchObject({ debias: 'skin-tone' })
    expect(toRequest({ ...query, order: 'takenAt' }, noUpload)).not.toHaveProperty('balance')
    expect(toRequest({ ...query, words: '' }, noUpload)).not.toHaveProperty('balance')
  })

  test('is told of in the answer', () => {
    expect(adjustedText(null)).toBe('')
    const debias = { attribute: 'gender', leftAsItIs: null }
    const balance = { attribute: 'age', window: 200, leftAsItIs: 'asks_for_it' as const }
    expect(adjustedText({ debias, balance })).toBe(
      'gender taken out of the question · not balanced: you ask for age',
    )
    expect(adjustedText({ debias: { ...debias, leftAsItIs: 'not_all_text' }, balance: null })).toBe(
      'not debiased: only words are',
    )
  })
})

test('a concept is a term of the sum, and says nothing of relevance', () => {
  const query = { ...EMPTY, words: 'a table + 2:concept:red mug - concept:cup' }
  expect(toRequest(query, () => undefined).terms).toEqual([
    { text: 'a table', weight: 1 },
    { concept: 'red mug', weight: 2 },
    { concept: 'cup', weight: -1 },
  ])
  expect(canOrderByDate(query)).toBe(false)
  expect(toggleConcept('a table', 'red mug')).toBe('a table + concept:red mug')
  expect(toggleConcept('a table + concept:red mug', 'red mug')).toBe('a table')
  expect(toggleConcept('', 'cup')).toBe('concept:cup')
})
