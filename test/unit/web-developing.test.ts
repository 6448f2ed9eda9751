// What the page has drawn: what it orders, what it says of it, and how it follows an order.
import { describe, expect, test } from 'vitest'
import type { Candidate, Generation } from '../../src/api/generation-contract.ts'
import type { SearchItem } from '../../src/api/contract.ts'
import { ApiError, type Client, type GenerationNews } from '../../src/client/client.ts'
import { createDeveloping } from '../../src/web/developing.ts'
import {
  isNotFound,
  mayDraw,
  orderOfBlend,
  orderOfChange,
  orderOfVariations,
  orderOfWords,
  otherwise,
} from '../../src/web/orders.ts'
import { EMPTY, isNarrowed, readPlace, toFilter, writePlace } from '../../src/web/query.ts'
import { createStore, START } from '../../src/web/store.ts'
import { findEarlier, findKept, stepsOf, tell, verdictOn } from '../../src/web/verdicts.ts'

const ID = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)
const PICTURE = { id: ID, path: '/photos/red-car.jpg' }
const ORDER = orderOfWords('pizza', 0.9)

const candidate = (part: Partial<Candidate> = {}): Candidate => ({
  seed: 1,
  round: 1,
  guidance: 2,
  score: 0.5,
  relevance: 0.95,
  passes: true,
  nearest: null,
  nearCopyOf: null,
  memorised: false,
  url: '/v1/generations/g/candidates/0',
  ...part,
})
const generation = (part: Partial<Generation> = {}): Generation => ({
  id: 'g',
  status: 'done',
  createdAt: '2026-01-01T00:00:00Z',
  startedAt: null,
  endedAt: null,
  request: {
    idea: {},
    candidates: 4,
    seed: 1,
    steps: 10,
    guidance: 2,
    variation: 0,
    rounds: 3,
    keep: 'accepted',
  },
  progress: null,
  tries: [],
  candidates: [],
  picture: null,
  offered: 0.4,
  withheld: 0,
  eventsUrl: '/v1/generations/g/events',
  error: null,
  ...part,
})

describe('what is not found', () => {
  const results = (relevances: readonly (number | null)[], threshold: number | null = 0.9) => ({
    ...START.results,
    phase: 'ready' as const,
    relevanceThreshold: threshold,
    items: relevances.map((relevance) => ({ relevance }) as SearchItem),
  })
  const words = { ...EMPTY, words: 'pizza' }

  test.each([
    ['nothing is there', [], true],
    ['nothing is relevant', [0.8, 0.2], true],
    ['something is', [0.2, 0.9], false],
  ])('%s', (_, relevances, expected) => {
    expect(isNotFound(words, results(relevances))).toBe(expected)
  })

  test('without calibration whatever there is counts as found', () => {
    expect(isNotFound(words, results([0.1], null))).toBe(false)
    expect(isNotFound(words, results([], null))).toBe(true)
  })

  test('it is known of descriptions only, and once the answer is there', () => {
    expect(isNotFound(EMPTY, results([]))).toBe(false)
    expect(isNotFound({ ...words, pictures: [{ key: ID, weight: 1 }] }, results([0.1]))).toBe(false)
    expect(isNotFound({ ...EMPTY, words: '- snow' }, results([0.1]))).toBe(false)
    expect(isNotFound(words, { ...results([]), phase: 'loading' })).toBe(false)
  })
})

test('who may only look is offered nothing', () => {
  const session = { keyRequired: true, csrfToken: null }
  expect(mayDraw({ session: { ...session, scope: 'read' } })).toBe(false)
  expect(mayDraw({ session: { ...session, scope: 'write' } })).toBe(true)
  expect(mayDraw({ session: null })).toBe(false)
})

test('orders', () => {
  const how = { keep: 'accepted', rounds: 3, candidates: 4 }
  expect(ORDER.request).toEqual({ text: 'pizza', ...how })
  expect(orderOfWords('a dog - 2:snow', null).request).toEqual({
    terms: [
      { text: 'a dog', weight: 1 },
      { text: 'snow', weight: -2 },
    ],
    ...how,
  })
  expect(orderOfVariations(PICTURE, 0.7)).toMatchObject({
    title: 'Variations of red-car.jpg',
    request: { terms: [{ id: ID }], variation: 0.7 },
  })
  expect(orderOfBlend(PICTURE, { id: OTHER }, 0.25).request).toMatchObject({
    between: [{ id: ID }, { id: OTHER }],
    at: 0.25,
  })
  expect(orderOfChange(PICTURE, 'winter', 'summer').request).toMatchObject({
    change: { id: ID },
    to: 'winter',
    from: 'summer',
  })
  expect(orderOfChange(PICTURE, 'winter', '').request).not.toHaveProperty('from')
})

test('the same again is another order', () => {
  expect(otherwise(ORDER, () => 0.5)).toEqual({
    ...ORDER,
    request: { ...ORDER.request, seed: 2 ** 31 },
  })
})

describe('what is said of it', () => {
  test.each([
    [{}, 'shows it'],
    [{ relevance: 0.5 }, 'does not show it clearly'],
    [{ score: 0.4 }, 'is no better than what is here'],
    [{ nearCopyOf: OTHER, relevance: 0.5 }, 'is a near copy of a picture here'],
    [{ memorised: true }, 'is a near copy of a picture it was trained on'],
  ])('a candidate with %o', (part, expected) => {
    expect(verdictOn(candidate(part), generation(), ORDER)).toBe(expected)
  })

  test('what was not to be judged is not praised', () => {
    const { request } = generation()
    const free = generation({ request: { ...request, keep: 'none' }, offered: null })
    const order = orderOfVariations(PICTURE, 0)
    expect(verdictOn(candidate({ relevance: null }), free, order)).toBe('')
  })

  const told = (part: Partial<Generation>) => {
    const development = { order: ORDER, isOpen: true, previews: [], kept: {}, trouble: null }
    return tell({ ...development, phase: 'over', generation: generation(part) })
  }
  test('why none was kept, by reason', () => {
    const candidates = [
      candidate({ relevance: 0.5, passes: false }),
      candidate({ relevance: 0.4, passes: false }),
      candidate({ nearCopyOf: OTHER, passes: false }),
    ]
    expect(told({ candidates })).toBe(
      'None was kept by itself: 1 of 3 is a near copy of a picture here, ' +
        '2 of 3 do not show it clearly.',
    )
  })
  test('what was kept, stopped, failed', () => {
    expect(told({ candidates: [candidate()], picture: OTHER })).toMatch(/^One was kept: /)
    expect(told({ status: 'cancelled' })).toBe('Stopped. Nothing was kept.')
    const error = { code: 'disk_full', message: 'The disk is full' }
    expect(told({ status: 'failed', error })).toBe('It could not be drawn: The disk is full')
    // Forgotten while it was drawn.
    expect(told({ status: 'running' })).toBe('')
  })

  test('the kept one is the first that passes', () => {
    const candidates = [candidate({ nearCopyOf: OTHER, passes: false }), candidate()]
    expect(findKept(generation({ candidates, picture: OTHER }))).toBe(1)
    expect(findKept(generation({ candidates }))).toBe(undefined)
  })

  test('where the candidates are forgotten, what was kept is there', () => {
    const candidates = [candidate({ url: null, passes: false })]
    expect(findEarlier(generation({ candidates, picture: OTHER }))).toBe(OTHER)
    expect(findEarlier(generation({ candidates: [candidate()], picture: OTHER }))).toBe(null)
    expect(told({ candidates, picture: OTHER })).toMatch(/^This was drawn before/)
  })

  test('steps count on from round to round', () => {
    const progress = { round: 2, step: 3, steps: 10 }
    expect(stepsOf(generation({ progress }))).toEqual({ done: 13, all: 30 })
    expect(stepsOf(generation())).toEqual({ done: 0, all: 30 })
  })
})

test('the switch for generated pictures is part of the address and of the request', () => {
  const query = { ...EMPTY, filters: { generated: 'any' } }
  const address = writePlace({ query, view: null })
  expect(address).toBe('?generated=any')
  expect(readPlace(address).query).toEqual(query)
  expect(toFilter(query.filters)).toEqual({ generated: 'any' })
  expect(toFilter({ generated: 'perhaps' })).toEqual({})
  // It lets more in.
  expect(isNarrowed({ generated: 'any' })).toBe(false)
  expect(isNarrowed({ generated: 'only' })).toBe(true)
  expect(isNarrowed({ generated: 'any', year: '2024' })).toBe(true)
})

describe('following an order', () => {
  const lost = new TypeError('Failed to fetch')

  /** A server that answers what it is told to, and what it was asked. */
  function serve(answers: {
    start?: () => Promise<Generation>
    follow?: (GenerationNews | Error)[][]
    find?: () => Generation | Error
  }) {
    const asked: string[] = []
    const {
      start = async () => generation({ status: 'queued' }),
      follow = [],
      find = generation,
    } = answers
    const client = {
      async startGeneration() {
        asked.push('start')
        return { generation: await start() }
      },
      async *followGeneration(id: string) {
        asked.push(`follow ${id}`)
        for (const news of follow.shift() ?? []) {
          if (news instanceof Error) throw news
          yield news
        }
      },
      async generation() {
        asked.push('find')
        const found = find()
        if (found instanceof Error) throw found
        return { generation: found }
      },
      async cancelGeneration({ params }: { params: { id: string } }) {
        asked.push(`cancel ${params.id}`)
        return { generation: generation({ status: 'cancelled' }) }
      },
    } as unknown as Client
    const store = createStore()
    const phases: string[] = []
    store.subscribe(() => {
      const phase = store.state.development?.phase ?? 'none'
      if (phases.at(-1) !== phase) phases.push(phase)
    })
    const developing = createDeveloping(store, client, () => void asked.push('search'), 1)
    return { store, developing, client, asked, phases }
  }

  test('to its end, with previews and steps', async () => {
    const previews = ['data:image/webp;base64,AA==']
    const { store, developing, phases } = serve({
      follow: [
        [
          { type: 'generation', generation: generation({ status: 'running' }) },
          { type: 'step', round: 1, step: 2, steps: 10, seeds: [1], previews },
          { type: 'step', round: 1, step: 3, steps: 10, seeds: [1] },
        ],
      ],
      find: () => generation({ candidates: [candidate()], picture: OTHER }),
    })
    const seen: unknown[] = []
    store.subscribe(() => seen.push(store.state.development?.previews))
    await developing.order(ORDER)
    expect(phases).toEqual(['ordering', 'following', 'over'])
    expect(seen).toContainEqual(previews)
    expect(store.state.development).toMatchObject({ kept: { 0: OTHER }, trouble: null })
  })

  test('a lost connection is taken up again', async () => {
    const running = generation({ status: 'running' })
    const found = [running, generation()]
    const { store, developing, phases, asked } = serve({
      follow: [[lost], [], [{ type: 'generation', generation: running }]],
      // Still at work where the first stream ended in good order.
      find: () => found.shift()!,
    })
    await developing.order(ORDER)
    expect(phases).toEqual(['ordering', 'following', 'lost', 'following', 'over'])
    expect(asked.filter((what) => what === 'start')).toHaveLength(1)
    expect(store.state.development?.trouble).toBe(null)
  })

  test('an order that the server does not know any more is over', async () => {
    const gone = new ApiError(404, { code: 'not_found', message: 'There is no generation g' })
    const { store, developing } = serve({ follow: [[lost], [gone]] })
    await developing.order(ORDER)
    expect(store.state.development).toMatchObject({
      phase: 'over',
      trouble: { message: 'There is no generation g.' },
    })
  })

  test('a server without a pipeline says so for good', async () => {
    const missing = new ApiError(500, { code: 'model_missing', message: 'No model at x' })
    const { store, developing } = serve({ start: () => Promise.reject(missing) })
    await developing.order(ORDER)
    expect(store.state.cannotDraw).toBe('No model at x')
    const busy = serve({
      start: () => Promise.reject(new ApiError(503, { code: 'overloaded', message: 'Busy' })),
    })
    await busy.developing.order(ORDER)
    expect(busy.store.state.cannotDraw).toBe(null)
  })

  test('the next order replaces the one before', async () => {
    let number = 0
    let status: Generation['status'] = 'running'
    const { store, developing, asked } = serve({
      start: async () => generation({ status: 'running', id: `g${++number}` }),
      find: () => generation({ status, id: `g${number}` }),
    })
    const first = developing.order(ORDER)
    await expect.poll(() => asked).toContain('follow g1')
    const order = orderOfVariations(PICTURE, 1)
    const second = developing.order(order)
    await first
    expect(asked).toContain('cancel g1')
    status = 'done'
    await second
    expect(asked).toContain('follow g2')
    expect(store.state.development).toMatchObject({ order, generation: { id: 'g2' } })
  })

  test('an order that is given twice is not cancelled for the second', async () => {
    const takes: (() => void)[] = []
    const { developing, asked } = serve({
      start: () => new Promise((resolve) => takes.push(() => resolve(generation()))),
    })
    const [first, second] = [developing.order(ORDER), developing.order(ORDER)]
    // The server answers both with one and the same.
    for (const take of takes) take()
    await Promise.all([first, second])
    expect(asked).not.toContain('cancel g')
  })

  test('what is kept of one order is not said of the next', async () => {
    let number = 0
    let keep: () => void = () => {}
    const { store, developing, client } = serve({
      start: async () => generation({ id: `g${++number}`, candidates: [candidate()] }),
    })
    const keepCandidate = async () => {
      await new Promise<void>((resolve) => (keep = resolve))
      return { picture: OTHER }
    }
    Object.assign(client, { keepCandidate })
    await developing.order(ORDER)
    const keeping = developing.keep(0)
    await developing.order(otherwise(ORDER))
    keep()
    await keeping
    expect(store.state.development?.generation?.id).toBe('g2')
    expect(store.state.development?.kept).toEqual({})
  })

  test('an order that is called off before the server has taken it is cancelled there', async () => {
    let take: (taken: Generation) => void = () => {}
    const { store, developing, asked } = serve({
      start: () => new Promise((resolve) => (take = resolve)),
    })
    const ordering = developing.order(ORDER)
    await developing.stop()
    expect(store.state.development).toBe(null)
    take(generation({ status: 'queued' }))
    await ordering
    expect(asked).toEqual(['start', 'cancel g'])
    expect(store.state.development).toBe(null)
  })

  test('where generated pictures are included, they are looked for again', async () => {
    const { store, developing, asked } = serve({
      start: async () => generation({ candidates: [candidate()], picture: OTHER }),
    })
    await developing.order(ORDER)
    expect(asked).toEqual(['start'])
    store.change({ query: { ...EMPTY, filters: { generated: 'any' } } })
    await developing.order(ORDER)
    expect(asked).toEqual(['start', 'start', 'search'])
  })
})
