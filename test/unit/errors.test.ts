import { expect, test } from 'vitest'
import {
  explainFullDisk,
  invalidInput,
  LucidaError,
  messageOf,
  systemCode,
} from '../../src/core/errors.ts'

test('an error carries its code, its words and its cause', () => {
  const cause = new Error('disk on fire')
  const error = new LucidaError('unreadable', 'Cannot read a.jpg', { cause })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'LucidaError',
    code: 'unreadable',
    message: 'Cannot read a.jpg',
    cause,
  })
})

test.each([
  [0, '0'],
  [Number.NaN, 'NaN'],
  ['a "b"', '"a \\"b\\""'],
  [undefined, 'undefined'],
  [null, 'null'],
  [[1, 2], 'Array'],
  [new Map(), 'Map'],
  [Object.create(null), 'object'],
])('invalid input says what was expected and what came: %j', (actual, words) => {
  expect(invalidInput('limit', 'integer between 1 and 200', actual)).toMatchObject({
    code: 'bad_input',
    message: `Expected integer between 1 and 200 for limit but received ${words}`,
  })
})

test('anything that is thrown has a message', () => {
  expect(messageOf(new Error('broken'))).toBe('broken')
  expect(messageOf('broken')).toBe('broken')
  expect(messageOf(undefined)).toBe('undefined')
})

test('only a text counts as a system code', () => {
  expect(systemCode(Object.assign(new Error('no file'), { code: 'ENOENT' }))).toBe('ENOENT')
  expect(systemCode({ code: 7 })).toBeUndefined()
  expect(systemCode(new Error('plain'))).toBeUndefined()
  expect(systemCode(null)).toBeUndefined()
})

test('a full disk is said in clear words, however deep its code lies', () => {
  const full = (code: string) => Object.assign(new Error('could not extend file'), { code })
  for (const code of ['ENOSPC', 'EDQUOT', '53100']) {
    const error = new Error('Failed query: insert …', { cause: full(code) })
    expect(explainFullDisk(error, '/data')).toMatchObject({
      code: 'disk_full',
      message: expect.stringMatching(/^The disk of \/data is full \(could not extend file\)\. /),
      cause: error,
    })
  }
})

test.each([new Error('out of memory'), 'no error', new LucidaError('not_found', 'gone')])(
  'what is no full disk is left as it is: %s',
  (error) => expect(explainFullDisk(error, '/data')).toBe(error),
)
