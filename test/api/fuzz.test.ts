// Two thousand requests made from the OpenAPI document, right ones and wrong ones: whatever a client
// sends, the answer is one that the document knows, never a 500, and it comes.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Ask, openTestApi, type TestApi } from '../helpers/api.ts'
import { describeDatabase } from '../helpers/database.ts'
import { useFakePainter } from '../helpers/fake-painter.ts'
import { drawPicture } from '../helpers/noise-pictures.ts'
import { mismatch, type Operation, readOperations } from '../helpers/openapi.ts'
import { type Hints, valuesOf } from '../helpers/schema-arbitrary.ts'

useFakePainter()

const REQUESTS = 2000
/** Nothing that is asked for here takes anything near so long. */
const PATIENCE_MS = 30_000

describeDatabase('the fuzzer', (newPlace) => {
  test(`${REQUESTS} requests, none of which breaks the server`, { timeout: 900_000 }, async () => {
    await using place = await newPlace()
    await using api = await openTestApi(place)
    const operations = await readOperations(api)
    const hints = await hintsFor(api)
    const requests = fc.oneof(...operations.map((operation) => requestOf(operation, hints)))
    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(requests, async ({ operation, path, how }) => {
        const answer = await inTime(api.ask(path, how), `${operation.operationId} ${path}`)
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        expect(answer.status).not.toBe(500)
        const wrong = await inTime(mismatch(operation, answer), `the body of ${path}`)
        expect(wrong).toBeNull()
      }),
      { numRuns: REQUESTS, seed: 20_261_122, endOnFailure: true },
    )
    expect(api.errors).toEqual([])
    // It is no fuzzer that only ever asks wrongly.
    expect(statuses.get(200)).toBeGreaterThan(REQUESTS / 5)
    expect(statuses.get(400)).toBeGreaterThan(REQUESTS / 20)
  })
})

const FORMS: ReadonlySet<string> = new Set([
  'searchImage',
  'uploadImage',
  'openaiEdit',
  'openaiVary',
])

interface FuzzedRequest {
  readonly operation: Operation
  readonly path: string
  readonly how: Ask
}

async function hintsFor(api: TestApi): Promise<Hints> {
  const ids = [...api.images.values()].map(({ id }) => id)
  const picture = (await drawPicture('#c81414')).toString('base64')
  const { nextCursor } = await api.json<{ nextCursor: string }>('/v1/search?text=red&limit=1')
  const ones = Array.from({ length: api.lucida.model.dimension }, (_, i) => i - 100)
  return {
    id: ids,
    ids: [ids, ids.slice(0, 2)],
    like: ids,
    unlike: ids,
    text: ['red', 'a blue square'],
    texts: [['red'], ['a', 'b']],
    image: [picture, `data:image/png;base64,${picture}`],
    vector: [ones],
    embedding_input: [ones],
    cursor: [nextCursor],
    folder: [api.folder.path],
    root: [api.folder.path],
    folders: [[], [api.folder.path]],
    path: [api.folder.at('sub')],
    format: ['png', ['png']],
    after: ['2020', '2020-05-31'],
    near: ['48.86,2.35,10'],
    box: ['36,-9.5,44,3.3'],
    minScore: ['0.1', '-1'],
    limit: ['1', '3', '1000'],
    indice_name: [api.lucida.model.name],
    modality: ['image'],
    ifNotFound: ['nothing', 'generate'],
    prompt: ['a red dog'],
    to: ['snow'],
    size: ['160', '320', '64x64', 'auto'],
    // Whatever is asked for is drawn, so it is asked for little.
    steps: [1, 2],
    candidates: [1, 2],
    rounds: [1],
    n: [1, 2, '0', '1'],
    // An audit goes through everything: little of it.
    permutations: [99],
    resamples: [100],
    k: [5, '5'],
    attributes: [[], ['gender']],
    attribute: ['gender'],
    balance: ['gender', 'age'],
    debias: ['gender'],
    name: ['lucida-clip-1'],
  }
}

function requestOf(operation: Operation, hints: Hints): fc.Arbitrary<FuzzedRequest> {
  const { method, path, parameters, body, operationId } = operation
  const given = parameters.map((one) => {
    const value = valuesOf(one.schema, hints, one.name)
    return one.required === true || one.in === 'path' ? value : fc.option(value, { freq: 2 })
  })
  const isForm = FORMS.has(operationId)
  const sent = body === undefined ? fc.constant(undefined) : valuesOf(body, hints)
  return fc.tuple(fc.tuple(...given), sent).map(([values, value]) => {
    let filled = path
    const query = new URLSearchParams()
    for (const [i, { name, in: where }] of parameters.entries()) {
      const one = values[i]
      if (where === 'path') filled = filled.replace(`{${name}}`, segment(one))
      else if (one !== null && one !== undefined) {
        for (const item of [one].flat()) query.append(name, textOf(item))
      }
    }
    const how: Ask = {
      method: method.toUpperCase(),
      ...(value !== undefined && (isForm ? { form: formOf(value) } : { json: value })),
    }
    const search = query.toString()
    return { operation, path: search ? `${filled}?${search}` : filled, how }
  })
}

/** A dot segment or nothing would make another path of it. */
function segment(value: unknown): string {
  // Lone surrogates have no place in a URL.
  const text = encodeURIComponent(Buffer.from(textOf(value)).toString())
  return /^\.{0,2}$/.test(text) ? 'x' : text
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const FILES: ReadonlySet<string> = new Set(['image', 'mask'])

function formOf(value: unknown): FormData {
  const form = new FormData()
  for (const [name, field] of Object.entries((value as Record<string, unknown>) ?? {})) {
    if (FILES.has(name) && typeof field === 'string') {
      const bytes = Uint8Array.from(Buffer.from(field, 'base64'))
      form.append(name, new File([bytes], 'query.png'))
    } else form.append(name, textOf(field))
  }
  return form
}

function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${what} hangs`)), PATIENCE_MS)
    promise.then(resolve, reject).finally(() => clearTimeout(late))
  })
}
