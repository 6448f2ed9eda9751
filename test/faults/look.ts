// What every check of a run of faults needs: where to look, and the store as it is.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { VectorSpace } from '../../src/store/changes.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { readServing } from '../../src/store/serving.ts'
import type { World } from './world.ts'

/** What a check found. */
export interface Found {
  readonly counts: Readonly<Record<string, number>>
  readonly violations: readonly string[]
}

/** Where to look. */
export type Place = Pick<
  World,
  'album' | 'clients' | 'databaseUrl' | 'disk' | 'members' | 'postgres' | 'storage'
>

/** Looks into the database, and at the model that answers. */
export async function withStore(
  { databaseUrl }: Place,
  check: (db: Database, space: VectorSpace) => Promise<Found>,
): Promise<Found> {
  const database = await openDatabase({ url: databaseUrl })
  try {
    const serving = await readServing(database.db)
    if (!serving) return { counts: {}, violations: ['no model answers'] }
    return await check(database.db, serving)
  } finally {
    await database.close()
  }
}

/** All files in a folder and its subfolders; none where it is not there. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
