// Following work live: server-sent events (WHATWG HTML, section 9.2) of what happens, numbered, and of
// how it stands.
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { ApiEnv } from './context.ts'
import type { Numbered } from '../queues/work-queue.ts'

/** What a stream tells. */
export interface Followed<Event> {
  /** Name of the event that says how it stands, and what it says. */
  readonly standing: readonly [name: string, read: () => unknown]
  readonly events: (after: number, signal: AbortSignal) => AsyncGenerator<Numbered<Event>>
  readonly nameOf: (event: Event) => string
  /** Whether how it stands is worth telling after this. */
  readonly isMilestone: (event: Event) => boolean
  /** Ends the stream. */
  readonly closing: AbortSignal
}

/** Proxies close connections on which nothing is said for a minute. */
const BEAT_MS = 15_000

/** How it stands, what happens, and how it stands in the end; Last-Event-ID goes on where one was. */
export function streamEvents<Event>(c: Context<ApiEnv>, followed: Followed<Event>): Response {
  // Nobody would read what is written, and so it would never end.
  if (c.req.method === 'HEAD') {
    return c.body(null, 200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  }
  const { standing, events, nameOf, isMilestone, closing } = followed
  const after = Number(c.req.header('last-event-id') ?? 0) || 0
  return streamSSE(c, async (stream) => {
    const gone = new AbortController()
    stream.onAbort(() => gone.abort())
    const beat = setInterval(() => void stream.write(': \n\n'), BEAT_MS)
    const [name, read] = standing
    const tell = async () => stream.writeSSE({ event: name, data: JSON.stringify(await read()) })
    try {
      await tell()
      const signal = AbortSignal.any([gone.signal, closing])
      for await (const { id, event } of events(after, signal)) {
        await stream.writeSSE({
          id: String(id),
          event: nameOf(event),
          data: JSON.stringify(event),
        })
        if (isMilestone(event)) await tell()
      }
      await tell()
    } finally {
      clearInterval(beat)
    }
  })
}
