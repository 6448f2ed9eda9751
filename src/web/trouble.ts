// Errors in plain words: what happened, and what to do.
import { ApiError } from '../client/client.ts'
import type { Trouble } from './store.ts'

const TITLES: Readonly<Record<number, string>> = {
  400: 'That cannot be searched for',
  403: 'That is not allowed',
  404: 'That is not here any more',
  413: 'That picture is too large',
  415: 'That is not a picture Lucida can read',
  422: 'That picture cannot be read',
  429: 'Too many requests',
  503: 'Lucida is busy',
}

/** What to tell a person of an error. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof ApiError) {
    const { status, message, retryAfterSeconds } = error
    const wait = retryAfterSeconds === null ? '' : ` Try again in ${retryAfterSeconds} s.`
    return { title: TITLES[status] ?? 'Something went wrong', message: `${message}.${wait}` }
  }
  // What fetch throws where there is no answer at all.
  if (error instanceof TypeError) {
    return {
      title: 'Lucida does not answer',
      message: 'Perhaps it was stopped. Start it again with “lucida up”, then try again.',
    }
  }
  return { title: 'Something went wrong', message: error instanceof Error ? error.message : '' }
}

/** Of a request that was called off because a newer one replaced it. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
