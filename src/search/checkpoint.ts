// A checkpoint says: this saved index and this picture table are exactly what the embedded database
// holds now. While it stands, a search may answer from them without opening the database. Whoever
// is about to write to the database removes every checkpoint first, so a crash leaves none behind
// that lies; the next process that has caught up with the database sets a new one.
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { readCheckedJson, writeCheckedJson } from '../core/checked-file.ts'
import { type PictureRow, writePictureTable } from './picture-table.ts'
import type { IndexIdentity, VectorIndex } from './vector-index.ts'

const schema = z.object({
  version: z.literal(4),
  identity: z.object({
    storeId: z.string(),
    model: z.string(),
    recipe: z.string(),
    dimension: z.number(),
  }),
  /** Whether this model answers where no setting names one. */
  serves: z.boolean(),
  kind: z.enum(['exact', 'hnsw']),
  sequence: z.number(),
  /** Vectors in the index. */
  size: z.number(),
  /** Contents in the index that Lucida has drawn itself. */
  drawn: z.array(z.string()),
  table: z.object({
    name: z.string(),
    sizeBytes: z.number(),
    count: z.number(),
    /** Of all but the rows, which have their own. */
    crc32: z.number(),
  }),
})

/** An index that is saved in files. */
type SavedIndex = VectorIndex & { readonly kind: Checkpoint['kind'] }

/** Whether there are files for a checkpoint to vouch for; an index in the database has none. */
export function isSavedIndex(index: VectorIndex): index is SavedIndex {
  return index.kind !== 'pgvector'
}

/** What a checkpoint vouches for. */
export type Checkpoint = z.infer<typeof schema>

/** Folder of everything derived from the databases of a data directory. */
export function indexesFolder(dataDir: string): string {
  return join(dataDir, 'indexes')
}

/** Folder of the indexes of one store and space. */
export function spaceFolder(dataDir: string, { storeId, model, recipe }: IndexIdentity): string {
  return join(indexesFolder(dataDir), storeId, `${model}-${recipe}`)
}

/** The checkpoint of a space, if it stands. */
export async function readCheckpoint(
  dataDir: string,
  space: { readonly model: string; readonly recipe: string },
): Promise<Checkpoint | null> {
  return readCheckpointFile(checkpointPath(dataDir, space))
}

/** The checkpoint of the model that answers where no setting names one, if it stands. */
export async function findServingCheckpoint(dataDir: string): Promise<Checkpoint | null> {
  const standing = await Promise.all((await checkpointsIn(dataDir)).map(readCheckpointFile))
  return standing.find((checkpoint) => checkpoint?.serves) ?? null
}

/** Removes the checkpoints of all spaces. Call before the first write to the database. */
export async function removeCheckpoints(dataDir: string): Promise<void> {
  for (const path of await checkpointsIn(dataDir)) await rm(path, { force: true })
}

/** Removes that of one space. Call before vectors of it are written that nobody searches yet. */
export async function removeCheckpoint(
  dataDir: string,
  space: { readonly model: string; readonly recipe: string },
): Promise<void> {
  await rm(checkpointPath(dataDir, space), { force: true })
}

/** A checkpoint by its file; null where it is not what was written. */
export async function readCheckpointFile(path: string): Promise<Checkpoint | null> {
  return schema.safeParse(await readCheckedJson(path)).data ?? null
}

/** The files of all checkpoints. */
export async function checkpointsIn(dataDir: string): Promise<string[]> {
  const folder = indexesFolder(dataDir)
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => CHECKPOINT.test(name)).map((name) => join(folder, name))
}

/** Sets the checkpoint for an index that is saved and a table that is written. */
export async function setCheckpoint(dataDir: string, checkpoint: Checkpoint): Promise<void> {
  await writeCheckedJson(checkpointPath(dataDir, checkpoint.identity), checkpoint)
}

/** What a checkpoint says beside the index. */
export interface CheckpointFacts {
  readonly rows: readonly PictureRow[]
  /** Contents that Lucida has drawn itself. */
  readonly drawn: readonly string[]
  readonly serves: boolean
}

/** Writes the table that belongs to a saved index, and describes both. */
export async function makeCheckpoint(
  dataDir: string,
  identity: IndexIdentity,
  index: SavedIndex,
  { rows, drawn, serves }: CheckpointFacts,
): Promise<Checkpoint> {
  const folder = spaceFolder(dataDir, identity)
  await mkdir(folder, { recursive: true })
  const path = join(folder, `pictures-${index.sequence}-${randomBytes(6).toString('hex')}.table`)
  const written = await writePictureTable(path, rows)
  await removeOtherTables(folder, basename(path))
  const { storeId, model, recipe, dimension } = identity
  return {
    version: 4,
    identity: { storeId, model, recipe, dimension },
    serves,
    kind: index.kind,
    sequence: index.sequence,
    size: index.size,
    drawn: [...drawn],
    table: { name: basename(path), count: rows.length, ...written },
  }
}

const CHECKPOINT = /^current-.+\.json$/

function checkpointPath(
  dataDir: string,
  { model, recipe }: { readonly model: string; readonly recipe: string },
): string {
  return join(indexesFolder(dataDir), `current-${model}-${recipe}.json`)
}

async function removeOtherTables(folder: string, keep: string): Promise<void> {
  for (const name of await readdir(folder)) {
    // By now somebody else may have removed it.
    if (/^pictures-.+\.table$/.test(name) && name !== keep)
      await rm(join(folder, name), { force: true })
  }
}
