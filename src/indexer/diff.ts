// Compares a walk of a folder with the store: what to index, what came back, what is gone.
// Both sides come in byte order of the path, so this is a merge join in bounded memory.
import { folderRange } from '../core/folder-range.ts'
import { batch } from '../core/stream.ts'
import { VERSION } from '../core/version.ts'
import type { VectorSpace } from '../store/changes.ts'
import type { ScannedFile } from '../sources/source.ts'
import type { Database } from '../store/database.ts'
import { type KnownFile, knownInRange } from '../store/paths.ts'

/** One finding; every file of the walk and every known path gives at most one. */
export type Difference =
  /** New, changed, without a vector, or a failure worth another try. */
  | { readonly kind: 'index'; readonly file: ScannedFile }
  /** As it was; `failed` when what it was is a recorded failure. */
  | { readonly kind: 'unchanged'; readonly failed: boolean }
  /** Known and marked missing, but there again. */
  | { readonly kind: 'returned'; readonly path: string }
  /** A picture that is there no more. */
  | { readonly kind: 'vanished'; readonly known: KnownFile }
  /** A recorded failure whose file is gone. */
  | { readonly kind: 'failure-gone'; readonly path: string }

/** Files compared per query. */
const BATCH = 500

/** Failures that another try may cure although the file is the same. */
const TRANSIENT = new Set(['unreadable', 'file_changed', 'internal'])

/** Yields the differences of one folder; `scanned` must be in byte order (see scan.ts). */
export async function* diffFolder(
  db: Database,
  space: VectorSpace,
  folder: string,
  scanned: AsyncIterable<ScannedFile>,
): AsyncGenerator<Difference> {
  const range = folderRange(folder)
  let { after } = range
  for await (const files of batch(scanned, BATCH)) {
    const upTo = files.at(-1)!.path
    yield* compare(files, await knownInRange(db, space, { after, upTo }))
    after = upTo
  }
  yield* compare([], await knownInRange(db, space, { after, before: range.before }))
}

function* compare(files: readonly ScannedFile[], known: readonly KnownFile[]) {
  const unmatched = new Map(known.map((entry) => [entry.path, entry]))
  for (const file of files) {
    const entry = unmatched.get(file.path)
    unmatched.delete(file.path)
    yield compareFile(file, entry)
  }
  for (const entry of unmatched.values()) {
    if (entry.failure) yield { kind: 'failure-gone', path: entry.path } as const
    else if (!entry.missing) yield { kind: 'vanished', known: entry } as const
  }
}

function compareFile(file: ScannedFile, entry: KnownFile | undefined): Difference {
  const changed =
    !entry ||
    entry.sizeBytes !== file.sizeBytes ||
    entry.mtimeMs !== file.mtimeMs ||
    !entry.embedded
  if (changed || isWorthRetrying(entry.failure)) return { kind: 'index', file }
  if (entry.missing) return { kind: 'returned', path: file.path }
  return { kind: 'unchanged', failed: entry.failure !== null }
}

function isWorthRetrying(failure: KnownFile['failure']): boolean {
  return failure !== null && (TRANSIENT.has(failure.code) || failure.triedBy !== VERSION)
}
