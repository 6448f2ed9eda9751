// Has pictures drawn, and follows that live. One order at a time: the next one replaces it.
import type { Generation } from '../api/generation-contract.ts'
import { ApiError, type Client, type GenerationNews } from '../client/client.ts'
import type { Order } from './orders.ts'
import type { Development, Store } from './store.ts'
import { troubleOf } from './trouble.ts'
import { findKept, isUnderWay } from './verdicts.ts'

/** A broken connection is tried again so often. */
const RETRY_MS = 2000
/** What only who runs the server can change. */
const LASTING = ['model_missing', 'model_invalid', 'checksum_mismatch', 'dimension_mismatch']

/** Keeps `development` up with the server. */
export interface Developing {
  /** Draws in place of what is being drawn. */
  order(order: Order): Promise<void>
  /** Ends it between two steps. */
  stop(): Promise<void>
  /** Puts the nth candidate into the collection. */
  keep(n: number): Promise<void>
}

/** `searchAgain` is called when results may have changed. */
export function createDeveloping(
  store: Store,
  client: Client,
  searchAgain: () => void,
  retryMs = RETRY_MS,
): Developing {
  let current = new AbortController()

  const change = (part: Partial<Development>) => {
    const { development } = store.state
    if (development) store.change({ development: { ...development, ...part } })
  }

  async function follow(id: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const news of client.followGeneration(id, { signal })) {
          if (signal.aborted) return
          take(news)
        }
        const { generation } = await client.generation({ params: { id }, signal })
        if (signal.aborted) return
        if (!isUnderWay(generation)) return end(generation)
        // A server that is being stopped ends what it tells in good order.
      } catch (error) {
        if (signal.aborted) return
        const isForgotten = error instanceof ApiError && error.status < 500 && error.status !== 429
        if (isForgotten) return change({ phase: 'over', trouble: troubleOf(error) })
      }
      change({ phase: 'lost' })
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }

  function take(news: GenerationNews): void {
    const { development } = store.state
    if (news.type === 'generation') change({ phase: 'following', generation: news.generation })
    if (news.type !== 'step' || !development?.generation) return
    const { round, step, steps, previews } = news
    change({
      generation: { ...development.generation, progress: { round, step, steps } },
      ...(previews && { previews }),
    })
  }

  function end(generation: Generation): void {
    const at = findKept(generation)
    const kept = at === undefined ? {} : { [at]: generation.picture! }
    change({ phase: 'over', generation, previews: [], kept })
    if (generation.picture !== null) lookAgain()
  }

  /** Drawn pictures are results only where they are asked for. */
  function lookAgain(): void {
    if (store.state.query.filters.generated !== undefined) searchAgain()
  }

  async function abandon(): Promise<void> {
    current.abort()
    const { generation, phase } = store.state.development ?? {}
    if (!generation || phase === 'over') return
    await client.cancelGeneration({ params: { id: generation.id } })
  }

  return {
    async order(order) {
      // Whether the old one ends in time makes no difference to the new one.
      void abandon().catch(() => {})
      current = new AbortController()
      const { signal } = current
      store.change({
        development: {
          order,
          isOpen: true,
          phase: 'ordering',
          generation: null,
          previews: [],
          kept: {},
          trouble: null,
        },
      })
      try {
        const { generation } = await client.startGeneration({ body: order.request })
        if (signal.aborted) {
          // Whoever orders the same again is given the same.
          const { request } = store.state.development?.order ?? {}
          const isAgain = JSON.stringify(request) === JSON.stringify(order.request)
          if (!isAgain) await client.cancelGeneration({ params: { id: generation.id } })
          return
        }
        change({ phase: 'following', generation })
        if (isUnderWay(generation)) await follow(generation.id, signal)
        else end(generation)
      } catch (error) {
        if (signal.aborted) return
        change({ phase: 'over', trouble: troubleOf(error) })
        if (error instanceof ApiError && LASTING.includes(error.code)) {
          store.change({ cannotDraw: error.message })
        }
      }
    },
    async stop() {
      const { generation } = store.state.development ?? {}
      if (!generation) {
        current.abort()
        store.change({ development: null })
        return
      }
      try {
        await client.cancelGeneration({ params: { id: generation.id } })
      } catch (error) {
        change({ trouble: troubleOf(error) })
      }
    },
    async keep(n) {
      const { generation } = store.state.development ?? {}
      if (!generation) return
      const { id } = generation
      // Another order may be shown by the time that it is kept.
      const isShown = () => store.state.development?.generation?.id === id
      try {
        const { picture } = await client.keepCandidate({ params: { id, n: String(n) }, body: {} })
        if (isShown()) {
          change({ kept: { ...store.state.development?.kept, [n]: picture }, trouble: null })
        }
        lookAgain()
      } catch (error) {
        if (isShown()) change({ trouble: troubleOf(error) })
      }
    },
  }
}
