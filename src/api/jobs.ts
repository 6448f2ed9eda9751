// Indexing runs as jobs: one at a time, in order, each with the events that it has told so far.
import { type ErrorCode, LucidaError } from '../core/errors.ts'
import type { IndexEvent, Lucida } from '../lucida.ts'
import type { Job } from './contract.ts'
import { type Life, openWorkQueue, type WorkQueue } from './work-queue.ts'

/** What a job is to do; all indexed folders when `folders` is empty. */
export interface JobOrder {
  readonly folders: readonly string[]
  readonly exclude?: readonly string[] | undefined
  readonly prune?: boolean | undefined
}

/** All jobs of this process. */
export interface Jobs
  extends Pick<
    WorkQueue<JobFacts, IndexEvent>,
    'list' | 'find' | 'cancel' | 'events' | 'pending' | 'onEnd' | 'close'
  > {
  /** Throws `overloaded` when too many wait. */
  start(order: JobOrder): Job
  /** What happens in a job, from its beginning. Throws what the job failed with. */
  happenings(id: string, signal: AbortSignal): AsyncGenerator<IndexEvent>
}

type JobFacts = Omit<Job, keyof Life>

/** Failures told with the job itself; all are in `GET /v1/failures`. */
const MAX_FAILURES = 100
const MAX_EVENTS = 5000

/** Starts with no jobs. */
export function openJobs(lucida: Pick<Lucida, 'index'>): Jobs {
  const queue = openWorkQueue<JobFacts, IndexEvent>({
    one: 'job',
    many: 'indexing jobs',
    maxEvents: MAX_EVENTS,
  })
  return {
    list: queue.list,
    find: queue.find,
    cancel: queue.cancel,
    events: queue.events,
    onEnd: queue.onEnd,
    close: queue.close,
    get pending() {
      return queue.pending
    },
    start({ folders, exclude, prune }) {
      return queue.start(newFacts(folders), async ({ signal, tell }) => {
        const options = { signal, ...(exclude && { exclude }), ...(prune && { prune }) }
        let failures: Job['failures'] = []
        for await (const event of lucida.index(folders, options)) {
          if (event.type === 'failure' && failures.length < MAX_FAILURES) {
            const { path, code, reason } = event
            failures = [...failures, { path, code, reason }]
          }
          tell(event, { failures, ...changeOf(event) })
        }
      })
    },
    async *happenings(id, signal) {
      for await (const { event } of queue.events(id, 0, signal)) yield event
      const { error } = queue.find(id)
      if (error) throw new LucidaError(error.code as ErrorCode, error.message)
    },
  }
}

function newFacts(folders: readonly string[]): JobFacts {
  return {
    folders: [...folders],
    folder: null,
    done: 0,
    found: 0,
    complete: false,
    counts: null,
    failures: [],
  }
}

function changeOf(event: IndexEvent): Partial<JobFacts> {
  switch (event.type) {
    case 'start':
      return { folder: event.folder, done: 0, found: 0, complete: false }
    case 'progress': {
      const { done, found, complete, counts } = event
      return { done, found, complete, counts: { ...counts } }
    }
    case 'done':
      return { counts: { ...event.counts } }
    default:
      return {}
  }
}
