// Chooses how a place is read, by its path alone.
import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { OWN_FOLDERS, ownFolder, type OwnHomes } from '../core/own-folders.ts'
import { isBucketPath, placeOf } from '../core/place.ts'
import { BUCKETS } from './bucket-source.ts'
import { FOLDERS } from './folder-source.ts'
import type { Source } from './source.ts'

/** The source that a file or folder belongs to. */
export function openSource(path: string): Source {
  return isBucketPath(path) ? BUCKETS : FOLDERS
}

/**
 * The one name of a place: without links, as far as it is there. Throws `bad_input` for what begins
 * like a bucket and is none.
 */
export async function realPlace(name: string): Promise<string> {
  const place = placeOf(name)
  return isBucketPath(place) ? place : realAsFarAsThere(place)
}

/** What is made later below a link lies where the link leads. */
async function realAsFarAsThere(path: string): Promise<string> {
  const parent = dirname(path)
  if (parent === path) return path
  return realpath(path).catch(async () => join(await realAsFarAsThere(parent), basename(path)))
}

/** The one name of each of Lucida's own folders. */
export function ownPlaces(homes: OwnHomes): Promise<string[]> {
  return Promise.all(OWN_FOLDERS.map((name) => realPlace(ownFolder(name, homes))))
}
