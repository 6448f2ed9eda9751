// A saved index: a directory with two data files under fresh names and a header that names them.
// The header is written last, by rename, so a crash at any moment leaves the old index or the new.
// Anything that does not match is refused, never repaired: the index is rebuilt from the store.
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { crc32 } from 'node:zlib'
import { readCheckedJson, writeCheckedJson } from '../core/checked-file.ts'
import { syncFile, writeFile } from '../core/durable-file.ts'
import { explainFullDisk, LucidaError, messageOf } from '../core/errors.ts'
import { countContents } from './row-labels.ts'
import type { IndexIdentity, VectorIndex } from './vector-index.ts'

/** What an in-memory index needs to open; without a directory nothing is loaded or saved. */
export interface IndexOptions {
  readonly identity: IndexIdentity
  readonly directory?: string | undefined
}

/** Where an index is saved, and what must be found there for it to be loaded. */
export interface IndexPlace {
  readonly directory: string
  readonly kind: VectorIndex['kind']
  readonly identity: IndexIdentity
}

/** An index as read back. */
export interface SavedIndex {
  readonly sequence: number
  /** Packed: see `row-labels.ts`. In memory of its own, which may be handed to a thread. */
  readonly labels: Uint8Array<ArrayBuffer>
  readonly vectors: SavedVectors
}

/** The adapter's own file, read once: by itself, or by whoever then opens `path`. */
export interface SavedVectors {
  readonly path: string
  /** Throws `checksum_mismatch` unless the file is what was saved. */
  verify(): Promise<void>
  /** Fills `bytes` with the whole file; unlike `readFile` it has no limit of 2 GiB. Verifies it. */
  readInto(bytes: Uint8Array): Promise<void>
}

/** An index to be written. */
export interface UnsavedIndex {
  readonly sequence: number
  /** Packed, one for each row of the vectors. */
  readonly labels: Uint8Array
  /** Writes the vectors, in whatever form the adapter likes, to a file that does not exist yet. */
  writeVectors(path: string): Promise<void>
}

interface DataFile {
  readonly name: string
  readonly sizeBytes: number
  readonly crc32: number
}
interface Header {
  readonly version: number
  readonly kind: VectorIndex['kind']
  readonly identity: IndexIdentity
  readonly sequence: number
  readonly count: number
  readonly vectors: DataFile
  readonly labels: DataFile
}

/** Raised with every change of layout. */
const FORMAT_VERSION = 1
export const HEADER_NAME = 'header.json'
const OWN_FILE = /^(vectors|labels|header)[-.].+\.(bin|tmp)$/
/** Checked at once: crc32 takes about a millisecond for it, and the event loop waits. */
const SLICE_BYTES = 4 * 2 ** 20
/** A file that no header names and that is younger may belong to a process that is just saving. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000

/** What a saved index says of itself; null when there is none of this version. */
export async function describeIndexFile(
  directory: string,
): Promise<(Omit<IndexPlace, 'directory'> & { readonly files: readonly string[] }) | null> {
  const header = await readHeader(directory)
  if (!header) return null
  const { kind, identity, vectors, labels } = header
  return { kind, identity, files: [HEADER_NAME, vectors.name, labels.name] }
}

/**
 * Hands the saved index to `read`, which must verify its vectors. Null when there is none, when it is damaged or
 * of another version, kind or identity, or when `read` fails on it.
 */
export async function loadIndexFile<T>(
  place: IndexPlace,
  read: (saved: SavedIndex) => Promise<T>,
): Promise<T | null> {
  let header = await readHeader(place.directory)
  while (header && matches(header, place)) {
    try {
      return await read(await readDataFiles(place.directory, header))
    } catch {
      // Another process may have saved meanwhile and removed the files: then there is a new header.
      const next = await readHeader(place.directory)
      if (next?.vectors.name === header.vectors.name) return null
      header = next
    }
  }
  return null
}

/**
 * Writes the index beside the one that is there, then puts it in its place.
 * Throws `internal` when the disk refuses; the earlier index is then untouched.
 */
export async function saveIndexFile(place: IndexPlace, index: UnsavedIndex): Promise<void> {
  const { directory } = place
  const replaced = await readHeader(directory)
  const header = await writeFiles(place, index)
  await removeStale(directory, header, replaced)
}

async function writeFiles(place: IndexPlace, index: UnsavedIndex): Promise<Header> {
  const { directory, kind, identity } = place
  const suffix = `${index.sequence}-${randomBytes(8).toString('hex')}`
  const vectors = join(directory, `vectors-${suffix}.bin`)
  const labels = join(directory, `labels-${suffix}.bin`)
  try {
    await mkdir(directory, { recursive: true })
    await index.writeVectors(vectors)
    await writeFile(labels, index.labels)
    const header: Header = {
      version: FORMAT_VERSION,
      kind,
      identity: identityFields(identity),
      sequence: index.sequence,
      count: countContents(index.labels),
      vectors: await sealFile(vectors),
      labels: await sealFile(labels),
    }
    await writeCheckedJson(join(directory, HEADER_NAME), header)
    return header
  } catch (cause) {
    // It may have failed behind the rename.
    const named = (await readHeader(directory))?.vectors.name === basename(vectors)
    const remove = (path: string) => rm(path, { force: true }).catch(() => {})
    if (!named) await Promise.all([vectors, labels].map(remove))
    const explained = explainFullDisk(cause, directory)
    if (explained !== cause) throw explained
    const message = `The index could not be saved in ${directory}: ${messageOf(cause)}`
    throw new LucidaError('internal', message, { cause })
  }
}

/** The header, if there is a whole one of this version; its own checksum vouches for its shape. */
async function readHeader(directory: string): Promise<Header | null> {
  const header = (await readCheckedJson(join(directory, HEADER_NAME))) as Header | null
  return header?.version === FORMAT_VERSION ? header : null
}

function matches(header: Header, { kind, identity }: IndexPlace): boolean {
  return header.kind === kind && isDeepStrictEqual(header.identity, identityFields(identity))
}

/** Only the fields that count: callers may hold wider objects. */
function identityFields({ storeId, model, recipe, dimension }: IndexIdentity): IndexIdentity {
  return { storeId, model, recipe, dimension }
}

async function readDataFiles(directory: string, header: Header): Promise<SavedIndex> {
  const labels = new Uint8Array(header.labels.sizeBytes)
  check(await readFileInto(join(directory, header.labels.name), labels), header.labels)
  const { vectors } = header
  const path = join(directory, vectors.name)
  return {
    sequence: header.sequence,
    labels,
    vectors: {
      path,
      verify: async () => check(await measureFile(path), vectors),
      readInto: async (bytes) => check(await readFileInto(path, bytes), vectors),
    },
  }
}

function check(found: DataFile, saved: DataFile): void {
  if (isDeepStrictEqual(found, saved)) return
  throw new LucidaError('checksum_mismatch', `${saved.name} is not what was saved`)
}

async function readFileInto(path: string, bytes: Uint8Array): Promise<DataFile> {
  const file = await open(path, 'r')
  try {
    const { size: sizeBytes } = await file.stat()
    let crc = 0
    for (let offset = 0; offset < bytes.length; ) {
      const length = Math.min(bytes.length - offset, SLICE_BYTES)
      const { bytesRead } = await file.read(bytes, offset, length, offset)
      if (bytesRead === 0) break
      crc = crc32(bytes.subarray(offset, offset + bytesRead), crc)
      offset += bytesRead
    }
    return { name: basename(path), sizeBytes, crc32: crc }
  } finally {
    await file.close()
  }
}

/** Forces a file to the disk and records what it holds. */
async function sealFile(path: string): Promise<DataFile> {
  await syncFile(path)
  return measureFile(path)
}

/** Through one buffer: a stream would leave one behind for each slice that it reads. */
async function measureFile(path: string): Promise<DataFile> {
  const slice = new Uint8Array(SLICE_BYTES)
  const file = await open(path, 'r')
  try {
    let crc = 0
    let sizeBytes = 0
    for (;;) {
      const { bytesRead } = await file.read(slice, 0, SLICE_BYTES, sizeBytes)
      if (bytesRead === 0) return { name: basename(path), sizeBytes, crc32: crc }
      crc = crc32(slice.subarray(0, bytesRead), crc)
      sizeBytes += bytesRead
    }
  } finally {
    await file.close()
  }
}

/** Removes what `replaced` named and what crashed saves have left. Failing costs only disk space. */
async function removeStale(directory: string, current: Header, replaced: Header | null) {
  const keep = new Set([current.vectors.name, current.labels.name])
  const superseded = new Set([replaced?.vectors.name, replaced?.labels.name])
  for (const name of await readdir(directory).catch(() => [])) {
    if (!OWN_FILE.test(name) || keep.has(name)) continue
    const path = join(directory, name)
    const age = Date.now() - ((await stat(path).catch(() => null))?.mtimeMs ?? 0)
    if (superseded.has(name) || age > ABANDONED_AFTER_MS) await rm(path).catch(() => undefined)
  }
}
