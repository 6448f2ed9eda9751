// One picture by its id: what is known about it, its file, its thumbnail. A file is only ever opened
// where the index says that it lies, inside an indexed folder, and never through a link.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Picture, toPicture } from './answer.ts'
import { LucidaError } from './core/errors.ts'
import { type FolderCache, openFolderCache } from './core/folder-cache.ts'
import { isWithin } from './core/folder-range.ts'
import type { ContentHash } from './core/hash.ts'
import { limitConcurrency } from './core/limit-concurrency.ts'
import { type ProvenanceRecord, fromXmp } from './generate/provenance.ts'
import { openPicture } from './pictures/open-picture.ts'
import { makeThumbnail } from './pictures/thumbnail.ts'
import { openSource, realPlace } from './sources/open-source.ts'
import type { OpenedFile } from './sources/source.ts'
import type { Database } from './store/database.ts'
import { filesOf, forgetContent } from './store/paths.ts'
import { type FileState, findPictures } from './store/pictures.ts'
import { listRoots } from './store/roots.ts'

/** Everything that is stored about a picture. */
export interface PictureDetails extends Picture {
  readonly format: string
  readonly sizeBytes: number
  /** EXIF orientation of the file, 1 to 8. */
  readonly orientation: number
  readonly takenOffsetMinutes: number | null
  readonly cameraMake: string | null
  readonly cameraModel: string | null
  readonly lens: string | null
  readonly latitude: number | null
  readonly longitude: number | null
  readonly altitudeM: number | null
  readonly perceptualHash: string
  readonly addedAt: Date
}

/** A picture's file, open; whoever gets it closes it. */
export interface OpenFile extends OpenedFile {
  readonly path: string
  readonly format: string
}

/** Pictures one by one. */
export interface Gallery {
  /** Throws `not_found`, as do the others. */
  find(id: ContentHash): Promise<PictureDetails>
  /** How it was drawn, where its file says so in a form that this version understands. */
  record(id: ContentHash): Promise<ProvenanceRecord | null>
  /** Those of `ids` that are there. */
  findSome(ids: readonly ContentHash[]): Promise<Map<ContentHash, Picture>>
  /** Opens the file itself. Throws `file_changed` when it is not what was indexed. */
  openFile(id: ContentHash): Promise<OpenFile>
  /** The whole file. Throws as `openFile`. */
  readFile(id: ContentHash): Promise<{ bytes: Uint8Array; path: string }>
  /** A WebP that fits into a square of `sizePx`; kept, so that it is made once. */
  thumbnail(id: ContentHash, sizePx: number): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Forgets the picture until its file is indexed again. A file that Lucida keeps itself, because it
   * was drawn or uploaded, is removed. Returns the number of its places.
   */
  forget(id: ContentHash): Promise<number>
}

/** About 50,000 thumbnails of 320 pixels. */
const MAX_CACHE_BYTES = 1e9

/**
 * Pictures of a database; thumbnails are kept below `cacheDirectory`, and `ownFolders` hold what
 * nobody but Lucida keeps.
 */
export function openGallery(
  db: Database,
  cacheDirectory: string,
  ownFolders: readonly string[],
): Gallery {
  const cache = openFolderCache(join(cacheDirectory, 'thumbnails'), MAX_CACHE_BYTES)
  const inTurn = limitConcurrency(availableParallelism())
  const making = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()

  const row = async (id: ContentHash) => {
    const found = (await findPictures(db, [id])).get(id)
    if (!found) throw new LucidaError('not_found', `No indexed picture has the id ${id}`)
    return found
  }
  const openFile = async (id: ContentHash): Promise<OpenFile> => {
    const { format } = await row(id)
    return { format, ...(await openFirst(await filesOf(db, id), await rootPaths(db))) }
  }
  const readFile = async (id: ContentHash) => {
    const file = await openFile(id)
    try {
      return { bytes: await file.bytes(), path: file.path }
    } finally {
      await file.close()
    }
  }
  const make = async (id: ContentHash, sizePx: number) => {
    const { bytes, path } = await readFile(id)
    return makeThumbnail(bytes, sizePx, path)
  }

  /** A file that is away or has changed says nothing. */
  const recordOf = async (id: ContentHash): Promise<ProvenanceRecord | null> => {
    try {
      const { bytes, path } = await readFile(id)
      return fromXmp((await openPicture(bytes, path)).xmp)
    } catch (error) {
      if (error instanceof LucidaError) return null
      throw error
    }
  }

  return {
    async find(id) {
      const found = await row(id)
      const { hash: _, widthPx: _w, heightPx: _h, paths, ...rest } = found
      return { ...rest, ...toPicture({ picture: found, path: paths[0]! }) }
    },
    record: async (id) => ((await row(id)).generated ? recordOf(id) : null),
    async findSome(ids) {
      const found = await findPictures(db, ids)
      return new Map(
        [...found].map(([id, picture]) => [id, toPicture({ picture, path: picture.paths[0]! })]),
      )
    },
    openFile,
    readFile,
    async thumbnail(id, sizePx) {
      // Who forgets a picture forgets its thumbnails, whatever is still in the cache.
      await row(id)
      const name = `${id}-${sizePx}.webp`
      return (
        (await cache.get(name)) ??
        makeOnce(making, name, cache, () => inTurn(() => make(id, sizePx)))
      )
    },
    async forget(id) {
      await row(id)
      const own = await Promise.all(ownFolders.map(realPlace))
      const files = await filesOf(db, id)
      const places = await forgetContent(db, id)
      for (const { path } of files) {
        if (own.some((folder) => isWithin(path, folder))) await openSource(path).remove(path)
      }
      return places
    },
  }
}

/** Several requests for one thumbnail wait for one that makes it. */
function makeOnce(
  making: Map<string, Promise<Uint8Array<ArrayBuffer>>>,
  name: string,
  cache: FolderCache,
  make: () => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  let made = making.get(name)
  if (!made) {
    made = make().finally(() => making.delete(name))
    making.set(name, made)
    void made.then(
      (bytes) => cache.put(name, bytes),
      () => {},
    )
  }
  return made
}

async function rootPaths(db: Database): Promise<string[]> {
  return (await listRoots(db)).map(({ path }) => path)
}

/** The first of the files that can be opened and is what was indexed. */
async function openFirst(files: readonly FileState[], roots: readonly string[]) {
  let reason: unknown = new LucidaError('not_found', 'The picture has no file any more')
  for (const file of files) {
    try {
      return await openIndexed(file, roots)
    } catch (error) {
      reason = error
    }
  }
  throw reason
}

/** Throws `not_found` for what lies outside the roots. */
async function openIndexed(file: FileState, roots: readonly string[]) {
  const { path } = file
  if (!roots.some((root) => isWithin(path, root))) {
    throw new LucidaError('not_found', `The file ${path} cannot be opened; index its folder again`)
  }
  return { path, ...(await openSource(path).open(file)) }
}
