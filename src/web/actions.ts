// Everything that a person can do on the page. Components call these and show the state; nothing else
// changes it.
import type { ClassifyResponse, DuplicateKind, Job } from '../api/contract.ts'
import { createClient } from '../client/client.ts'
import { createCollecting } from './collecting.ts'
import { createComparing } from './comparing.ts'
import { createDeveloping } from './developing.ts'
import { type Order, orderOfWords } from './orders.ts'
import { createPlaces } from './places.ts'
import { EMPTY, type FilterName, type Query, writePlace } from './query.ts'
import { createSearching } from './searching.ts'
import type { Store } from './store.ts'
import { createTeaching, toggleConcept, type Verdict } from './teaching.ts'
import { troubleOf } from './trouble.ts'
import { takeUpload } from './uploads.ts'
import { explainPicture } from './why.ts'
import { formatWords, type WordTerm } from './words.ts'

export type Actions = ReturnType<typeof createActions>

/** Begins with what the address asks for. */
export function createActions(store: Store) {
  const client = createClient({
    csrfToken: () => store.state.session?.csrfToken ?? null,
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      const { session } = store.state
      // The key was revoked, or the session ended with the server.
      if (response.status === 401 && session) store.change({ session: { ...session, scope: null } })
      return response
    },
  })
  const searching = createSearching(store, client)
  const collecting = createCollecting(store, client, searching)
  const developing = createDeveloping(store, client, () => searching.again())
  const teaching = createTeaching(store, client)
  const comparing = createComparing(store, client)
  const places = createPlaces(store, (isTyping) => {
    if (store.state.session?.scope == null) return
    searching.update(isTyping)
    void showDetail()
  })

  const notify = (error: unknown) => {
    const { title, message } = troubleOf(error)
    store.change({ notice: `${title}. ${message}` })
  }
  const ask = (part: Partial<Query>) =>
    places.go({ query: { ...store.state.query, ...part }, view: null }, 'push')

  async function showDetail(): Promise<void> {
    const { view, detail, opened } = store.state
    if (view === null) return
    if (opened[0] !== view) store.change({ opened: [view, ...opened].slice(0, 2) })
    if (detail?.id === view) return
    try {
      const found = await client.image({ params: { id: view } })
      if (store.state.view === view) store.change({ detail: found })
    } catch (error) {
      if (store.state.view !== view) return
      places.go({ view: null }, 'replace')
      notify(error)
    }
  }

  function begin(): void {
    places.arrive()
    void collecting.load()
    void readAttributes()
    teaching.load().catch(notify)
  }

  /** Without them nothing is offered; everything else works. */
  async function readAttributes(): Promise<void> {
    const { items } = await client.attributes().catch(() => ({ items: [] }))
    store.change({ attributes: items })
  }

  function addPicture(key: string, weight: number): void {
    const others = store.state.query.pictures.filter((picture) => picture.key !== key)
    ask({ pictures: [...others, { key, weight }] })
  }

  function showDevelopment(isOpen: boolean): void {
    const { development } = store.state
    if (development) store.change({ development: { ...development, isOpen } })
  }

  return {
    thumbnailUrl: (id: string, size: number) => client.thumbnailUrl(id, size),
    fileUrl: (id: string) => client.fileUrl(id),
    modelCardUrl: (name: string) => client.modelCardUrl(name),
    auditUrl: (attribute: string) => client.auditReportUrl(attribute ? { attribute } : {}),

    start: async (): Promise<void> => {
      try {
        const session = await client.session()
        store.change({ session })
        if (session.scope !== null) begin()
      } catch (error) {
        const results = { ...store.state.results, phase: 'failed' as const }
        store.change({ results: { ...results, trouble: troubleOf(error) } })
      }
    },
    /** Throws what the server says about a wrong key. */
    signIn: async (key: string): Promise<void> => {
      // What was said of the session that has ended is over with it.
      store.change({ session: await client.signIn({ body: { key } }), notice: null })
      begin()
    },
    signOut: async (): Promise<void> => {
      await client.signOut().catch(notify)
      store.change({ session: await client.session(), isCollectionOpen: false })
    },

    type: (words: string) => places.go({ query: { ...store.state.query, words } }, 'typing'),
    /** Ends typing: the next letter begins a new step of the history. */
    settle: () => places.go({}, 'replace'),
    setWords: (terms: readonly WordTerm[]) => ask({ words: formatWords(terms) }),
    addPicture,
    removePicture: (key: string) =>
      ask({ pictures: store.state.query.pictures.filter((picture) => picture.key !== key) }),
    weighPicture: (key: string, weight: number) =>
      ask({
        pictures: store.state.query.pictures.map((picture) =>
          picture.key === key ? { key, weight } : picture,
        ),
      }),
    searchByFile: async (file: File): Promise<void> => {
      try {
        const key = await takeUpload(file)
        store.change({ notice: null })
        // A picture that is dropped is a new question.
        places.go({ query: { ...EMPTY, pictures: [{ key, weight: 1 }] }, view: null }, 'push')
      } catch (error) {
        store.change({ notice: error instanceof Error ? error.message : String(error) })
      }
    },
    filter: (name: FilterName, value: string | undefined): void => {
      const { [name]: _, ...rest } = store.state.query.filters
      ask({ filters: value === undefined ? rest : { ...rest, [name]: value } })
    },
    order: (order: Query['order']) => ask({ order }),
    adjust: (adjustment: Query['adjustment']) => ask({ adjustment }),
    clearFilters: () => ask({ filters: {} }),
    clear: () => places.go({ query: EMPTY, view: null }, 'push'),
    more: () => searching.more(),
    again: () => searching.again(),

    /** The address of a picture shown large. */
    addressOf: (view: string) => writePlace({ query: store.state.query, view }),
    open: (id: string) => places.go({ view: id }, 'push'),
    /** To the picture before (-1) or after (1). */
    step: (by: -1 | 1): void => {
      const { items, nextCursor } = store.state.results
      const at = items.findIndex(({ image }) => image.id === store.state.view)
      const next = at < 0 ? undefined : items[at + by]
      if (next) places.go({ view: next.image.id }, 'replace')
      if (nextCursor !== null && at + by >= items.length - 5) void searching.more()
    },
    closeView: () => places.closeView(),
    classify: async (id: string, labels: readonly string[]): Promise<ClassifyResponse[number]> => {
      const body = { images: [{ id }], labels: [...labels] }
      return (await client.classify({ body }))[0] ?? []
    },

    toggleConcept: (name: string) => ask({ words: toggleConcept(store.state.query.words, name) }),
    /** Throws what the server says. */
    teach: (name: string, id: string, verdict: Verdict) => teaching.teach(name, id, verdict),
    explain: (id: string) => explainPicture(client, id, store.state.answered),

    /** Draws what was not found. */
    develop: (): Promise<void> => {
      const { answered, results } = store.state
      return developing.order(orderOfWords(answered.words, results.relevanceThreshold))
    },
    draw: (order: Order) => developing.order(order),
    stopDrawing: () => developing.stop(),
    keepDrawn: (n: number) => developing.keep(n),
    openDevelopment: () => showDevelopment(true),
    closeDevelopment: () => showDevelopment(false),
    /** Shows a picture that was kept. */
    openDrawn: (id: string): void => {
      showDevelopment(false)
      // Closing it leads to the grid, also from a picture that was opened before.
      places.go({ view: id }, store.state.view === null ? 'push' : 'replace')
    },
    includeGenerated: (): void => {
      showDevelopment(false)
      ask({ filters: { ...store.state.query.filters, generated: 'any' } })
    },

    openCollection: (): void => {
      store.change({ isCollectionOpen: true })
      void collecting.load()
    },
    /** In place of the collection. */
    showDuplicates: (kind: DuplicateKind): Promise<void> => {
      store.change({ isCollectionOpen: false })
      return comparing.show(kind)
    },
    moreDuplicates: () => comparing.more(),
    closeDuplicates: () => comparing.close(),
    openDuplicate: (id: string): void => {
      comparing.close()
      places.go({ view: id }, 'push')
    },
    closeCollection: () => store.change({ isCollectionOpen: false }),
    refresh: async () => {
      if (store.state.session?.scope) await collecting.load()
    },
    index: (folders?: readonly string[]) => collecting.index(folders),
    addFolder: (path: string) => collecting.add(path),
    cancel: (job: Job) => collecting.cancel(job),
    dismissNotice: () => store.change({ notice: null }),
  }
}
