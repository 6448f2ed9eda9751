// The collection: its folders, indexing them, and following that live.
import type { Job } from '../api/contract.ts'
import { ApiError, type Client } from '../client/client.ts'
import { isListing } from './query.ts'
import type { Searching } from './searching.ts'
import type { Store } from './store.ts'
import { troubleOf } from './trouble.ts'

/** While pictures come in, a list of them is asked for again this often. */
const REFRESH_MS = 2500
const RETRY_MS = 2000
const SHOWN_FAILURES = 200

/** Keeps `roots`, `failures` and `jobs` up with the server. */
export interface Collecting {
  /** Reads everything and follows what is running. */
  load(): Promise<void>
  index(folders?: readonly string[]): Promise<void>
  add(path: string): Promise<boolean>
  cancel(job: Job): Promise<void>
}

export const isRunning = ({ state }: Job): boolean => state === 'queued' || state === 'running'

export function createCollecting(store: Store, client: Client, searching: Searching): Collecting {
  const followed = new Set<string>()
  /** Jobs that were told of, to notice those that were begun and ended elsewhere. */
  let known: ReadonlySet<string> | null = null
  let isFollowingModels = false

  /** Says what went wrong; true when nothing did. */
  async function attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      const { title, message } = troubleOf(error)
      store.change({ notice: `${title}. ${message}` })
      return false
    }
  }

  function put(job: Job): void {
    const { jobs } = store.state
    const isKnown = jobs.some(({ id }) => id === job.id)
    store.change({
      jobs: isKnown ? jobs.map((old) => (old.id === job.id ? job : old)) : [job, ...jobs],
    })
  }

  async function readAll(): Promise<void> {
    const [roots, jobs, failures] = await Promise.all([
      client.roots(),
      client.jobs(),
      client.failures({ query: { limit: SHOWN_FAILURES } }),
    ])
    store.change({ roots, jobs: jobs.items, failures: failures.items })
    const ended = jobs.items.filter((job) => !isRunning(job)).map(({ id }) => id)
    const isNews = known !== null && ended.some((id) => !known!.has(id) && !followed.has(id))
    known = new Set(ended)
    if (isNews) searching.again()
    for (const job of jobs.items.filter(isRunning)) void follow(job)
    void followModels()
  }

  /** Nobody tells of a change of model, so the server is asked while there is one. */
  async function followModels(): Promise<void> {
    if (isFollowingModels) return
    isFollowingModels = true
    for (;;) {
      const before = store.state.models?.serving.model
      const models = await client.models().catch(() => null)
      store.change({ models })
      if (before !== undefined && models && models.serving.model !== before) searching.again()
      if (!models?.change || models.change.state === 'paused') break
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MS))
    }
    isFollowingModels = false
  }

  async function follow(job: Job): Promise<void> {
    if (followed.has(job.id)) return
    followed.add(job.id)
    let shownAt = performance.now()
    let done = 0
    for (let last = job; isRunning(last); ) {
      try {
        for await (const news of client.followJob(job.id)) {
          if (news.type !== 'job') continue
          last = news.job
          put(last)
          const isDue = performance.now() - shownAt > REFRESH_MS
          // Not under the eyes of somebody who is reading an answer.
          const { query, view } = store.state
          if (!isDue || last.done === done || !isListing(query) || view !== null || scrollY > 200) {
            continue
          }
          shownAt = performance.now()
          done = last.done
          searching.again()
        }
        if (isRunning(last)) last = (await client.job({ params: { id: job.id } })).job
      } catch (error) {
        // A server that was started anew does not know it.
        if (error instanceof ApiError && error.status === 404) break
        // The connection broke, not the job.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
        if (store.state.session?.scope == null) break
      }
    }
    await attempt(readAll)
    followed.delete(job.id)
    if (scrollY <= 200 && store.state.view === null) searching.again()
  }

  return {
    load: async () => void (await attempt(readAll)),
    async index(folders = []) {
      store.change({ notice: null })
      await attempt(async () => {
        const { job } = await client.startIndexing({ body: { folders: [...folders] } })
        put(job)
        void follow(job)
      })
    },
    add(path) {
      store.change({ notice: null })
      return attempt(async () => {
        const { job } = await client.addRoot({ body: { path } })
        put(job)
        void follow(job)
      })
    },
    async cancel(job) {
      await attempt(async () => put((await client.cancelJob({ params: { id: job.id } })).job))
    },
  }
}
