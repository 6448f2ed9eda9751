// How often a client may come to this server: a bucket of tokens each, refilled evenly.
import { LRUCache } from 'lru-cache'
import { RequestError } from './errors.ts'

/** Takes tokens by client. */
export interface RateLimit {
  /** Throws `rate_limited`, with the seconds after which to come back. */
  take(client: string): Promise<void>
}

interface Bucket {
  tokens: number
  at: number
}

/** Clients that are remembered; who is forgotten begins with a full bucket. */
export const MAX_CLIENTS = 10_000

/** `perMinute` requests of each client, at once or evenly; 0 sets no limit. */
export function openRateLimit(perMinute: number, now = () => performance.now()): RateLimit {
  const buckets = new LRUCache<string, Bucket>({ max: MAX_CLIENTS })
  const perMs = perMinute / 60_000
  const filled = (client: string): Bucket => {
    const at = now()
    const bucket = buckets.get(client) ?? { tokens: perMinute, at }
    bucket.tokens = Math.min(perMinute, bucket.tokens + (at - bucket.at) * perMs)
    bucket.at = at
    buckets.set(client, bucket)
    return bucket
  }
  return {
    async take(client) {
      if (perMinute === 0) return
      const bucket = filled(client)
      if (bucket.tokens < 1) throw tooMany(Math.ceil((1 - bucket.tokens) / perMs / 1000))
      bucket.tokens -= 1
    },
  }
}

/** The error for a client that is to come back. */
export function tooMany(seconds: number): RequestError {
  return new RequestError('rate_limited', `Too many requests; come back in ${seconds} s`, {
    headers: { 'retry-after': String(seconds) },
    details: { retryAfterSeconds: seconds },
  })
}
