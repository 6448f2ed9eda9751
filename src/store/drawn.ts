// What Lucida has drawn itself: the pictures that lie nowhere but in the folders that it keeps for them.
import { and, eq, isNull, notExists, or, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import type { ContentHash } from '../core/hash.ts'
import type { Database } from './database.ts'
import { below } from './paths.ts'
import { paths, roots } from './schema.ts'

/** Drawn pictures and where they lie. */
export interface DrawnPictures {
  /** One folder for each data directory that has drawn something. */
  readonly folders: readonly string[]
  readonly contents: ReadonlySet<ContentHash>
}

/** Marks a folder as the one that a data directory keeps its drawn pictures in. */
export async function claimDrawnFolder(db: Database, folder: string): Promise<void> {
  await db
    .insert(roots)
    .values({ path: folder, drawn: true })
    .onConflictDoUpdate({ target: roots.path, set: { drawn: true } })
}

/** All drawn pictures. A copy that somebody put into an indexed folder is a picture like others. */
export async function findDrawn(db: Database): Promise<DrawnPictures> {
  const marked = await db.select({ path: roots.path }).from(roots).where(eq(roots.drawn, true))
  const folders = marked.map(({ path }) => path)
  if (folders.length === 0) return { folders, contents: new Set() }
  const elsewhere = alias(paths, 'elsewhere')
  const inside = (column: typeof paths.path) => or(...folders.map((at) => below(column, at)))!
  const found = await db
    .selectDistinct({ content: paths.content })
    .from(paths)
    .where(
      and(
        isNull(paths.missingSince),
        inside(paths.path),
        notExists(
          db
            .select({ one: sql`1` })
            .from(elsewhere)
            .where(
              and(
                eq(elsewhere.content, paths.content),
                isNull(elsewhere.missingSince),
                sql`not ${inside(elsewhere.path as never)}`,
              ),
            ),
        ),
      ),
    )
  return { folders, contents: new Set(found.map(({ content }) => content)) }
}
