import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseForm } from '../../src/api/multipart.ts'

/** What the platform makes of a form, and what we make of it. */
async function bothWays(form: FormData) {
  const answer = new Response(form)
  const [, boundary] = /boundary=(.*)$/.exec(answer.headers.get('content-type')!)!
  return parseForm(Buffer.from(await answer.arrayBuffer()), boundary!)
}

async function entriesOf(form: FormData) {
  return Promise.all(
    [...form].map(async ([name, value]) => {
      if (typeof value === 'string') return [name, value]
      return [name, value.name, [...new Uint8Array(await value.arrayBuffer())]]
    }),
  )
}

test('reads whatever the platform writes', async () => {
  // Line breaks are changed by the platform itself when it writes text.
  const text = fc.string({ maxLength: 20 }).filter((value) => !/[\r\n]/.test(value))
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 50 }),
    fc.constantFrom(...['\r\n', '\r\n--', '--', '\r\n\r\n', ''].map((value) => Buffer.from(value))),
  )
  const field = fc.oneof(
    fc.tuple(text, text),
    fc.tuple(text, fc.record({ bytes, filename: text.filter((name) => name !== '') })),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(field, { maxLength: 5 }), async (fields) => {
      const form = new FormData()
      for (const [name, value] of fields) {
        if (typeof value === 'string') form.append(name, value)
        else form.append(name, new File([Uint8Array.from(value.bytes)], value.filename))
      }
      expect(await entriesOf(await bothWays(form))).toEqual(await entriesOf(form))
    }),
    { seed: 42, numRuns: 300 },
  )
})

test('names need no quotation marks (RFC 2183, which .NET takes at its word)', async () => {
  const part = "Content-Disposition: form-data; name=image; filename=a.jpg; filename*=utf-8''a.jpg"
  const form = parseForm(Buffer.from(`--b\r\n${part}\r\n\r\nxy\r\n--b--\r\n`), 'b')
  expect(await entriesOf(form)).toEqual([['image', 'a.jpg', [...Buffer.from('xy')]]])
})

describe('a form that is none is refused', () => {
  test.each([
    ['nothing', ''],
    ['another boundary', '--other\r\n\r\n\r\n--other--'],
    ['no end', '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue'],
    ['no end of its headers', '--b\r\nContent-Disposition: form-data; name="a"\r\n'],
    ['a part without a name', '--b\r\nContent-Type: text/plain\r\n\r\nvalue\r\n--b--'],
    ['too many parts', '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'.repeat(200)],
  ])('%s', (_, text) => {
    expect(() => parseForm(Buffer.from(text), 'b')).toThrow(
      expect.objectContaining({ code: 'bad_input' }),
    )
  })
})
