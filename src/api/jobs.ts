// Indexing runs as jobs: in order, each with the events that it has told so far.
import { type ErrorCode, LucidaError } from '../core/errors.ts'
import type { IndexEvent, Lucida } from '../lucida.ts'
import type { Life, WorkQueue } from '../queues/work-queue.ts'
import type { Job } from './contract.ts'

/** What a job is to do; all indexed folders when `folders` is empty. */
export interface JobOrder {
  readonly folders: readonly string[]
  readonly exclude?: readonly string[] | undefined
  readonly prune?: boolean | undefined
}

type Queue = WorkQueue<JobOrder, JobFacts, IndexEvent>

/** All jobs. */
export interface Jobs
  extends Pick<Queue, 'list' | 'get' | 'cancel' | 'events' | 'countPending' | 'onEnd' | 'close'> {
  /** Throws `overloaded` when too many wait. */
  start(order: JobOrder): Promise<Job>
  /** What happens in a job, from its beginning. Throws what the job failed with. */
  happenings(id: string, signal: AbortSignal): AsyncGenerator<IndexEvent>
}

type JobFacts = Omit<Job, keyof Life>

/** Failures told with the job itself; all are in `GET /v1/failures`. */
const MAX_FAILURES = 100
const MAX_EVENTS = 5000

/** Jobs of this process, or those that it shares with others. */
export function openJobs({ index, queues }: Pick<Lucida, 'index' | 'queues'>): Jobs {
  const queue: Queue = queues.open<JobOrder, JobFacts, IndexEvent>({
    kind: 'index',
    one: 'job',
    many: 'indexing jobs',
    maxEvents: MAX_EVENTS,
    async work({ folders, exclude, prune }, { id, signal, tell }) {
      const process = await queues.spread?.({ id, signal })
      const options = {
        signal,
        ...(exclude && { exclude }),
        ...(prune && { prune }),
        ...(process && { process }),
      }
      let failures: Job['failures'] = []
      for await (const event of index(folders, options)) {
        if (event.type === 'failure' && failures.length < MAX_FAILURES) {
          const { path, code, reason } = event
          failures = [...failures, { path, code, reason }]
        }
        await tell(event, { failures, ...changeOf(event) })
      }
      // It ends in good order also where it is called off.
      signal.throwIfAborted()
    },
  })
  return {
    ...queue,
    start: (order) => queue.start(order, newFacts(order.folders)),
    async *happenings(id, signal) {
      for await (const { event } of queue.events(id, 0, signal)) yield event
      const { error } = await queue.get(id)
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
