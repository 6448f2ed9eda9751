// Pictures that are handed over: checked, kept in a folder of Lucida's own, and in the collection
// before anybody is told that they are there.
import { explainFullDisk, LucidaError } from './core/errors.ts'
import { type ContentHash, sha256InTurns } from './core/hash.ts'
import { placeIn } from './core/place.ts'
import { decodeContent } from './indexer/load-picture.ts'
import { extensionOf, RAW_EXTENSIONS, sniffFormat } from './pictures/sniff.ts'
import type { ServingSpace } from './serving-space.ts'
import { openSource, realPlace } from './sources/open-source.ts'
import type { ScannedFile } from './sources/source.ts'
import type { Database, OpenDatabase } from './store/database.ts'
import { filesOf } from './store/paths.ts'
import { findContent, writeBatch } from './store/pictures.ts'
import { claimRoot, listRoots } from './store/roots.ts'
import type { Writing } from './writing.ts'

/** A picture that was taken in. */
export interface Upload {
  readonly id: ContentHash
  /** False where the same bytes had been uploaded before. */
  readonly isNew: boolean
}

/** Takes in pictures. */
export interface Uploads {
  /**
   * Puts a picture into the collection; it is there for good once this returns. Of `fileName` only
   * what camera it may come from is used. Throws `unsupported_format`, `corrupt_image`, `too_large`,
   * `disk_full`.
   */
  add(bytes: Uint8Array, fileName?: string): Promise<Upload>
}

/** What taking in needs of the open Lucida. */
export interface UploadContext {
  readonly database: OpenDatabase
  readonly spaces: ServingSpace
  readonly writing: Writing
  /** Where the files are kept. */
  readonly folder: string
  /** Called when there is a picture that another model has not seen. */
  readonly onIndexed: () => void
}

/** Takes in nothing yet. */
export function openUploads(context: UploadContext): Uploads {
  const { database, spaces, writing, folder, onIndexed } = context
  const { db } = database
  const underWay = new Map<ContentHash, Promise<Upload>>()

  /** The root that holds the uploads, claimed anew where somebody has removed it. */
  const claimFolder = async (): Promise<string> => {
    const place = await realPlace(folder)
    if (!(await listRoots(db)).some(({ path }) => path === place)) {
      await claimRoot(db, place, undefined, [place])
      await database.noteChoices()
    }
    return place
  }

  const add = async (id: ContentHash, bytes: Uint8Array, name: string): Promise<Upload> =>
    spaces.with(async ({ answer: { clip }, identity }) => {
      const known = await findUpload(db, id, placeIn(await realPlace(folder), name))
      if (known && (await findContent(db, identity, id)).embedded) return { id, isNew: false }
      const { content, pixels } = await decodeContent(clip, name, { bytes, hash: id })
      const [vector] = await clip.embedPixels([pixels])
      const kept = await keep(placeIn(folder, name), bytes)
      const root = await claimFolder()
      const file = {
        ...kept,
        path: placeIn(root, name),
        hash: id,
        content: content!,
        vector: vector!,
      }
      await writing.aside(() =>
        writeBatch(db, identity, { folder: root, files: [file], failures: [] }),
      )
      onIndexed()
      return { id, isNew: !known }
    })

  return {
    async add(bytes, fileName = '') {
      const id = await sha256InTurns(bytes)
      try {
        const before = underWay.get(id)
        if (before) return { ...(await before), isNew: false }
        const name = `${id.slice(0, 16)}.${extensionFor(bytes, fileName)}`
        const adding = add(id, bytes, name).finally(() => underWay.delete(id))
        underWay.set(id, adding)
        return await adding
      } catch (error) {
        throw explainFullDisk(error, folder)
      }
    },
  }
}

/** The file of an earlier upload, where it is there and in the collection. */
async function findUpload(
  db: Database,
  id: ContentHash,
  path: string,
): Promise<ScannedFile | undefined> {
  const indexed = (await filesOf(db, id)).find((file) => file.path === path)
  const found = indexed && (await openSource(path).stat(path))
  const isSame = found?.sizeBytes === indexed?.sizeBytes && found?.mtimeMs === indexed?.mtimeMs
  return isSame ? found : undefined
}

/** Its name says what it holds: what is there in the same length is left alone, and keeps its time. */
async function keep(path: string, bytes: Uint8Array): Promise<ScannedFile> {
  const source = openSource(path)
  const found = await source.stat(path)
  return found?.sizeBytes === bytes.length ? found : source.put(path, bytes)
}

/** Many raw files differ from TIFF by their names alone. */
function extensionFor(bytes: Uint8Array, fileName: string): string {
  if (bytes.length === 0) throw new LucidaError('corrupt_image', 'The file is empty')
  const format = sniffFormat(bytes, fileName)
  if (format === null) {
    throw new LucidaError('unsupported_format', 'The file is no picture that Lucida knows')
  }
  const given = extensionOf(fileName)
  if (format === 'raw' && RAW_EXTENSIONS.has(given)) return given
  return format === 'jpeg' ? 'jpg' : format
}
