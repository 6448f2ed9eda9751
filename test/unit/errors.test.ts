import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import {
  explainAwayDatabase,
  explainFullDisk,
  invalidInput,
  LucidaError,
  messageOf,
  systemCode,
} from '../../src/core/errors.ts'
import { assertFreeSpace } from '../../src/store/free-space.ts'

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

test('what a full disk has left is only called kept where it is', () => {
  const full = coded('no space left', { code: 'ENOSPC' })
  const said = (kept?: boolean) => messageOf(explainFullDisk(full, '/data', kept))
  expect(said()).toContain('What was done is kept')
  expect(said(false)).not.toContain('kept')
  expect(said(false)).toContain('Free some space')
})

test('nor is it where a full disk is met ahead of time', async () => {
  const said = (kept?: boolean) => assertFreeSpace(tmpdir(), 2 ** 80, kept).catch(messageOf)
  expect(await said()).toContain('What was done is kept; free some space')
  expect(await said(false)).toMatch(/needs \d+ MiB\. Free some space/)
})

test.each([new Error('out of memory'), 'no error', new LucidaError('not_found', 'gone')])(
  'what is no full disk is left as it is: %s',
  (error) => expect(explainFullDisk(error, '/data')).toBe(error),
)

const coded = (message: string, more: object) => Object.assign(new Error(message), more)

test.each([
  [
    'a node of a cluster',
    coded('connection to the remote node a:1 failed\n\thint', { code: '08006' }),
  ],
  ['a server that is stopped', coded('terminating connection', { code: '57P01' })],
  [
    'a refused connection',
    coded('connect ECONNREFUSED 10.0.0.1:5432', { code: 'ECONNREFUSED', port: 5432 }),
  ],
  ['a connection that ends', new Error('Connection terminated unexpectedly')],
])('a database that is away is named as that: %s', (_, cause) => {
  for (const error of [cause, new Error('Failed query: select 1', { cause })]) {
    expect(explainAwayDatabase(error)).toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining(`(${cause.message.split('\n', 1)[0]})`),
      cause: error,
    })
  }
})

test('other errors are not blamed on the database', () => {
  for (const error of [
    new Error('broken'),
    coded('connect ECONNREFUSED /data/server.sock', { code: 'ECONNREFUSED', address: '/data' }),
    new Error('Failed query: select', { cause: coded('syntax error', { code: '42601' }) }),
    new LucidaError('bad_input', 'wrong'),
    'text',
  ]) {
    expect(explainAwayDatabase(error)).toBe(error)
  }
})
