// Signed-in pages: a random token in a cookie that scripts cannot read, and another that the page
// sends with every change, which a foreign site cannot know. Gone when the server ends.
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { sha256 } from '../core/hash.ts'

/** A signed-in page. */
export interface Session {
  readonly key: string
  readonly csrfToken: string
}

/** All signed-in pages. */
export interface Sessions {
  /** Returns the cookie's value. */
  open(key: string): { token: string; session: Session }
  find(token: string): Session | undefined
  close(token: string): void
}

const MAX_SESSIONS = 1000
/** A day without a request signs the page out. */
const IDLE_MS = 24 * 60 * 60_000

/** Starts with no sessions. */
export function openSessions(): Sessions {
  // By the token's hash, so that looking it up tells nothing about it by its time.
  const sessions = new LRUCache<string, Session>({
    max: MAX_SESSIONS,
    ttl: IDLE_MS,
    updateAgeOnGet: true,
  })
  return {
    open(key) {
      const token = randomBytes(32).toString('base64url')
      const session = { key, csrfToken: randomBytes(32).toString('base64url') }
      sessions.set(sha256(token), session)
      return { token, session }
    },
    find: (token) => sessions.get(sha256(token)),
    close: (token) => void sessions.delete(sha256(token)),
  }
}

/** Compares secrets in a time that tells nothing about them. */
export function isSame(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(a), 'hex'), Buffer.from(sha256(b), 'hex'))
}
