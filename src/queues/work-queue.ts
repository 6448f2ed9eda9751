// The port of work that takes longer than a request: pieces that are done in order, each with what it
// has told so far, for those who follow it live or come back to it later. Indexing has a queue, and
// drawing has one; in this process (local-queue.ts) or shared by many (shared-queue.ts).

/** How a piece stands. */
export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** The same, whatever it is about. */
export interface Life {
  readonly id: string
  readonly state: JobState
  readonly createdAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly error: { readonly code: string; readonly message: string } | null
}

/** An event with its number in the piece, from 1. */
export interface Numbered<Event> {
  readonly id: number
  readonly event: Event
}

/** What the work is given. */
export interface Worker<Facts, Event> {
  readonly id: string
  readonly signal: AbortSignal
  /** Tells the followers what has happened, and what has changed with it. */
  readonly tell: (event: Event, change: Partial<Facts>) => Promise<void>
  readonly update: (change: Partial<Facts>) => Promise<void>
}

/** Does the work. Throws what it fails with, or the signal's reason. */
export type Work<Order, Facts, Event> = (
  order: Order,
  worker: Worker<Facts, Event>,
) => Promise<void>

/** All work of one kind. */
export interface WorkQueue<Order, Facts, Event> {
  /** Throws `overloaded` when too many wait. */
  readonly assertRoom: () => Promise<void>
  /** The same. */
  readonly start: (order: Order, facts: Facts, id?: string) => Promise<Life & Facts>
  /** The newest first. */
  readonly list: () => Promise<(Life & Facts)[]>
  /** `undefined` for one that is not known, or no longer. */
  readonly find: (id: string) => Promise<(Life & Facts) | undefined>
  /** Throws `not_found`, as do the others. */
  readonly get: (id: string) => Promise<Life & Facts>
  readonly update: (id: string, change: Partial<Facts>) => Promise<Life & Facts>
  readonly cancel: (id: string) => Promise<Life & Facts>
  /** Events after number `after`, those to come included, until it has ended. */
  readonly events: (
    id: string,
    after: number,
    signal: AbortSignal,
  ) => AsyncGenerator<Numbered<Event>>
  /** Pieces that wait or run. */
  readonly countPending: () => Promise<number>
  /** Is told of everything that has ended in this process. */
  readonly onEnd: (listener: (ended: Life & Facts) => void) => void
  /** Ends what this process does of it, and waits for that. */
  readonly close: () => Promise<void>
}

/** What the work is about. */
export interface WorkQueueOptions<Order, Facts, Event> {
  readonly kind: 'index' | 'generate'
  /** In messages: `job`, `indexing jobs`. */
  readonly one: string
  readonly many: string
  /** Who follows late hears the last so many events. */
  readonly maxEvents: number
  /** Told to who listens, and not remembered once the work has ended. */
  readonly isPassing?: (event: Event) => boolean
  readonly work: Work<Order, Facts, Event>
}

/** Pieces that may wait. */
export const MAX_WAITING = 50
/** Ended pieces that are remembered. */
export const MAX_ENDED = 50

/** Whether something is still to come. */
export function isPending(state: JobState): boolean {
  return state === 'queued' || state === 'running'
}
