// Signed-in pages: a random token in a cookie that scripts cannot read, and another that the page
// sends with every change, which a foreign site cannot know. All servers of one database share them.
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type ContentHash, sha256 } from '../core/hash.ts'
import type { ApiKey, StoredSessions } from '../lucida.ts'

/** A signed-in page. */
export interface Session {
  readonly key: ApiKey
  readonly csrfToken: string
}

/** All signed-in pages. */
export interface Sessions {
  /** Returns the cookie's value. Throws `unauthorized` for a key that has been revoked. */
  open(key: string): Promise<{ readonly token: string; readonly csrfToken: string }>
  find(token: string): Promise<Session | null>
  close(token: string): Promise<void>
  /** After a change of the keys by this process. */
  forget(): void
}

/** What another server closes is noticed after so long; a page asks for many pictures at once. */
const FRESH_MS = 1000
const MAX_FRESH = 1000

/** Reads them through a memory that does not last. */
export function openSessions(stored: StoredSessions): Sessions {
  // By the token's hash, so that looking it up tells nothing about it by its time.
  const fresh = new LRUCache<ContentHash, Promise<ApiKey | null>>({ max: MAX_FRESH, ttl: FRESH_MS })

  function findKey(hash: ContentHash): Promise<ApiKey | null> {
    const known = fresh.get(hash)
    if (known) return known
    const found = stored.find(hash)
    fresh.set(hash, found)
    // A failure is not remembered.
    found.catch(() => fresh.delete(hash))
    return found
  }

  return {
    async open(key) {
      const token = randomBytes(32).toString('base64url')
      await stored.open(sha256(token), key)
      return { token, csrfToken: csrfTokenOf(token) }
    },
    async find(token) {
      const key = await findKey(sha256(token))
      return key && { key, csrfToken: csrfTokenOf(token) }
    },
    async close(token) {
      const hash = sha256(token)
      await stored.close(hash)
      fresh.delete(hash)
    },
    forget: () => fresh.clear(),
  }
}

/** Follows from the cookie's token, which does not follow from it; so it need not be stored. */
function csrfTokenOf(token: string): string {
  return sha256(`lucida csrf ${token}`)
}

/** Compares secrets in a time that tells nothing about them. */
export function isSame(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(a), 'hex'), Buffer.from(sha256(b), 'hex'))
}
