// Keys of the HTTP API: `lk_<id>_<secret>`. Only their hashes are stored; 256 random bits cannot be
// guessed from one, so a fast hash will do.
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { asc, eq } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import { sha256 } from '../core/hash.ts'
import type { Database, OpenDatabase } from './database.ts'
import { apiKeys } from './schema.ts'

/** What a key allows; each includes those before it. */
export type KeyScope = 'read' | 'write' | 'admin'

/** A key as it may be shown. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly scope: KeyScope
  readonly createdAt: Date
}

/** The keys of a database. */
export interface ApiKeys {
  /** The key itself is in the answer and nowhere else. */
  create(options: { name: string; scope: KeyScope }): Promise<ApiKey & { readonly key: string }>
  list(): Promise<ApiKey[]>
  /** Throws `not_found`. */
  revoke(id: string): Promise<void>
  /** All keys as they are now, to check others against. */
  load(): Promise<KeyRing>
}

/** Keys in memory. */
export interface KeyRing {
  readonly size: number
  /** The key that `text` is, or null. */
  verify(text: string): ApiKey | null
}

const PATTERN = /^lk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/
const NO_HASH = '0'.repeat(64)

/** Reads and writes the keys; `noteChoices` is told of every change. */
export function openApiKeys(
  db: Database,
  noteChoices: OpenDatabase['noteChoices'] = async () => {},
): ApiKeys {
  return {
    async create({ name, scope }) {
      const id = randomBytes(6).toString('hex')
      const key = `lk_${id}_${randomBytes(32).toString('base64url')}`
      const [made] = await db
        .insert(apiKeys)
        .values({ id, name, scope, hash: sha256(key) })
        .returning()
      await noteChoices()
      return { ...shown(made!), key }
    },
    async list() {
      const found = await db.select().from(apiKeys).orderBy(asc(apiKeys.createdAt), apiKeys.id)
      return found.map(shown)
    },
    async revoke(id) {
      const gone = await db.delete(apiKeys).where(eq(apiKeys.id, id)).returning()
      if (gone.length === 0) throw new LucidaError('not_found', `There is no key with the id ${id}`)
      await noteChoices()
    },
    async load() {
      const found = await db.select().from(apiKeys)
      const byId = new Map(found.map((row) => [row.id, row]))
      return { size: byId.size, verify: (text) => verify(byId, text) }
    },
  }
}

function verify(byId: ReadonlyMap<string, Row>, text: string): ApiKey | null {
  const id = PATTERN.exec(text)?.[1]
  const found = id === undefined ? undefined : byId.get(id)
  // Compared in any case, so that an unknown id takes as long as a wrong secret.
  const isSame = timingSafeEqual(
    Buffer.from(sha256(text), 'hex'),
    Buffer.from(found?.hash ?? NO_HASH, 'hex'),
  )
  return found && isSame ? shown(found) : null
}

type Row = typeof apiKeys.$inferSelect

function shown({ id, name, scope, createdAt }: Row): ApiKey {
  return { id, name, scope, createdAt }
}
