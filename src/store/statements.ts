// Small pieces of SQL and batching that the store's files share.
import { and, eq } from 'drizzle-orm'
import type { VectorSpace } from './changes.ts'
import { contents, embeddings, paths } from './schema.ts'

/** Rows per statement: far below Postgres's limit of 65,535 parameters. */
const CHUNK = 1000

/** Runs `run` over slices of `items`, one after another. */
export async function inChunks<T>(
  items: readonly T[],
  run: (some: T[]) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += CHUNK) await run(items.slice(at, at + CHUNK))
}

/** Join condition: the embedding of this content in this space. */
export function inSpace(space: VectorSpace, content: typeof contents.hash | typeof paths.content) {
  return and(
    eq(embeddings.content, content),
    eq(embeddings.model, space.model),
    eq(embeddings.recipe, space.recipe),
  )
}

/** One of those that share a key: the last. */
export function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()]
}
