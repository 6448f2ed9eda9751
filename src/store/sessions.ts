// Signed-in pages, for all servers of one database. What is stored opens no door: the hash of a
// token, and the id of the key that it was opened with.
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { explainFullDisk, LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import type { ApiKey } from './api-keys.ts'
import { type Database, rows } from './database.ts'
import { apiKeys, sessions } from './schema.ts'

/** The sessions of a database, by the SHA-256 of their token. */
export interface StoredSessions {
  /** Begins one; the one that was used least lately makes way. Throws `unauthorized`. */
  open(token: ContentHash, key: string): Promise<void>
  /** The key that it was opened with; null where there is no such session, or it has ended. */
  find(token: ContentHash): Promise<ApiKey | null>
  close(token: ContentHash): Promise<void>
}

const MAX_SESSIONS = 1000
/** Without a request for so long, a session has ended. */
const IDLE = sql`interval '1 day'`
/** A request within so long of the last one that was noted is not noted. */
const UNNOTED = sql`interval '5 minutes'`

/** Reads and writes the sessions. */
export function openStoredSessions(db: Database): StoredSessions {
  /** Whoever is signed in stays so while the disk is full. */
  const noteUse = async (mine: SQL) => {
    try {
      await db.update(sessions).set({ usedAt: sql`now()` }).where(mine)
    } catch (error) {
      const reason = explainFullDisk(error, 'the database')
      if (!(reason instanceof LucidaError && reason.code === 'disk_full')) throw error
    }
  }
  return {
    open: (token, key) =>
      db.transaction(async (tx) => {
        // Of a key that is being revoked at this moment, there is none.
        const made = await rows(
          tx,
          sql`insert into ${sessions} (token, key)
            select ${sql.param(token, sessions.token)}, id from ${apiKeys}
            where id = ${key} for key share returning key`,
        )
        if (made.length === 0) throw new LucidaError('unauthorized', 'The key has been revoked')
        await makeRoom(tx, token)
      }),
    async find(token) {
      const mine = eq(sessions.token, token)
      const [found] = await db
        .select({
          id: apiKeys.id,
          name: apiKeys.name,
          scope: apiKeys.scope,
          createdAt: apiKeys.createdAt,
          isDue: sql<boolean>`${sessions.usedAt} < now() - ${UNNOTED}`,
        })
        .from(sessions)
        .innerJoin(apiKeys, eq(apiKeys.id, sessions.key))
        .where(and(mine, sql`${sessions.usedAt} > now() - ${IDLE}`))
      if (!found) return null
      const { isDue, ...key } = found
      if (isDue) await noteUse(mine)
      return key
    },
    async close(token) {
      await db.delete(sessions).where(eq(sessions.token, token))
    },
  }
}

/** For a new one, which stays. Waits for nobody: what others hold goes with the next one. */
async function makeRoom(tx: Database, token: ContentHash): Promise<void> {
  await tx.execute(sql`delete from ${sessions} where token in (
    select token from ${sessions} where used_at <= now() - ${IDLE} or token in (
      select token from ${sessions} where token <> ${sql.param(token, sessions.token)}
      order by used_at desc, token offset ${MAX_SESSIONS - 1})
    for update skip locked)`)
}
