import { describe, expect, expectTypeOf, test } from 'vitest'
import type { Job, SearchResponse } from '../../src/api/contract.ts'
import { ApiError, createClient } from '../../src/client/client.ts'
import { readEvents } from '../../src/client/event-stream.ts'

/** A server that answers everything alike, and what it was asked. */
function fakeFetch(answer: () => Response) {
  const asked: Request[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    asked.push(new Request(input, init))
    return answer()
  }
  return { asked, fetch }
}

const client = (answer: () => Response) => {
  const { asked, fetch } = fakeFetch(answer)
  const options = { baseUrl: 'http://lucida.test/', key: 'lk_1', csrfToken: () => 'token', fetch }
  return { asked, lucida: createClient(options) }
}

describe('the client', () => {
  test('fills in paths, repeats texts, joins numbers and leaves out what is not given', async () => {
    const { asked, lucida } = client(() => Response.json({}))
    await lucida.similar({
      params: { id: 'a/b' },
      query: { limit: 5, near: [1, 2.5, 3], cursor: undefined, gps: 'true' },
    })
    await lucida.search({ query: { text: ['a dog', 'snow'], not: [] } })
    expect(asked.map(({ url }) => url)).toEqual([
      'http://lucida.test/v1/images/a%2Fb/similar?limit=5&near=1%2C2.5%2C3&gps=true',
      'http://lucida.test/v1/search?text=a+dog&text=snow',
    ])
    expect(lucida.thumbnailUrl('x', 640)).toBe('http://lucida.test/v1/images/x/thumbnail?size=640')
  })

  test('sends the key always, and the token with what changes something', async () => {
    const { asked, lucida } = client(() => new Response(null, { status: 204 }))
    await lucida.livez()
    expect(await lucida.forgetImage({ params: { id: 'x' } })).toBeUndefined()
    const sent = asked.map(({ method, headers }) => [
      method,
      headers.get('authorization'),
      headers.get('x-csrf-token'),
    ])
    expect(sent).toEqual([
      ['GET', 'Bearer lk_1', null],
      ['DELETE', 'Bearer lk_1', 'token'],
    ])
  })

  test('throws what the server says is wrong, and when to come back', async () => {
    const error = { code: 'rate_limited', message: 'Too many', details: { retryAfterSeconds: 3 } }
    const { lucida } = client(() =>
      Response.json({ error }, { status: 429, headers: { 'retry-after': '3' } }),
    )
    const thrown = await lucida.facets().catch((reason: unknown) => reason)
    expect(thrown).toBeInstanceOf(ApiError)
    expect(thrown).toMatchObject({ ...error, status: 429, retryAfterSeconds: 3 })
  })

  test('says so when a proxy answers in something else', async () => {
    const { lucida } = client(() => new Response('<html>', { status: 502 }))
    await expect(lucida.facets()).rejects.toMatchObject({ status: 502, code: 'internal' })
  })

  test('is typed by the contract', () => {
    const { lucida } = client(() => Response.json({}))
    expectTypeOf(lucida.search).returns.resolves.toEqualTypeOf<SearchResponse>()
    expectTypeOf(lucida.startIndexing).returns.resolves.toEqualTypeOf<{ job: Job }>()
    expectTypeOf(lucida.forgetImage).returns.resolves.toBeVoid()
    expectTypeOf(lucida.image).parameter(0).toHaveProperty('params')
    // @ts-expect-error an id is needed
    expectTypeOf(lucida.image).toBeCallableWith()
  })
})

test('events are read whatever pieces they come in', async () => {
  const text = ': beat\n\nid: 1\nevent: job\ndata: {"a":\ndata: "ü"}\n\nevent: index\ndata: x\n\n'
  const bytes = new TextEncoder().encode(text)
  for (const size of [1, 2, 7, bytes.length]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.slice(i * size, (i + 1) * size),
    )
    const events = []
    for await (const event of readEvents(ReadableStream.from(pieces))) events.push(event)
    expect(events).toEqual([
      { event: 'job', data: '{"a":\n"ü"}' },
      { event: 'index', data: 'x' },
    ])
  }
})
