// Saved indexes and checkpoints: of this database, whole, and equal to the store. What is not is
// deleted, and made again by the next search.
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { ContentHash } from '../core/hash.ts'
import {
  checkpointsIn,
  indexesFolder,
  readCheckpointFile,
  spaceFolder,
} from '../search/checkpoint.ts'
import { hnswAvailable } from '../search/hnsw-index.ts'
import { unpackContents } from '../search/row-labels.ts'
import {
  describeIndexFile,
  HEADER_NAME,
  type IndexPlace,
  loadIndexFile,
} from '../search/index-file.ts'
import { openIndexFor } from '../search/open-index.ts'
import { openPictureTable } from '../search/picture-table.ts'
import { lastSequenceOf } from '../store/changes.ts'
import type { Database, OpenDatabase } from '../store/database.ts'
import { findDrawn } from '../store/drawn.ts'
import { listVisible } from '../store/pictures.ts'
import { readServing } from '../store/serving.ts'
import { differenceOf, type Held } from './expected-vectors.ts'
import { ABANDONED_AFTER_MS, deletingRule, type Rule } from './rule.ts'

export function indexRules({ db, storeId, engine }: OpenDatabase, dataDir: string): Rule[] {
  const folder = indexesFolder(dataDir)
  const foreign = async () => (await foldersIn(folder)).filter((name) => name !== storeId)
  /** Folders of saved indexes with what is wrong; a sound one is read once more by each rule. */
  const indexes = async (isWrong: (directory: string) => Promise<boolean>) => {
    const wrong: string[] = []
    for (const directory of await indexFolders(join(folder, storeId))) {
      if (await isWrong(directory)) wrong.push(directory)
    }
    return wrong
  }
  return [
    deletingRule('index_foreign', 'saved indexes are of another database', async () =>
      (await foreign()).map((name) => join(folder, name)),
    ),
    deletingRule('index_damaged', 'saved indexes are spoilt', () =>
      indexes(async (directory) => {
        if (engine === 'postgres' && (await isUnfinished(directory))) return false
        return (await readHeld(directory)) === null
      }),
    ),
    deletingRule(
      'index_differs',
      'saved indexes hold other pictures or vectors than the store',
      () =>
        indexes(async (directory) => {
          const held = await readHeld(directory)
          return held !== null && (await differenceFrom(db, held)) !== null
        }),
    ),
    deletingRule(
      'checkpoint_differs',
      'what cold searches answer from is not what the database holds',
      async () => {
        const wrong: string[] = []
        for (const path of await checkpointsIn(dataDir)) {
          if (!(await isTrue(path))) wrong.push(path)
        }
        return wrong
      },
    ),
  ]

  /** Null where it is spoilt, or not of this database. */
  async function readHeld(directory: string): Promise<HeldFile | null> {
    const described = await describeIndexFile(directory)
    if (!described || described.identity.storeId !== storeId) return null
    const place: IndexPlace = { ...described, directory }
    return loadIndexFile(place, async (saved) => {
      await saved.vectors.verify()
      const contents = new Set(unpackContents(saved.labels).filter((content) => content !== null))
      return { place, sequence: saved.sequence, contents }
    })
  }

  /** Whether a checkpoint says what is so. */
  async function isTrue(path: string): Promise<boolean> {
    const checkpoint = await readCheckpointFile(path)
    if (checkpoint?.identity.storeId !== storeId) return false
    const { identity, sequence, size, kind, table } = checkpoint
    if (sequence !== (await lastSequenceOf(db, identity))) return false
    if (checkpoint.serves !== ((await readServing(db))?.model === identity.model)) return false
    const held = await readHeld(join(spaceFolder(dataDir, identity), kind))
    if (held?.sequence !== sequence || held.contents.size !== size) return false
    const drawn = (await findDrawn(db)).contents
    if (!isDeepStrictEqual(new Set(checkpoint.drawn), drawn)) return false
    const opened = await openPictureTable(join(spaceFolder(dataDir, identity), table.name), table)
    if (!opened) return false
    try {
      const known = await listVisible(db)
      if (known.length !== opened.count) return false
      const rows = await opened.find(known.map(({ hash }) => hash))
      return known.every((row) => isDeepStrictEqual(rows.get(row.hash), row))
    } catch {
      return false
    } finally {
      await opened.close()
    }
  }
}

/** A saved index, without its vectors. */
interface HeldFile extends Omit<Held, 'vectorsOf'> {
  readonly place: IndexPlace
}

async function differenceFrom(db: Database, held: HeldFile): Promise<string | null> {
  const { kind, identity, directory } = held.place
  if (kind === 'pgvector' || (kind === 'hnsw' && !(await hnswAvailable()))) {
    return differenceOf(db, identity, { ...held, vectorsOf: null })
  }
  const count = held.contents.size
  const index = await openIndexFor({
    kind,
    count,
    identity,
    directory: dirname(directory),
    fresh: false,
  })
  try {
    const vectorsOf = (some: readonly ContentHash[]) => index.vectorsOf(some)
    return await differenceOf(db, identity, { ...held, vectorsOf })
  } finally {
    await index.close()
  }
}

/** Whether another process may just be saving its first index here: the header comes last. */
async function isUnfinished(directory: string): Promise<boolean> {
  const names = await readdir(directory)
  if (names.includes(HEADER_NAME)) return false
  const ages = [directory, ...names.map((name) => join(directory, name))].map(async (path) => {
    const found = await stat(path).catch(() => null)
    return Date.now() - (found?.mtimeMs ?? 0)
  })
  return Math.min(...(await Promise.all(ages))) < ABANDONED_AFTER_MS
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

/** `<model>-<recipe>/<kind>`, each with an index or what is left of one. */
async function indexFolders(store: string): Promise<string[]> {
  const spaces = await foldersIn(store)
  const kinds = spaces.map(async (space) =>
    (await foldersIn(join(store, space))).map((kind) => join(store, space, kind)),
  )
  return (await Promise.all(kinds)).flat()
}
