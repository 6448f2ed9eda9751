// The pictures of a run: what lies in the folder, what was handed over, and what of it Lucida has
// said to have. This is what the database is compared with in the end.
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ContentHash, sha256 } from '../../src/core/hash.ts'
import { makeBlobs } from '../helpers/noise-pictures.ts'

/** A file as it is since its last change. */
export interface AlbumFile {
  readonly hash: ContentHash
  /** Whether an indexing job that was ordered after that change has ended, and named no failure. */
  acknowledged: boolean
}

/** A folder of pictures with its history. */
export interface Album {
  readonly folder: string
  readonly files: ReadonlyMap<string, AlbumFile>
  /** Pictures that were ever in the folder, or handed over. */
  readonly everMade: ReadonlySet<ContentHash>
  /** Pictures whose upload was answered with success. */
  readonly uploads: Set<ContentHash>
  add(count: number, at: number): Promise<void>
  move(count: number, at: number): Promise<void>
  replace(count: number, at: number): Promise<void>
  delete(count: number, at: number): Promise<void>
  /** A picture to hand over: new, or one of those that were made before. */
  take(at: number): Promise<Buffer>
  /** Call before an indexing job is ordered; what it returns, when that job is done. */
  beforeOrder(): (failed: ReadonlySet<string>) => void
}

const SUBFOLDERS = ['a', 'b/c', 'd', 'zz']
/** So many always stay, and deleting never looks like a drive that was unplugged. */
const FEWEST = 20
/** Of what is handed over or added, so much was there before. */
const COPIES = 0.15

/** An empty one. `seed` decides the pictures. */
export async function openAlbum(base: string, seed: number): Promise<Album> {
  const folder = join(base, 'photos')
  for (const name of SUBFOLDERS) await mkdir(join(folder, name), { recursive: true })
  const drafts = join(base, 'drafts')
  await mkdir(drafts)
  const files = new Map<string, AlbumFile>()
  const pictures: Buffer[] = []
  const everMade = new Set<ContentHash>()
  let names = 0

  const take = async (at: number): Promise<Buffer> => {
    if (at < COPIES && pictures.length > 0) {
      return pictures[Math.floor((at / COPIES) * pictures.length)]!
    }
    const picture = await makeBlobs(`${seed}/${pictures.length}`)
    pictures.push(picture)
    everMade.add(sha256(picture))
    return picture
  }
  /** Whole or not at all: half of a picture would be another picture. */
  const write = async (path: string, picture: Buffer) => {
    const draft = join(drafts, String(names++))
    await writeFile(draft, picture)
    await rename(draft, path)
    files.set(path, { hash: sha256(picture), acknowledged: false })
  }
  const newPath = (at: number) =>
    join(folder, SUBFOLDERS[Math.floor(at * SUBFOLDERS.length)]!, `${names++}.png`)
  /** Different ones; `at` and the number of the turn decide which. */
  const some = (count: number, at: number): string[] => {
    const all = [...files.keys()]
    const first = Math.floor(at * all.length)
    return [...all.slice(first), ...all.slice(0, first)].slice(0, count)
  }
  const turn = (at: number, i: number) => (at + i * 0.381_966) % 1

  return {
    folder,
    files,
    everMade,
    uploads: new Set(),
    take,
    async add(count, at) {
      for (let i = 0; i < count; i++) await write(newPath(turn(at, i)), await take(turn(at, i)))
    },
    async move(count, at) {
      for (const [i, from] of some(count, at).entries()) {
        const to = newPath(turn(at, i))
        const { hash } = files.get(from)!
        files.delete(from)
        await rename(from, to)
        files.set(to, { hash, acknowledged: false })
      }
    },
    async replace(count, at) {
      for (const path of some(count, at)) {
        files.delete(path)
        await write(path, await take(1))
      }
    },
    async delete(count, at) {
      for (const path of some(Math.min(count, files.size - FEWEST), at)) {
        files.delete(path)
        await rm(path)
      }
    },
    beforeOrder() {
      const before = new Map(files)
      return (failed) => {
        for (const [path, file] of before) {
          if (files.get(path) === file && !failed.has(path)) file.acknowledged = true
        }
      }
    },
  }
}

/** Where an upload of this picture lies. */
export function uploadPath(storage: string, hash: ContentHash): string {
  return join(storage, 'uploads', `${hash.slice(0, 16)}.png`)
}
