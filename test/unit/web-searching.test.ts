// What the page asks for, and which answer it shows.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { SearchItem, SearchRequest } from '../../src/api/contract.ts'
import { ApiError, type Client } from '../../src/client/client.ts'
import { EMPTY } from '../../src/web/query.ts'
import { createStore, type Store } from '../../src/web/store.ts'

interface Searching {
  update(isTyping?: boolean): void
  more(): Promise<void>
}

// By its name alone: its types are those of browsers, which are not known here.
const { createSearching } = await vi.importActual<{
  createSearching: (store: Store, client: Client) => Searching
}>('../../src/web/searching.ts')

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('scrollTo', () => {})
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

interface Asked {
  readonly words: string | undefined
  readonly cursor: string | undefined
  readonly answer: (id: string) => void
  readonly fail: (error: unknown) => void
}

/** A page whose questions are answered when the test says so. */
function openSearching() {
  const asked: Asked[] = []
  const client = {
    facets: async () => ({}),
    searchTerms: ({ body }: { body: SearchRequest }) =>
      new Promise((resolve, reject) => {
        const [term] = body.terms ?? []
        asked.push({
          words: term && 'text' in term ? term.text : undefined,
          cursor: body.cursor,
          answer: (id) => resolve({ items: [itemOf(id)], nextCursor: 'next' }),
          fail: reject,
        })
      }),
  } as unknown as Client
  const store = createStore()
  const searching = createSearching(store, client)
  const type = (words: string) => {
    store.change({ query: { ...EMPTY, words } })
    searching.update(true)
  }
  const shown = () => store.state.results.items.map(({ image }) => image.id)
  /** The pause in typing, and whatever follows from it. */
  const pause = () => vi.advanceTimersByTimeAsync(1000)
  return { store, searching, asked, type, shown, pause }
}

const itemOf = (id: string) => ({ image: { id } }) as SearchItem

test('more of an answer is not asked for once the question is another one', async () => {
  const { searching, asked, type, shown, pause } = openSearching()
  type('a dog')
  await pause()
  asked[0]!.answer('dog')
  await pause()
  type('a cat')
  // Scrolled to the end before the pause in typing is over.
  void searching.more()
  await pause()
  asked.find(({ words }) => words === 'a cat')!.answer('cat')
  await pause()
  asked.find(({ cursor }) => cursor !== undefined)?.answer('another dog')
  await pause()
  expect(shown()).toEqual(['cat'])
  void searching.more()
  asked.at(-1)!.answer('another cat')
  await pause()
  expect(shown()).toEqual(['cat', 'another cat'])
})

test('a question that failed is asked again when one comes back to it', async () => {
  const { store, searching, asked, type, shown, pause } = openSearching()
  type('a dog')
  await pause()
  asked[0]!.fail(new ApiError(401, { code: 'unauthorized', message: 'A key is needed' }))
  await pause()
  expect(store.state.results.phase).toBe('failed')
  searching.update()
  await pause()
  asked.at(-1)!.answer('dog')
  await pause()
  expect(shown()).toEqual(['dog'])
})
