// Scans a prefix of a bucket for what may be pictures, as scan.ts does a folder.
import { LRUCache } from 'lru-cache'
import { pMapIterable } from 'p-map'
import { LucidaError } from '../core/errors.ts'
import { folderRange } from '../core/folder-range.ts'
import { readAhead } from '../core/stream.ts'
import {
  extensionOf,
  OTHER_EXTENSIONS,
  PICTURE_EXTENSIONS,
  SNIFF_BYTES,
  sniffFormat,
} from '../pictures/sniff.ts'
import { excludeMatcher, isCameraPicture, isJunk, isRaw, rawsBeside } from './exclude.ts'
import { type ListedObject, listBucket } from './list-bucket.ts'
import { readStart } from './read-object.ts'
import type { ScannedFile, ScanOptions, SkipKind } from './source.ts'

/** Objects looked at together. */
const LOOK_AHEAD = 16
/** Objects listed ahead: a page comes while the one before it is worked on. */
const LISTED_AHEAD = 2000
/** A raw file is held back while its neighbours may be its picture, but no more of them than this. */
const MOST_HELD = 1000

/** What the heads of objects without a telling name said: asked once a version and process. */
const verdicts = new LRUCache<string, boolean>({ max: 100_000 })

/** Yields what may be pictures; see `Source.scan`. */
export async function* scanBucket(
  folder: string,
  { base, exclude, signal, onSkip, onFolder }: ScanOptions,
  pageKeys?: number,
): AsyncGenerator<ScannedFile> {
  const isExcluded = excludeMatcher(base ?? folder, exclude)
  const prefix = folderRange(folder).after
  const isWanted = ({ path }: ListedObject) =>
    // A key with a slash at its end stands for a folder.
    !path.endsWith('/') && !path.slice(prefix.length).split('/').some(isJunk) && !isExcluded(path)
  onFolder?.(folder)
  const listed = readAhead(listBucket(folder, pageKeys, signal), LISTED_AHEAD)
  const looked = pMapIterable(setRawsAside(filter(listed, isWanted)), lookAt, {
    concurrency: LOOK_AHEAD,
    backpressure: LOOK_AHEAD * 4,
  })
  for await (const { object, skip, isPicture } of looked) {
    if (signal?.aborted) throw new LucidaError('cancelled', 'The scan was cancelled')
    const { path, sizeBytes, mtimeMs } = object
    if (skip) onSkip?.({ path, ...skip })
    else if (isPicture) yield { path, sizeBytes, mtimeMs }
  }
}

interface Found {
  readonly object: ListedObject
  /** Lies beside the camera's own picture. */
  readonly isAside: boolean
}

/**
 * Marks raw files beside a picture of the same name. In byte order all names that share the stem and
 * the dot follow each other, so from a raw file on these are held back until another one comes.
 */
async function* setRawsAside(objects: AsyncIterable<ListedObject>): AsyncGenerator<Found> {
  let held: ListedObject[] = []
  let stem: string | undefined
  /** Pictures that were met before, and whose raw files may still follow. */
  let pictures: string[] = []
  const release = function* (): Generator<Found> {
    const raws = rawsBeside([...pictures, ...held.map(({ path }) => path)])
    for (const object of held) yield { object, isAside: raws.has(object.path) }
    held = []
    stem = undefined
  }
  for await (const object of objects) {
    if (stem !== undefined && (!object.path.startsWith(stem) || held.length === MOST_HELD)) {
      yield* release()
    }
    const { path } = object
    pictures = pictures.filter((picture) => path.startsWith(upToDot(picture)))
    if (isCameraPicture(path)) pictures.push(path)
    if (stem === undefined && isRaw(path)) stem = upToDot(path)
    if (stem === undefined) yield { object, isAside: false }
    else held.push(object)
  }
  yield* release()
}

function upToDot(path: string): string {
  return path.slice(0, path.length - extensionOf(path).length)
}

interface Look {
  readonly object: ListedObject
  readonly skip?: { readonly kind: SkipKind; readonly reason: string }
  readonly isPicture?: boolean
}

async function lookAt({ object, isAside }: Found): Promise<Look> {
  const { path, isText } = object
  const isNamedPicture = PICTURE_EXTENSIONS.has(extensionOf(path))
  if (!isText) {
    const skip = { kind: 'bad_name', reason: 'its key is no text' } as const
    return isNamedPicture ? { object, skip } : { object }
  }
  if (isAside) {
    const reason = 'is a raw file beside a picture of the same name'
    return { object, skip: { kind: 'raw_beside_picture', reason } }
  }
  if (isNamedPicture) return { object, isPicture: true }
  if (object.sizeBytes === 0 || OTHER_EXTENSIONS.has(extensionOf(path))) return { object }
  try {
    return { object, isPicture: await looksLikePicture(object) }
  } catch (error) {
    if (!(error instanceof LucidaError)) throw error
    if (error.code === 'not_found') return { object }
    return { object, skip: { kind: 'unreadable_file', reason: error.message } }
  }
}

async function looksLikePicture({ path, sizeBytes, mtimeMs }: ListedObject): Promise<boolean> {
  const version = `${sizeBytes} ${mtimeMs} ${path}`
  const known = verdicts.get(version)
  if (known !== undefined) return known
  const verdict = sniffFormat(await readStart(path, SNIFF_BYTES), path) !== null
  verdicts.set(version, verdict)
  return verdict
}

async function* filter<T>(
  items: AsyncIterable<T>,
  isWanted: (item: T) => boolean,
): AsyncGenerator<T> {
  for await (const item of items) if (isWanted(item)) yield item
}
