// Files that could not be indexed, and why.
import { asc, inArray } from 'drizzle-orm'
import type { Database } from './database.ts'
import { failures } from './schema.ts'
import { inChunks } from './statements.ts'

/** All recorded failures, by path. */
export async function listFailures(db: Database): Promise<(typeof failures.$inferSelect)[]> {
  return db.select().from(failures).orderBy(asc(failures.path))
}

/** Deletes recorded failures of files that are gone. */
export async function forgetFailures(db: Database, all: readonly string[]): Promise<void> {
  await inChunks(all, async (some) => {
    await db.delete(failures).where(inArray(failures.path, some))
  })
}
