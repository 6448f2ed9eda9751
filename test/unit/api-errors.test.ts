// What clients see of errors.
import { expect, test } from 'vitest'
import { answerError } from '../../src/api/errors.ts'
import { LucidaError } from '../../src/core/errors.ts'

test('a database that is away is no fault of anybody, and its address is nobody else’s business', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:5432'), {
    code: 'ECONNREFUSED',
    port: 5432,
  })
  const answer = answerError(new Error('Failed query: select 1', { cause }))
  expect(answer.status).toBe(503)
  expect(answer.headers).toEqual({ 'retry-after': '30' })
  expect(answer.body.error.code).toBe('database_unavailable')
  expect(answer.body.error.message).not.toContain('10.1.2.3')
})

test('whoever is told that there is no room is told when to come back', () => {
  expect(answerError(new LucidaError('overloaded', 'Too many jobs wait'))).toMatchObject({
    status: 503,
    headers: { 'retry-after': '30' },
  })
})

test('what nobody expected says nothing of itself', () => {
  const answer = answerError(new TypeError('secret is undefined'))
  expect(answer.status).toBe(500)
  expect(answer.body.error.message).not.toContain('secret')
})
