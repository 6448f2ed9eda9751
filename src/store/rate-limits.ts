// What clients have left of their requests a minute, where several servers share one database: a
// bucket each, refilled evenly, by the clock of the database.
import { lt, sql } from 'drizzle-orm'
import { type Database, rows } from './database.ts'
import { rateLimits } from './schema.ts'

/** Buckets that all servers of a database take from. */
export interface SharedBuckets {
  /** Takes as many requests of `client` as there are, `atMost` at once. */
  take(
    client: string,
    bucket: { readonly perMinute: number; readonly atMost: number },
  ): Promise<Taken>
}

/** What a server may let through without asking again. */
export interface Taken {
  readonly requests: number
  /** Until there is one more, if there was none. */
  readonly waitMs: number
}

/** Buckets that are full again are deleted so often: without a row a bucket is full. */
const TIDY_MS = 60_000

/** Reads and writes the buckets. */
export function openSharedBuckets(db: Database, nowMs = () => performance.now()): SharedBuckets {
  let tidiedAt = nowMs()
  return {
    async take(client, { perMinute, atMost }) {
      if (nowMs() - tidiedAt > TIDY_MS) {
        tidiedAt = nowMs()
        await db.delete(rateLimits).where(lt(rateLimits.at, sql`now()`))
      }
      // A bucket is stored as the time at which it will be full, so that one statement can fill it,
      // take from it and say how much: two servers at once take one after the other.
      const refillMs = 60_000 / perMinute
      const later = (requests: ReturnType<typeof sql>) =>
        sql`${requests} * ${refillMs}::float8 * interval '1 millisecond'`
      const owedMs = sql`extract(epoch from greatest(bucket.at - now(), interval '0')) * 1000`
      const left = sql`floor(${perMinute}::float8 - ${owedMs} / ${refillMs}::float8)`
      const given = sql`greatest(0, least(${atMost}::float8, ${left}))`
      const [row] = await rows<{ requests: number; owedMs: number }>(
        db,
        sql`insert into ${rateLimits} as bucket (client, tokens, at)
          values (${client}, ${atMost}, now() + ${later(sql`${atMost}::float8`)})
          on conflict (client) do update
            set tokens = ${given}, at = greatest(bucket.at, now()) + ${later(given)}
          returning tokens as requests,
            (extract(epoch from at - now()) * 1000)::float8 as "owedMs"`,
      )
      const { requests, owedMs: owed } = row!
      return { requests, waitMs: Math.max(1, owed - (perMinute - 1) * refillMs) }
    },
  }
}
