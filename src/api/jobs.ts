// Indexing runs as jobs: one at a time, in order, each with the events that it has told so far.
import { randomBytes } from 'node:crypto'
import { type ErrorCode, LucidaError, messageOf } from '../core/errors.ts'
import type { IndexEvent, Lucida } from '../lucida.ts'
import type { Job, JobState } from './contract.ts'
import { RequestError } from './errors.ts'

/** What a job is to do; all indexed folders when `folders` is empty. */
export interface JobOrder {
  readonly folders: readonly string[]
  readonly exclude?: readonly string[] | undefined
  readonly prune?: boolean | undefined
}

/** An event with its number in the job, from 1. */
export interface JobEvent {
  readonly id: number
  readonly event: IndexEvent
}

/** All jobs of this process. */
export interface Jobs {
  /** Throws `overloaded` when too many wait. */
  start(order: JobOrder): Job
  list(): Job[]
  /** Throws `not_found`. */
  find(id: string): Job
  /** Ends it as soon as what is at work is written; what was done is kept. */
  cancel(id: string): Job
  /** Events after number `after`, those to come included, until the job has ended. */
  events(id: string, after: number, signal: AbortSignal): AsyncGenerator<JobEvent>
  /** What happens in a job, from its beginning. Throws what the job failed with. */
  happenings(id: string, signal: AbortSignal): AsyncGenerator<IndexEvent>
  /** Jobs that wait or run. */
  readonly pending: number
  /** Is told of every job that has ended. */
  onEnd(listener: (job: Job) => void): void
  /** Cancels all and waits for them. */
  close(): Promise<void>
}

const MAX_WAITING = 50
/** Ended jobs that are remembered. */
const MAX_ENDED = 50
/** Failures told with the job itself; all are in `GET /v1/failures`. */
const MAX_FAILURES = 100
/** Who follows late hears the last so many events. */
const MAX_EVENTS = 5000

interface Run {
  job: Job
  readonly order: JobOrder
  readonly stop: AbortController
  readonly events: JobEvent[]
  nextEvent: number
  /** Called when something has happened. */
  readonly followers: Set<() => void>
}

/** Starts with no jobs. */
export function openJobs(lucida: Pick<Lucida, 'index'>): Jobs {
  const runs = new Map<string, Run>()
  let turn: Promise<void> = Promise.resolve()
  const listeners: ((job: Job) => void)[] = []
  let closed = false

  const waiting = () => [...runs.values()].filter(({ job }) => isPending(job.state))
  const get = (id: string) => {
    const run = runs.get(id)
    if (!run) throw new LucidaError('not_found', `There is no job ${id}`)
    return run
  }

  async function* events(id: string, after: number, signal: AbortSignal) {
    const run = get(id)
    let seen = after
    while (!signal.aborted) {
      const fresh = run.events.filter((event) => event.id > seen)
      for (const event of fresh) {
        yield event
        seen = event.id
      }
      if (fresh.length > 0) continue
      if (!isPending(run.job.state)) return
      await nextChange(run, signal)
    }
  }

  return {
    start(order) {
      if (closed || waiting().length >= MAX_WAITING) {
        throw new RequestError('overloaded', 'Too many indexing jobs wait; try again later', {
          headers: { 'retry-after': '30' },
        })
      }
      const run = newRun(order)
      runs.set(run.job.id, run)
      forgetOld(runs)
      turn = turn
        .then(() => work(lucida, run))
        .then(() => {
          for (const listener of listeners) listener(run.job)
        })
      return run.job
    },
    list: () => [...runs.values()].map(({ job }) => job).toReversed(),
    find: (id) => get(id).job,
    cancel(id) {
      const run = get(id)
      run.stop.abort()
      if (run.job.state === 'queued') update(run, { state: 'cancelled', endedAt: now() })
      return run.job
    },
    events,
    async *happenings(id, signal) {
      for await (const { event } of events(id, 0, signal)) yield event
      const { error } = get(id).job
      if (error) throw new LucidaError(error.code as ErrorCode, error.message)
    },
    onEnd: (listener) => void listeners.push(listener),
    get pending() {
      return waiting().length
    },
    async close() {
      closed = true
      for (const run of waiting()) run.stop.abort()
      await turn
    },
  }
}

function newRun(order: JobOrder): Run {
  return {
    order,
    stop: new AbortController(),
    events: [],
    nextEvent: 1,
    followers: new Set(),
    job: {
      id: randomBytes(9).toString('base64url'),
      state: 'queued',
      folders: [...order.folders],
      createdAt: now(),
      startedAt: null,
      endedAt: null,
      folder: null,
      done: 0,
      found: 0,
      complete: false,
      counts: null,
      failures: [],
      error: null,
    },
  }
}

async function work(lucida: Pick<Lucida, 'index'>, run: Run): Promise<void> {
  const { order, stop } = run
  const { signal } = stop
  if (signal.aborted) return update(run, { state: 'cancelled', endedAt: run.job.endedAt ?? now() })
  update(run, { state: 'running', startedAt: now() })
  try {
    const { folders, exclude, prune } = order
    const options = { signal, ...(exclude && { exclude }), ...(prune && { prune }) }
    for await (const event of lucida.index(folders, options)) tell(run, event)
    update(run, { state: signal.aborted ? 'cancelled' : 'done', endedAt: now() })
  } catch (error) {
    const code = error instanceof LucidaError ? error.code : 'internal'
    const failed = { code, message: messageOf(error) }
    update(run, { state: 'failed', endedAt: now(), error: failed })
  }
}

function tell(run: Run, event: IndexEvent): void {
  run.events.push({ id: run.nextEvent++, event })
  if (run.events.length > MAX_EVENTS) run.events.shift()
  const { failures } = run.job
  switch (event.type) {
    case 'start':
      return update(run, { folder: event.folder, done: 0, found: 0, complete: false })
    case 'progress': {
      const { done, found, complete, counts } = event
      return update(run, { done, found, complete, counts: { ...counts } })
    }
    case 'failure': {
      const { path, code, reason } = event
      const more = failures.length < MAX_FAILURES ? [{ path, code, reason }] : []
      return update(run, { failures: [...failures, ...more] })
    }
    case 'done':
      return update(run, { counts: { ...event.counts } })
    default:
      return update(run, {})
  }
}

function update(run: Run, change: Partial<Job>): void {
  run.job = { ...run.job, ...change }
  // Each leaves the set as it is called.
  const followers = Array.from(run.followers)
  for (const follower of followers) follower()
}

function nextChange(run: Run, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      run.followers.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    run.followers.add(done)
    signal.addEventListener('abort', done)
  })
}

function forgetOld(runs: Map<string, Run>): void {
  const ended = [...runs.values()].filter(({ job }) => !isPending(job.state))
  for (const { job } of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) runs.delete(job.id)
}

function isPending(state: JobState): boolean {
  return state === 'queued' || state === 'running'
}

function now(): string {
  return new Date().toISOString()
}
