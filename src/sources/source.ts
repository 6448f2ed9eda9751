// The port to wherever pictures lie. Folders and buckets implement it (open-source.ts chooses by the
// path alone), so that any process on any machine can read what another has found.
import type { Readable } from 'node:stream'
import type { ContentHash } from '../core/hash.ts'

/** Larger files are refused: a picture of that size is a mistake or an attack. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024

/** A file as it was found. Size and time tell one version of it from another. */
export interface ScannedFile {
  /** Absolute path, or `s3://bucket/key`. */
  readonly path: string
  readonly sizeBytes: number
  /** Modification time in milliseconds since 1970, with a fraction. */
  readonly mtimeMs: number
}

/** A whole file and its identity. */
export interface FileContent {
  readonly bytes: Buffer
  readonly sizeBytes: number
  /** Modification time of the very bytes that were read, in milliseconds since 1970. */
  readonly mtimeMs: number
  readonly hash: ContentHash
}

/** A file that is open; whoever gets it closes it. */
export interface OpenedFile {
  readonly sizeBytes: number
  /** The whole of it. */
  bytes(): Promise<Uint8Array>
  /** From `start` to `end`, both included. The file is closed when the stream has ended. */
  stream(start: number, end: number): Promise<Readable>
  close(): Promise<void>
}

/**
 * Why an entry was passed over. After an `unreadable_…` nothing is known about what lies there:
 * the files of an `unreadable_directory`, at any depth, must not be taken for vanished.
 */
export type SkipKind =
  | 'symbolic_link'
  | 'special_file'
  | 'bad_name'
  | 'raw_beside_picture'
  | 'unreadable_file'
  | 'unreadable_directory'

/** An entry that was passed over for a reason that somebody may want to know. */
export interface SkippedEntry {
  readonly path: string
  readonly kind: SkipKind
  /** In words, without the path. */
  readonly reason: string
}

/** Settings of a scan. */
export interface ScanOptions {
  /** Glob patterns, as understood by `excludeMatcher`. */
  readonly exclude: readonly string[]
  /** Folder that those patterns start from, when it is not the scanned one but a parent of it. */
  readonly base?: string | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Told of links, pipes, bad names, raw files beside their picture and what cannot be read, in path
   * order with the files yielded. Hidden, junk and excluded entries and files that are no pictures
   * are passed over silently.
   */
  readonly onSkip?: ((entry: SkippedEntry) => void) | undefined
  /** Told of each folder, the scanned one included, just before its entries are listed. */
  readonly onFolder?: ((path: string) => void) | undefined
}

/** A place where pictures lie. */
export interface Source {
  /**
   * Yields the files under `folder` whose extension or content says picture, ordered by the UTF-8
   * bytes of the whole path. Throws `not_found` when the folder is missing or goes away during the
   * scan, `bad_input` when it is no folder or a pattern is empty, `unreadable` and `cancelled`.
   */
  scan(folder: string, options: ScanOptions): AsyncIterable<ScannedFile>
  /**
   * Reads a whole file. Throws `not_found`, `unreadable`, `too_large`, `corrupt_image` (it is empty),
   * or `file_changed` when somebody wrote to it meanwhile. Only `not_found` names the path: the others
   * are recorded and shown beside it.
   */
  read(path: string, maxBytes?: number): Promise<FileContent>
  /** Opens exactly this version of a file. Throws `not_found`, `file_changed`, `unreadable`. */
  open(file: ScannedFile): Promise<OpenedFile>
  /** A file as it is now; undefined when it is gone or no file. Throws `unreadable`. */
  stat(path: string): Promise<ScannedFile | undefined>
  /** Whether a folder is there. Of a bucket, which has none, whether anything lies below. */
  exists(folder: string): Promise<boolean>
  /** Whether there is anything in a folder but what is hidden or junk. */
  hasEntries(folder: string): Promise<boolean>
  /** Writes a file, whole or not at all, and makes its folder. It is there for good then. */
  put(path: string, bytes: Uint8Array): Promise<ScannedFile>
  /** Removes a file; one that is gone is no error. */
  remove(path: string): Promise<void>
}
