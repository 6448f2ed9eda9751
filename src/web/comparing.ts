// Asks for pictures that are there more than once, a tier at a time, and further when told to.
import type { DuplicateKind, DuplicatesResponse } from '../api/contract.ts'
import type { Client } from '../client/client.ts'
import type { Store, Trouble } from './store.ts'
import { isAbort, troubleOf } from './trouble.ts'

/** Groups of one tier, as far as they were looked for. */
export interface Duplicates {
  readonly kind: DuplicateKind
  readonly groups: DuplicatesResponse['items']
  /** Where the search goes on; null at the end. */
  readonly next: string | null
  readonly phase: 'loading' | 'ready'
  readonly trouble: Trouble | null
}

/** Keeps `duplicates` up with what is asked for. */
export interface Comparing {
  show(kind: DuplicateKind): Promise<void>
  /** The next groups of the same tier. */
  more(): Promise<void>
  close(): void
}

const PAGE = 20

export function createComparing(store: Store, client: Client): Comparing {
  let running = new AbortController()

  const change = (part: Partial<Duplicates>) => {
    const { duplicates } = store.state
    if (duplicates) store.change({ duplicates: { ...duplicates, ...part } })
  }

  /** Goes on until something is found: a page may be empty where there is more to look through. */
  async function look(kind: DuplicateKind, from: string | null): Promise<void> {
    running.abort()
    running = new AbortController()
    const { signal } = running
    try {
      for (let cursor = from; ; ) {
        const query = { kind, limit: PAGE, ...(cursor !== null && { cursor }) }
        const { items, nextCursor } = await client.duplicates({ query, signal })
        if (signal.aborted) return
        const groups = [...(store.state.duplicates?.groups ?? []), ...items]
        const isOver = items.length > 0 || nextCursor === null
        change({ groups, next: nextCursor, phase: isOver ? 'ready' : 'loading' })
        if (isOver) return
        cursor = nextCursor
      }
    } catch (error) {
      if (signal.aborted || isAbort(error)) return
      change({ phase: 'ready', trouble: troubleOf(error) })
    }
  }

  return {
    async show(kind) {
      const phase = 'loading'
      store.change({ duplicates: { kind, groups: [], next: null, phase, trouble: null } })
      await look(kind, null)
    },
    async more() {
      const { duplicates } = store.state
      if (!duplicates || duplicates.phase !== 'ready' || duplicates.next === null) return
      change({ phase: 'loading', trouble: null })
      await look(duplicates.kind, duplicates.next)
    },
    close() {
      running.abort()
      store.change({ duplicates: null })
    },
  }
}
