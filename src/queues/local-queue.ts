// Work that this process does itself, one piece at a time, in order.
import { randomBytes } from 'node:crypto'
import { LucidaError, messageOf } from '../core/errors.ts'
import {
  isPending,
  type Life,
  MAX_ENDED,
  MAX_WAITING,
  type Numbered,
  type WorkQueue,
  type WorkQueueOptions,
} from './work-queue.ts'

interface Piece<Facts, Event> {
  now: Life & Facts
  readonly stop: AbortController
  events: Numbered<Event>[]
  nextEvent: number
  /** Called when something has happened. */
  readonly followers: Set<() => void>
}

/** Starts with nothing to do. */
export function openLocalQueue<Order, Facts extends object, Event>(
  options: WorkQueueOptions<Order, Facts, Event>,
): WorkQueue<Order, Facts, Event> {
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
  const assertRoom = async () => {
    if (!closed && waiting().length < MAX_WAITING) return
    throw new LucidaError('overloaded', `Too many ${options.many} wait; try again later`)
  }

  return {
    assertRoom,
    async start(order, facts, id = newId()) {
      await assertRoom()
      const piece = newPiece<Facts, Event>(id, facts)
      pieces.set(id, piece)
      forgetOld(pieces)
      turn = turn
        .then(() => run(piece, order, options))
        .then(() => {
          for (const listener of listeners) listener(piece.now)
        })
      return piece.now
    },
    list: async () => [...pieces.values()].map(({ now }) => now).toReversed(),
    find: async (id) => pieces.get(id)?.now,
    get: async (id) => get(id).now,
    async update(id, change) {
      const piece = get(id)
      alter(piece, change)
      return piece.now
    },
    async cancel(id) {
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
    countPending: async () => waiting().length,
    onEnd: (listener) => void listeners.push(listener),
    async close() {
      closed = true
      for (const { stop } of waiting()) stop.abort()
      await turn
    },
  }
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

async function run<Order, Facts, Event>(
  piece: Piece<Facts, Event>,
  order: Order,
  { work, maxEvents, isPassing }: WorkQueueOptions<Order, Facts, Event>,
): Promise<void> {
  const { signal } = piece.stop
  const end = (change: Partial<Life>) => {
    if (isPassing) piece.events = piece.events.filter(({ event }) => !isPassing(event))
    alter(piece, { ...change, endedAt: piece.now.endedAt ?? time() })
  }
  if (signal.aborted) return end({ state: 'cancelled' })
  alter(piece, { state: 'running', startedAt: time() })
  try {
    await work(order, {
      id: piece.now.id,
      signal,
      update: async (change) => alter(piece, change),
      async tell(event, change) {
        piece.events.push({ id: piece.nextEvent++, event })
        if (piece.events.length > maxEvents) piece.events.shift()
        alter(piece, change)
      },
    })
    end({ state: 'done' })
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
