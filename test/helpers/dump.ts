// Everything the store holds about a collection, in a form that two runs can be compared by.
import { openDatabase } from '../../src/store/database.ts'
import { asc, eq } from 'drizzle-orm'
import { contents, embeddings, paths } from '../../src/store/schema.ts'

/** One path with all that hangs on it. */
export interface DumpedPath {
  readonly path: string
  /** Hash and metadata, without the times at which rows were written and their numbers. */
  readonly facts: string
  readonly vector: Float32Array
}

/** Reads the whole collection, by path. */
export async function dumpCollection(place: {
  readonly dataDir: string
  readonly databaseUrl?: string
}): Promise<DumpedPath[]> {
  const database = await openDatabase(
    place.databaseUrl ? { url: place.databaseUrl } : { directory: place.dataDir },
  )
  try {
    const rows = await database.db
      .select({ file: paths, content: contents, embedding: embeddings })
      .from(paths)
      .innerJoin(contents, eq(contents.hash, paths.content))
      .innerJoin(embeddings, eq(embeddings.content, paths.content))
      .orderBy(asc(paths.path), asc(embeddings.model))
    return rows.map(({ file, content, embedding }) => {
      const { addedAt: _, thumbHash, ...facts } = content
      const { vector, seq: _seq, ...space } = embedding
      const thumb = Buffer.from(thumbHash).toString('hex')
      return { path: file.path, facts: JSON.stringify([file, facts, thumb, space]), vector }
    })
  } finally {
    await database.close()
  }
}

/** Largest difference between two vectors' numbers; infinite when anything else differs. */
export function largestDifference(a: readonly DumpedPath[], b: readonly DumpedPath[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let largest = 0
  a.forEach((row, i) => {
    const other = b[i]!
    if (row.path !== other.path || row.facts !== other.facts) largest = Number.POSITIVE_INFINITY
    row.vector.forEach((value, j) => {
      largest = Math.max(largest, Math.abs(value - other.vector[j]!))
    })
  })
  return largest
}
