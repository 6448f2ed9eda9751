import { describe, expect, test } from 'vitest'
import { answerError, RequestError, schemaError } from '../../src/api/errors.ts'
import {
  OpenAiEditForm,
  OpenAiGenerateRequest,
  OpenAiVaryForm,
  parseSize,
} from '../../src/api/openai-contract.ts'
import { isOpenAiPath, toOpenAiError } from '../../src/api/openai-errors.ts'
import { editOrder, generateOrder, varyOrder } from '../../src/api/openai-orders.ts'
import { LucidaError } from '../../src/core/errors.ts'

const file = (text: string) => new File([text], `${text}.png`)
const bytes = (text: string) => new Uint8Array(Buffer.from(text))

describe('what a request comes to', () => {
  const order = (body: object) => generateOrder(OpenAiGenerateRequest.parse(body))

  test('a prompt is drawn once, as large as it is drawn', () => {
    expect(order({ prompt: 'a dog' })).toEqual({
      idea: { text: 'a dog' },
      candidates: 1,
      seed: undefined,
      size: undefined,
    })
  })

  test('number, size and seed are taken over; null is nothing', () => {
    const asked = { prompt: 'a dog', n: 3, size: '512x256', seed: 0 }
    expect(order(asked)).toMatchObject({
      candidates: 3,
      size: { width: 512, height: 256 },
      seed: 0,
    })
    const nothing = { prompt: 'a dog', n: null, size: null, seed: null, stream: null, model: null }
    expect(order(nothing)).toEqual(order({ prompt: 'a dog' }))
    expect(order({ prompt: 'a dog', size: 'auto' }).size).toBeUndefined()
  })

  test('what chooses among their models, and what is unknown, is passed over', () => {
    const asked = {
      model: 'gpt-image-1',
      quality: 'high',
      style: 'vivid',
      user: 'u',
      moderation: 'low',
    }
    expect(order({ prompt: 'a dog', ...asked })).toEqual(order({ prompt: 'a dog' }))
  })

  test('an edit turns the picture and begins with it', async () => {
    const form = OpenAiEditForm.parse({ image: file('picture'), prompt: 'snow', n: '2' })
    const picture = { picture: bytes('picture'), pathHint: 'picture.png' }
    expect(await editOrder(form)).toEqual({
      idea: { change: picture, to: 'snow' },
      start: { picture },
      candidates: 2,
      seed: undefined,
      size: undefined,
    })
  })

  test('what a mask frees is drawn anew altogether', async () => {
    const form = OpenAiEditForm.parse({
      'image[]': [file('picture')],
      mask: file('mask'),
      prompt: 'snow',
    })
    expect((await editOrder(form)).start).toEqual({
      picture: { picture: bytes('picture'), pathHint: 'picture.png' },
      mask: bytes('mask'),
      strength: 1,
    })
  })

  test('a variation strays from the picture', async () => {
    const form = OpenAiVaryForm.parse({ image: file('picture'), size: '32x32' })
    expect(await varyOrder(form)).toMatchObject({
      idea: { mix: [{ picture: bytes('picture') }] },
      variation: 0.3,
      size: { width: 32, height: 32 },
    })
  })

  test('without a picture there is nothing to change', async () => {
    await expect(editOrder(OpenAiEditForm.parse({ prompt: 'snow' }))).rejects.toThrow(/^image: /)
  })

  test.each([
    ['16x16', { width: 16, height: 16 }],
    ['2048x1024', { width: 2048, height: 1024 }],
    ['15x16', null],
    ['16x2049', null],
    ['0x0', null],
    ['-64x64', null],
    ['64 x 64', null],
    ['64x', null],
    ['large', null],
  ])('the size %s', (text, size) => {
    expect(parseSize(text)).toEqual(size)
  })
})

describe("an error in OpenAI's shape", () => {
  const shown = (error: unknown) => toOpenAiError(answerError(error)).error

  test('names the field of a schema', () => {
    const { error } = OpenAiGenerateRequest.safeParse({ prompt: 'a', n: 99 })
    expect(shown(schemaError(error!, 'json'))).toMatchObject({
      type: 'invalid_request_error',
      param: 'n',
      code: 'bad_input',
    })
  })

  test.each([
    [new RequestError('unauthorized', 'The key is not valid'), 'authentication_error', null],
    [new LucidaError('forbidden', 'No'), 'permission_error', null],
    [new LucidaError('rate_limited', 'Too many'), 'rate_limit_error', null],
    [new LucidaError('overloaded', 'Busy'), 'server_error', null],
    [new LucidaError('bad_input', 'Expected a thing for x'), 'invalid_request_error', null],
    [
      new LucidaError('bad_input', 'start.mask: Expected it'),
      'invalid_request_error',
      'start.mask',
    ],
  ])('%s', (error, type, param) => {
    expect(shown(error)).toMatchObject({ type, param, message: error.message, code: error.code })
  })

  test('says nothing of what nobody foresaw', () => {
    expect(shown(new Error('secret'))).toMatchObject({ type: 'server_error', code: 'internal' })
    expect(shown(new Error('secret')).message).not.toContain('secret')
  })

  test('is for OpenAI’s routes only', () => {
    expect(isOpenAiPath('/v1/images/edits')).toBe(true)
    expect(isOpenAiPath(`/v1/images/${'0'.repeat(64)}`)).toBe(false)
  })
})
