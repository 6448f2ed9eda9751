// One file -> what the batch needs: hash, description and pixels, or the reason why not.
import { LucidaError, messageOf } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import { VERSION } from '../core/version.ts'
import type { PixelTensor } from '../models/preprocess.ts'
import { type OpenedPicture, openPicture } from '../pictures/open-picture.ts'
import { openSource } from '../sources/open-source.ts'
import type { ScannedFile } from '../sources/source.ts'
import type { Content, FailedFile, IndexedFile } from '../store/pictures.ts'
import { describePicture } from './decode.ts'
import type { ContentLookup } from './known-contents.ts'

/** What loading needs from outside. */
export interface LoadContext {
  readonly lookup: ContentLookup
  /** Picture -> the model's tensor. Throws `corrupt_image` or `too_large`. */
  readonly preprocess: (picture: OpenedPicture) => Promise<PixelTensor>
  /** Whether a content is ours to embed; nobody else is there when it is absent. */
  readonly claim?: (hash: ContentHash) => Promise<boolean>
}

/** `pixels` is there when the content has no vector yet. */
export type LoadedPicture =
  | { readonly kind: 'picture'; readonly file: IndexedFile; readonly pixels?: PixelTensor }
  | { readonly kind: 'failure'; readonly file: FailedFile }
  /** Deleted between the walk and the read; the next run sees it as gone. */
  | { readonly kind: 'gone' }
  /** Another process is embedding the same content. */
  | { readonly kind: 'claimed'; readonly file: ScannedFile }

/** A path longer than this does not fit a database index entry (2,704 bytes, hash included). */
const MAX_PATH_BYTES = 2600

/** Loads one picture. Throws only for the database; whatever is wrong with the file is data. */
export async function loadPicture(
  context: LoadContext,
  scanned: ScannedFile,
): Promise<LoadedPicture> {
  if (!isStorablePath(scanned.path)) {
    const message = `The path is longer than ${MAX_PATH_BYTES} bytes; shorten a folder's name`
    return failureOf(scanned, new LucidaError('unreadable', message))
  }
  const outcome = await attempt(() => openSource(scanned.path).read(scanned.path))
  if ('error' in outcome) return failureOf(scanned, outcome.error)
  const { hash, sizeBytes, mtimeMs } = outcome.value
  const state = { path: scanned.path, sizeBytes, mtimeMs }
  let { known, embedded } = await context.lookup(hash)
  if (!embedded && context.claim) {
    if (!(await context.claim(hash)))
      return { kind: 'claimed', file: scanned }
      // Whoever held the claim until now may have written its vector.
    ;({ known, embedded } = await context.lookup(hash))
  }
  if (embedded) return { kind: 'picture', file: { ...state, hash } }

  const decoded = await attempt(() => decodeContent(context, scanned.path, outcome.value, known))
  if ('error' in decoded) return failureOf(state, decoded.error)
  const { content, pixels } = decoded.value
  return { kind: 'picture', file: { ...state, hash, ...(content && { content }) }, pixels }
}

/**
 * What is stored about a content, unless that is known, and its pixels. Throws what is wrong with it:
 * `corrupt_image`, `too_large`, `unsupported_format`.
 */
export async function decodeContent(
  { preprocess }: Pick<LoadContext, 'preprocess'>,
  path: string,
  { bytes, hash }: { readonly bytes: Uint8Array; readonly hash: ContentHash },
  isKnown = false,
): Promise<{ readonly content: Content | undefined; readonly pixels: PixelTensor }> {
  const picture = await openPicture(bytes, path)
  // The model wants more pixels than the description, which then needs no decoding of its own.
  const pixels = await preprocess(picture)
  const description = isKnown ? undefined : await describePicture(picture)
  return { content: description && { ...description, hash, sizeBytes: bytes.length }, pixels }
}

function failureOf(file: ScannedFile, error: unknown): LoadedPicture {
  const code = error instanceof LucidaError ? error.code : 'internal'
  if (code === 'not_found') return { kind: 'gone' }
  const { path, sizeBytes, mtimeMs } = file
  const reason = messageOf(error).replaceAll('\0', '')
  return {
    kind: 'failure',
    file: { path, sizeBytes, mtimeMs, code, reason, triedBy: VERSION },
  }
}

/** Whether the store can hold this path. */
export function isStorablePath(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_PATH_BYTES
}

async function attempt<T>(run: () => Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await run() }
  } catch (error) {
    return { error }
  }
}
