// Many items of one piece of work, spread over all workers: sent as messages of some items each, no
// more ahead than keeps the workers busy, and joined again as they are done.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { batch } from '../core/stream.ts'
import {
  type Body,
  type Handle,
  type MessageQueue,
  NotHere,
  type QueueName,
} from './message-queue.ts'

/** A piece of work whose items are spread. */
export interface Run {
  readonly id: string
  readonly signal: AbortSignal
}

/** How items become messages, and what comes back. */
export interface Spreading<T, Done> {
  readonly queue: QueueName
  readonly bodyOf: (items: readonly T[]) => Body
  /** What is known of items that no worker could do. */
  readonly setAside: (items: readonly T[], reason: string) => Done
}

/** Small enough that the last one does not keep the others waiting. */
const ITEMS_A_MESSAGE = 64
/** Back-pressure: what is not sent yet costs nothing when the work is cancelled. */
const MESSAGES_AHEAD = 32
/** Between looks at what is done. */
const LOOK_MS = 200
/** A worker may have died of one of several items; from this attempt on they go one by one. */
const SPLIT_AT = 3

/** Spreads items, and tells of each message what came of it; what an earlier attempt left is dropped. */
export async function* spread<T, Done>(
  messages: MessageQueue,
  { id: run, signal }: Run,
  { queue, bodyOf, setAside }: Spreading<T, Done>,
  items: AsyncIterable<T>,
): AsyncGenerator<Done> {
  const sent = new Map<string, readonly T[]>()
  // Two may be at the same run for a moment: one that was silent for too long, and who took over.
  const sender = randomBytes(9).toString('base64url')
  const send = async (some: readonly T[]) => {
    const [id] = await messages.send(queue, [{ ...bodyOf(some), run, sender }])
    sent.set(id!, some)
  }
  await messages.forgetWaiting(queue, 'run', run)
  const batches = batch(items, ITEMS_A_MESSAGE)
  let isMore = true
  try {
    while ((isMore || sent.size > 0) && !signal.aborted) {
      while (isMore && sent.size < MESSAGES_AHEAD) {
        const next = await batches.next()
        if (next.done) isMore = false
        else await send(next.value)
      }
      const ended = await messages.ended(queue, [...sent.keys()])
      await messages.forget(
        queue,
        ended.map(({ id }) => id),
      )
      for (const { id, state, output } of ended) {
        const some = sent.get(id)!
        sent.delete(id)
        // Whoever took it for a leftover knows nothing of what is waited for here.
        if (state === 'gone') await send(some)
        else if (output.split === true) for (const one of some) await send([one])
        else if (state === 'completed') yield output as Done
        else yield setAside(some, `Set aside after several attempts: ${reasonOf(output)}`)
      }
      if (ended.length === 0 && sent.size > 0) {
        await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
      }
    }
  } finally {
    // Whoever finds items finds no more of them. Not waited for: the next one may be long in coming.
    batches.return(undefined).catch(() => {})
    // Nobody waits for what is left.
    await messages.forgetWaiting(queue, 'sender', sender)
  }
}

/**
 * How a worker takes such messages. What `work` fails with because of where it is (`not_found`,
 * `model_missing`) is left to other workers.
 */
export function handleSpread(
  countItems: (body: Body) => number,
  work: (body: Body, signal: AbortSignal) => Promise<object>,
): Handle {
  return async ({ body, attempt, signal }) => {
    if (attempt >= SPLIT_AT && countItems(body) > 1) return { split: true }
    try {
      return { ...(await work(body, signal)) }
    } catch (error) {
      const code = (error as { code?: unknown }).code
      if (code === 'not_found' || code === 'model_missing') throw new NotHere(String(error))
      throw error
    }
  }
}

/** Why the last attempt at a message failed. */
export function reasonOf(output: { readonly [key: string]: unknown }): string {
  const { message } = (output.value ?? output) as { message?: unknown }
  if (typeof message !== 'string') return 'nothing is known of why'
  // What pg-boss writes where a lease has run out.
  return message.includes('timeout') ? 'each time the worker stopped answering' : message
}
