// Asks for what is looked for, while it is being typed: after a short pause, and without ever showing
// the answer to an earlier question.
import type { FacetsResponse } from '../api/contract.ts'
import type { Client } from '../client/client.ts'
import { type Filters, type Query, toFilter, toRequest } from './query.ts'
import type { Results, Store } from './store.ts'
import { isAbort, troubleOf } from './trouble.ts'
import { findUpload } from './uploads.ts'

/** A pause in typing. */
const PAUSE_MS = 140

/** Keeps `results` and `facets` up with `query`. */
export interface Searching {
  /** Looks whether the question is another one; `isTyping` waits for a pause. */
  update(isTyping?: boolean): void
  /** Asks again, as what is indexed has changed or an error may be over. */
  again(): void
  more(): Promise<void>
}

export function createSearching(store: Store, client: Client): Searching {
  let asked: Query | null = null
  let filtered: Filters | null = null
  let running = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined

  const request = (query: Query) => toRequest(query, (key) => findUpload(key)?.base64)
  const results = (part: Partial<Results>) =>
    store.change({ results: { ...store.state.results, ...part } })

  /** The signal of a new question; whatever was under way is called off. */
  function begin(): AbortSignal {
    clearTimeout(timer)
    running.abort()
    running = new AbortController()
    return running.signal
  }

  async function ask(query: Query, signal: AbortSignal): Promise<void> {
    results({ phase: 'loading' })
    try {
      const answer = await client.searchTerms({ body: request(query), signal })
      if (signal.aborted) return
      const { items, nextCursor, matching, tookMs, relevanceThreshold, adjusted, leftOut, model } =
        answer
      store.change({
        answered: query,
        model,
        results: {
          items,
          nextCursor,
          matching,
          tookMs,
          relevanceThreshold,
          adjusted,
          leftOut,
          phase: 'ready',
          trouble: null,
        },
      })
    } catch (error) {
      if (signal.aborted || isAbort(error)) return
      results({ items: [], nextCursor: null, phase: 'failed', trouble: troubleOf(error) })
    }
  }

  async function count(filters: Filters): Promise<void> {
    try {
      const facets = await countEach(client, filters)
      if (filtered === filters) store.change({ facets })
    } catch {
      // Counts are an aid; the search itself says what is wrong.
      filtered = null
    }
  }

  function start(isTyping: boolean): void {
    const { query } = store.state
    asked = query
    const signal = begin()
    if (isTyping) timer = setTimeout(() => void ask(query, signal), PAUSE_MS)
    else void ask(query, signal)
    if (filtered && JSON.stringify(filtered) === JSON.stringify(query.filters)) return
    filtered = query.filters
    void count(query.filters)
  }

  return {
    update(isTyping = false) {
      const { query, results } = store.state
      const isSame =
        asked !== null && JSON.stringify(request(asked)) === JSON.stringify(request(query))
      // What failed may work by now: after signing in again it does.
      if (isSame && results.phase !== 'failed') return
      start(isTyping)
      // The best pictures of the new answer are at the top.
      scrollTo({ top: 0, behavior: 'instant' })
    },
    again() {
      filtered = null
      start(false)
    },
    async more() {
      const {
        answered,
        results: { nextCursor, phase, items, leftOut },
      } = store.state
      // While one types, what is shown still answers the question before.
      if (nextCursor === null || phase !== 'ready' || answered !== asked) return
      const { signal } = running
      results({ phase: 'loading-more' })
      try {
        const body = { ...request(answered), cursor: nextCursor }
        const answer = await client.searchTerms({ body, signal })
        if (signal.aborted) return
        results({
          items: [...items, ...answer.items],
          nextCursor: answer.nextCursor,
          leftOut: leftOut + answer.leftOut,
          phase: 'ready',
        })
      } catch (error) {
        if (signal.aborted || isAbort(error)) return
        results({ phase: 'ready', nextCursor: null, trouble: troubleOf(error) })
      }
    },
  }
}

/** Counts under all filters; of a filter that is set, as if it were not, so that it can be changed. */
async function countEach(client: Client, filters: Filters): Promise<FacetsResponse> {
  const all = await client.facets({ query: queryOf(filters) })
  const names = Object.keys(filters) as (keyof Filters)[]
  const others = await Promise.all(
    names.map(async (name) => {
      const { [name]: _, ...rest } = filters
      return [name, (await client.facets({ query: queryOf(rest) }))[name]] as const
    }),
  )
  return { ...all, ...Object.fromEntries(others) }
}

function queryOf(filters: Filters) {
  const { after, before, camera, folder, orientation, format, gps, generated } = toFilter(filters)
  return {
    after,
    before,
    camera,
    folder,
    orientation,
    generated,
    format: format?.join(','),
    gps: gps === undefined ? undefined : (String(gps) as 'true' | 'false'),
  }
}
