// A store shared by the tests of one suite, and rows to put into it without any file.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { type ContentHash, sha256 } from '../../src/core/hash.ts'
import { normalize, type UnitVector } from '../../src/core/vector.ts'
import { readChanges, type VectorSpace } from '../../src/store/changes.ts'
import type { Database, OpenDatabase } from '../../src/store/database.ts'
import { findPictures, type IndexedFile } from '../../src/store/pictures.ts'
import { changes, contents, failures, roots, serving } from '../../src/store/schema.ts'
import type { TestPlace } from './database.ts'
import { noise } from './noise-pictures.ts'

/**
 * Opens one database for all tests of the suite and empties it before each: opening the embedded
 * one takes most of a second.
 */
export function sharedDatabase(newPlace: () => Promise<TestPlace>): { readonly db: Database } {
  let place: TestPlace
  let database: OpenDatabase
  beforeAll(async () => {
    place = await newPlace()
    database = await place.open()
  })
  beforeEach(async () => {
    const { db } = database
    // Many times as quick as truncating tables that hold a handful of rows.
    for (const table of [roots, contents, changes, failures, serving]) await db.delete(table)
    await db.execute(sql`alter sequence changes_seq restart`)
  })
  afterAll(async () => {
    await database.close()
    await place[Symbol.asyncDispose]()
  })
  return {
    get db() {
      return database.db
    },
  }
}

/** The content hash that `storedFile` gives a name. */
export function hashOf(name: string): ContentHash {
  return sha256(name)
}

/** The vector that `storedFile` gives a name. */
export function vectorOf(name: string): UnitVector {
  return normalize([...noise(name, 8)].map((byte) => byte - 127.5))
}

/** A file as the indexer would write it; a picture is its name. */
export function storedFile(
  name: string,
  path = `/photos/${name}.png`,
  vector = vectorOf(name),
): IndexedFile & { readonly content: object } {
  const hash = hashOf(name)
  return {
    path,
    sizeBytes: 100,
    mtimeMs: 1_600_000_000_000.25,
    hash,
    vector,
    content: {
      hash,
      format: 'png',
      sizeBytes: 100,
      widthPx: 8,
      heightPx: 8,
      orientation: 1,
      thumbHash: noise(name, 20),
      perceptualHash: hash.slice(0, 16),
    },
  }
}

/** What a search of this space shows, taken from the feed as an index would: vectors by path. */
export async function shownVectors(
  db: Database,
  space: VectorSpace,
): Promise<Map<string, UnitVector>> {
  const { changes } = await readChanges(db, space, 0, 100_000)
  const vectors = new Map(
    changes.flatMap(({ content, vector }) => (vector ? [[content, vector]] : [])),
  )
  const pictures = await findPictures(db, [...vectors.keys()])
  return new Map(
    [...pictures.values()].flatMap(({ hash, paths }) =>
      paths.map((path) => [path, vectors.get(hash)!] as const),
    ),
  )
}
