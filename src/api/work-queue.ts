// Work that is done one piece at a time, in order, each with what it has told so far, for those who
// follow it live or come back to it later. Indexing has a queue, and drawing has one.
import { randomBytes } from 'node:crypto'
import { LucidaError, messageOf } from '../core/errors.ts'
import type { JobState } from './contract.ts'
import { RequestError } from './errors.ts'

/** How a piece of work stands, whatever it is about. */
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
  readonly signal: AbortSignal
  /** Tells the followers what has happened, and what has changed with it. */
  readonly tell: (event: Event, change: Partial<Facts>) => void
  readonly update: (change: Partial<Facts>) => void
}

/** Does the work. Throws what it fails with, or the signal's reason. */
export type Work<Facts, Event> = (worker: Worker<Facts, Event>) => Promise<void>

/** All work of one kind in this process. */
export interface WorkQueue<Facts, Event> {
  /** Throws `overloaded` when too many wait. */
  readonly assertRoom: () => void
  /** The same. */
  readonly start: (facts: Facts, work: Work<Facts, Event>, id?: string) => Life & Facts
  /** The newest first. */
  readonly list: () => (Life & Facts)[]
  readonly has: (id: string) => boolean
  /** Throws `not_found`, as do the others. */
  readonly find: (id: string) => Life & Facts
  readonly update: (id: string, change: Partial<Facts>) => Life & Facts
  readonly cancel: (id: string) => Life & Facts
  /** Events after number `after`, those to come included, until it has ended. */
  readonly events: (
    id: string,
    after: number,
    signal: AbortSignal,
  ) => AsyncGenerator<Numbered<Event>>
  /** Pieces that wait or run. */
  readonly pending: number
  /** Is told of everything that has ended. */
  readonly onEnd: (listener: (ended: Life & Facts) => void) => void
  /** Cancels all and waits for them. */
  readonly close: () => Promise<void>
}

/** What the work is about. */
export interface WorkQueueOptions<Event> {
  /** In messages: `job`, `indexing jobs`. */
  readonly one: string
  readonly many: string
  /** Who follows late hears the last so many events. */
  readonly maxEvents: number
  /** Told to who listens, and not remembered once the work has ended. */
  readonly isPassing?: (event: Event) => boolean
}

const MAX_WAITING = 50
/** Ended pieces that are remembered. */
const MAX_ENDED = 50
const RETRY_SECONDS = '30'

interface Piece<Facts, Event> {
  now: Life & Facts
  readonly stop: AbortController
  events: Numbered<Event>[]
  nextEvent: number
  /** Called when something has happened. */
  readonly followers: Set<() => void>
}

/** Starts with nothing to do. */
export function openWorkQueue<Facts extends object, Event>(
  options: WorkQueueOptions<Event>,
): WorkQueue<Facts, Event> {
  const pieces = new Map<string, Piece<Facts, Event>>()
  let turn: Promise<void> = Promise.resolve()
  const listeners: ((ended: Life & Facts) => void)[] = []
  let closed = false

  const waiting = () => [...pieces.values()].filter(({ now }) => isPending(now.state))
  const get = (id: string) => {
    const piece = pieces.get(id)
    if (!piece) throw new LucidaError('not_found', `There is no ${options.one} ${id}`)
    return piece
  }
  const assertRoom = () => {
    if (!closed && waiting().length < MAX_WAITING) return
    throw new RequestError('overloaded', `Too many ${options.many} wait; try again later`, {
      headers: { 'retry-after': RETRY_SECONDS },
    })
  }

  return {
    assertRoom,
    start(facts, work, id = newId()) {
      assertRoom()
      const piece = newPiece<Facts, Event>(id, facts)
      pieces.set(id, piece)
      forgetOld(pieces)
      turn = turn
        .then(() => run(piece, work, options))
        .then(() => {
          for (const listener of listeners) listener(piece.now)
        })
      return piece.now
    },
    list: () => [...pieces.values()].map(({ now }) => now).toReversed(),
    has: (id) => pieces.has(id),
    find: (id) => get(id).now,
    update(id, change) {
      const piece = get(id)
      alter(piece, change)
      return piece.now
    },
    cancel(id) {
      const piece = get(id)
      piece.stop.abort()
      if (piece.now.state === 'queued') alter(piece, { state: 'cancelled', endedAt: time() })
      return piece.now
    },
    async *events(id, after, signal) {
      const piece = get(id)
      let seen = after
      while (!signal.aborted) {
        const fresh = piece.events.filter((event) => event.id > seen)
        for (const event of fresh) {
          yield event
          seen = event.id
        }
        if (fresh.length > 0) continue
        if (!isPending(piece.now.state)) return
        await nextChange(piece, signal)
      }
    },
    get pending() {
      return waiting().length
    },
    onEnd: (listener) => void listeners.push(listener),
    async close() {
      closed = true
      for (const { stop } of waiting()) stop.abort()
      await turn
    },
  }
}

/** Whether something is still to come. */
export function isPending(state: JobState): boolean {
  return state === 'queued' || state === 'running'
}

function newPiece<Facts, Event>(id: string, facts: Facts): Piece<Facts, Event> {
  const life: Life = {
    id,
    state: 'queued',
    createdAt: time(),
    startedAt: null,
    endedAt: null,
    error: null,
  }
  return {
    now: { ...facts, ...life },
    stop: new AbortController(),
    events: [],
    nextEvent: 1,
    followers: new Set(),
  }
}

async function run<Facts, Event>(
  piece: Piece<Facts, Event>,
  work: Work<Facts, Event>,
  { maxEvents, isPassing }: WorkQueueOptions<Event>,
): Promise<void> {
  const { signal } = piece.stop
  const end = (change: Partial<Life>) => {
    if (isPassing) piece.events = piece.events.filter(({ event }) => !isPassing(event))
    alter(piece, { ...change, endedAt: piece.now.endedAt ?? time() })
  }
  if (signal.aborted) return end({ state: 'cancelled' })
  alter(piece, { state: 'running', startedAt: time() })
  try {
    await work({
      signal,
      update: (change) => alter(piece, change),
      tell(event, change) {
        piece.events.push({ id: piece.nextEvent++, event })
        if (piece.events.length > maxEvents) piece.events.shift()
        alter(piece, change)
      },
    })
    end({ state: signal.aborted ? 'cancelled' : 'done' })
  } catch (error) {
    if (signal.aborted && error === signal.reason) return end({ state: 'cancelled' })
    const code = error instanceof LucidaError ? error.code : 'internal'
    end({ state: 'failed', error: { code, message: messageOf(error) } })
  }
}

function alter<Facts, Event>(
  piece: Piece<Facts, Event>,
  change: Partial<Life> | Partial<Facts>,
): void {
  piece.now = { ...piece.now, ...change }
  // Each leaves the set as it is called.
  const followers = Array.from(piece.followers)
  for (const follower of followers) follower()
}

function nextChange<Facts, Event>(piece: Piece<Facts, Event>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      piece.followers.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    piece.followers.add(done)
    signal.addEventListener('abort', done)
  })
}

function forgetOld<Facts, Event>(pieces: Map<string, Piece<Facts, Event>>): void {
  const ended = [...pieces.values()].filter(({ now }) => !isPending(now.state))
  const tooMany = Math.max(0, ended.length - MAX_ENDED)
  for (const { now } of ended.slice(0, tooMany)) pieces.delete(now.id)
}

function newId(): string {
  return randomBytes(9).toString('base64url')
}

function time(): string {
  return new Date().toISOString()
}
