// The address of the page: every question and every picture shown large has one, so that links work,
// and back and forward.
import { isUpload, type PictureTerm, type Place, readPlace, writePlace } from './query.ts'
import type { Store } from './store.ts'
import { findUpload } from './uploads.ts'

/** What the browser keeps with an address. */
interface Entry {
  /** The next letter replaces it. */
  readonly isTyping: boolean
  /** The entry before it is the same page without the large picture. */
  readonly isOverGrid: boolean
  readonly uploads: readonly PictureTerm[]
}

/** How the browser's history takes a change. */
export type Step = 'push' | 'replace' | 'typing'

/** Where the page is. */
export interface Places {
  /** Goes to a question, a picture, or both. */
  go(to: Partial<Place>, step: Step): void
  /** From a large picture to the grid. */
  closeView(): void
  /** Reads the address. */
  arrive(): void
}

/** `onArrive` hears of every change, and whether it is one of typing. */
export function createPlaces(store: Store, onArrive: (isTyping: boolean) => void): Places {
  const entry = (): Partial<Entry> => (history.state as Entry | null) ?? {}

  function arrive(): void {
    // Dropped pictures are gone after a reload.
    const uploads = (entry().uploads ?? []).filter(({ key }) => findUpload(key))
    store.change(readPlace(location.search, uploads))
    onArrive(false)
  }
  addEventListener('popstate', arrive)

  function go(to: Partial<Place>, step: Step): void {
    const { query, view } = { query: store.state.query, view: store.state.view, ...to }
    store.change({ query, view })
    const isTyping = step === 'typing'
    const address = location.pathname + writePlace({ query, view })
    const isNew = step === 'push' || (isTyping && !entry().isTyping)
    const next: Entry = {
      isTyping,
      isOverGrid: isNew ? step === 'push' && view !== null : (entry().isOverGrid ?? false),
      uploads: query.pictures.filter(({ key }) => isUpload(key)),
    }
    if (isNew) history.pushState(next, '', address)
    else history.replaceState(next, '', address)
    onArrive(isTyping)
  }

  return {
    go,
    arrive,
    closeView() {
      if (entry().isOverGrid) history.back()
      else go({ view: null }, 'replace')
    },
  }
}
