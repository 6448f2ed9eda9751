// Pictures: nothing acknowledged is lost, nothing is there twice, and the store is what lies on the disk.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { isDraft } from '../../src/core/durable-file.ts'
import { type ContentHash, sha256 } from '../../src/core/hash.ts'
import { dot } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import type { VectorSpace } from '../../src/store/changes.ts'
import { type Database, rows } from '../../src/store/database.ts'
import { findVectors, listVisible } from '../../src/store/pictures.ts'
import { uploadPath } from './album.ts'
import { filesBelow, type Found, type Place, withStore } from './look.ts'

const VECTORS_MADE_ANEW = 10
/** Runs of other sizes differ by less. */
const SAME_COSINE = 0.9999
const MOST_PICTURES = 1000

/** Whatever was acknowledged and not touched since is there, with its vector. */
export function checkAcknowledged(place: Place): Promise<Found> {
  return withStore(place, async (db, space) => {
    const { album, storage } = place
    const expected = [
      ...[...album.files]
        .filter(([, { acknowledged }]) => acknowledged)
        .map(([path, { hash }]) => ({ path, hash })),
      ...[...album.uploads].map((hash) => ({ path: uploadPath(storage, hash), hash })),
    ]
    const stored = await storedFiles(db, space)
    const violations = expected.flatMap(({ path, hash }) => {
      const found = stored.get(path) ?? []
      const isThere = found.some((row) => row.content === hash && row.vectors === 1)
      return isThere ? [] : [`lost: ${path}, ${hash}, stored as ${JSON.stringify(found)}`]
    })
    const counts = {
      'acknowledged files there': expected.length - album.uploads.size,
      'acknowledged uploads there': album.uploads.size,
    }
    return { counts, violations }
  })
}

/** The database has exactly the files that there are, each once, each with one vector. */
export function checkStore(place: Place): Promise<Found> {
  return withStore(place, async (db, space) => {
    const uploads = join(place.storage, 'uploads')
    const onDisk = new Map<string, ContentHash>()
    for (const folder of [place.album.folder, uploads]) {
      for (const path of await filesBelow(folder)) {
        if (!isDraft(path)) onDisk.set(path, sha256(await readFile(path)))
      }
    }
    const stored = await storedFiles(db, space)
    const violations: string[] = []
    for (const [path, hash] of onDisk) {
      const found = stored.get(path) ?? []
      if (found.length > 1) violations.push(`twice: ${path}`)
      if (!found.some(({ content }) => content === hash)) violations.push(`lost: ${path}, ${hash}`)
      if (found.some(({ vectors }) => vectors !== 1)) violations.push(`no vector: ${path}`)
    }
    for (const path of stored.keys()) if (!onDisk.has(path)) violations.push(`gone: ${path}`)
    const strays = await rows<{ what: string }>(
      db,
      sql`select 'a picture that lies nowhere: ' || encode(hash, 'hex') as what from contents
            where not exists (select 1 from paths where content = hash)
          union all select 'failed: ' || path || ': ' || reason from failures`,
    )
    violations.push(...strays.map(({ what }) => what))
    const pictures = new Set(onDisk.values()).size
    return { counts: { 'files equal to the store': onDisk.size, pictures }, violations }
  })
}

/** A search of everything names each picture of the store once. */
export async function checkAnswers(place: Place): Promise<Found> {
  const items = await place.clients.search('anything', MOST_PICTURES)
  if (!items) return { counts: {}, violations: ['the last search was refused'] }
  return withStore(place, async (db) => {
    const found = new Set<string>(items.map(({ image }) => image.id))
    const stored = (await listVisible(db)).map(({ hash }) => hash)
    const lost = stored.filter((hash) => !found.has(hash))
    const violations = lost.map((hash) => `not found by the server: ${hash}`)
    if (found.size > stored.length) violations.push('the server finds what is not stored')
    return { counts: { 'pictures that a search finds': found.size }, violations }
  })
}

/** Some vectors made anew from the files are those that are stored: nobody has another's. */
export function checkVectors(place: Place): Promise<Found> {
  return withStore(place, async (db, space) => {
    const clip = openClip(await findModel(space.model), { threads: 1 })
    try {
      const files = [...place.album.files].slice(0, VECTORS_MADE_ANEW)
      const stored = await findVectors(
        db,
        space,
        files.map(([, { hash }]) => hash),
      )
      const violations: string[] = []
      for (const [path, { hash }] of files) {
        const [vector] = await clip.embedPixels([await clip.preprocess(await readFile(path))])
        const held = stored.get(hash)
        if (!held || dot(held, vector!) < SAME_COSINE) violations.push(`another vector: ${path}`)
      }
      return { counts: { 'vectors made anew': files.length }, violations }
    } finally {
      await clip.close()
    }
  })
}

interface StoredFile {
  readonly content: ContentHash
  readonly vectors: number
}

/** Files that are there, with how many vectors of the model their contents have. */
async function storedFiles(db: Database, space: VectorSpace): Promise<Map<string, StoredFile[]>> {
  const found = await rows<StoredFile & { path: string }>(
    db,
    sql`select path, encode(content, 'hex') as content,
          (select count(*)::int from embeddings e where e.content = p.content
            and e.model = ${space.model} and e.recipe = ${space.recipe}) as vectors
        from paths p where missing_since is null`,
  )
  const files = new Map<string, StoredFile[]>()
  for (const { path, ...file } of found) files.set(path, [...(files.get(path) ?? []), file])
  return files
}
