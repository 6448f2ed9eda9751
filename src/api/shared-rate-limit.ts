// How often a client may come to all servers of one database together. A second's worth of requests
// is taken at once and spent here, so that most requests ask nobody.
import { LRUCache } from 'lru-cache'
import type { SharedBuckets } from '../lucida.ts'
import { MAX_CLIENTS, type RateLimit, tooMany } from './rate-limit.ts'

/** What this server has of a client's requests. */
interface Share {
  requests: number
  /** Until then there is nothing to be had. */
  emptyUntil: number
  asking: Promise<void> | undefined
}

/**
 * `perMinute` requests of each client; 0 sets no limit. Beside what is in the bucket, a server holds
 * what is left of the last second's worth: so many more may come at once after a pause. `name` keeps
 * the buckets of one limit from those of another.
 */
export function openSharedRateLimit(
  buckets: SharedBuckets,
  name: string,
  perMinute: number,
): RateLimit {
  const shares = new LRUCache<string, Share>({ max: MAX_CLIENTS })
  const atMost = Math.max(1, Math.floor(perMinute / 60))

  async function ask(client: string, share: Share): Promise<void> {
    const { requests, waitMs } = await buckets.take(`${name} ${client}`, { perMinute, atMost })
    share.requests += requests
    if (requests === 0) share.emptyUntil = performance.now() + waitMs
  }

  return {
    async take(client) {
      if (perMinute === 0) return
      const share = shares.get(client) ?? { requests: 0, emptyUntil: 0, asking: undefined }
      shares.set(client, share)
      while (share.requests < 1) {
        const waitMs = share.emptyUntil - performance.now()
        if (waitMs > 0) throw tooMany(Math.ceil(waitMs / 1000))
        // Those who come together ask once.
        share.asking ??= ask(client, share).finally(() => (share.asking = undefined))
        await share.asking
      }
      share.requests -= 1
    },
  }
}
