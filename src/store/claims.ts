// Claims on contents: several processes that embed the pictures of one collection take each content
// once, also where copies of it lie in different folders. A claim that is not released runs out.
import { and, eq, sql } from 'drizzle-orm'
import { randomBytes } from 'node:crypto'
import type { ContentHash } from '../core/hash.ts'
import type { VectorSpace } from './changes.ts'
import type { Database } from './database.ts'
import { claims } from './schema.ts'

/** The claims of one run. */
export interface Claims {
  /** Whether the content is this run's to embed, unless it has a vector by now; never after `release`. */
  readonly take: (content: ContentHash) => Promise<boolean>
  /** Gives all of them back, for good: what was embedded has been written. */
  readonly release: () => Promise<void>
}

/** After so long without a sign of life, whoever wants the content takes it over. */
const LEASE_SECONDS = 30
const RENEW_MS = 10_000

/** Claims nothing yet. */
export function openClaims(db: Database, { model }: VectorSpace): Claims {
  const holder = randomBytes(9).toString('base64url')
  const mine = and(eq(claims.model, model), eq(claims.holder, holder))
  const until = sql`now() + make_interval(secs => ${LEASE_SECONDS})`
  let renewing: NodeJS.Timeout | undefined
  const renew = () => {
    // One that is lost costs a picture that is embedded twice, and nothing else.
    db.update(claims)
      .set({ until })
      .where(mine)
      .catch(() => {})
  }
  let released = false
  const taking = new Set<Promise<boolean>>()
  const take = async (content: ContentHash): Promise<boolean> => {
    const taken = await db
      .insert(claims)
      .values({ content, model, holder, until })
      .onConflictDoUpdate({
        target: [claims.content, claims.model],
        set: { holder: sql`excluded.holder`, until: sql`excluded.until` },
        // It has run out. Said without the clock, of which each node of a cluster has its own.
        setWhere: sql`excluded.until - ${claims.until} > make_interval(secs => ${LEASE_SECONDS}) or ${claims.holder} = excluded.holder`,
      })
      .returning({ content: claims.content })
    return taken.length > 0
  }
  return {
    async take(content) {
      // A run that has failed may still be loading pictures. Nobody would give back what they claim.
      if (released) return false
      renewing ??= setInterval(renew, RENEW_MS).unref()
      const one = take(content)
      taking.add(one)
      try {
        return await one
      } finally {
        taking.delete(one)
      }
    },
    async release() {
      released = true
      if (!renewing) return
      clearInterval(renewing)
      renewing = undefined
      await Promise.allSettled(taking)
      await db.delete(claims).where(mine)
    },
  }
}
