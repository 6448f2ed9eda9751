// Gives the pictures of the database vectors of one more model: whatever has none yet is read once
// from one of its files. Progress is what is in the database, so whoever is killed goes on where it
// was; and several processes may fill at once, each from another place.
import { pMapIterable } from 'p-map'
import { LucidaError, messageOf } from '../core/errors.ts'
import { folderRange } from '../core/folder-range.ts'
import type { ContentHash } from '../core/hash.ts'
import { batch, gather } from '../core/stream.ts'
import type { Clip } from '../models/clip.ts'
import type { PixelTensor } from '../models/preprocess.ts'
import { openPicture } from '../pictures/open-picture.ts'
import { openSource } from '../sources/open-source.ts'
import type { VectorSpace } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import { filesOf } from '../store/paths.ts'
import { listRoots } from '../store/roots.ts'
import { type FillFailure, findMissing, type NewVector, writeFilled } from '../store/vectors.ts'

/** What one walk over the missing pictures has done so far. */
export interface FillPass {
  readonly filled: number
  readonly failed: number
  /** Their folder is away: a drive is not mounted. Left for later. */
  readonly away: number
  /** Nobody wants the vectors any more: paused, or another model was chosen. */
  readonly unwanted: boolean
}

/** What a walk needs. */
export interface FillContext {
  readonly db: Database
  readonly space: VectorSpace & { readonly dimension: number }
  readonly clip: Pick<Clip, 'preprocess' | 'embedPixels'>
}

/** Small, so that a search waits for one run of the model at most a moment. */
const BATCH = 8
const BATCHES_A_WRITE = 8
const WRITE_EVERY_MS = 1000
/** One is decoded while another is read. */
const READ_AT_ONCE = 2
const READ_AHEAD = 4 * BATCH

/** Walks once over what is missing. Commits as it goes, and tells after each commit. */
export function fillVectors(
  context: FillContext,
  { isOver, firstSlice }: { readonly isOver: () => boolean; readonly firstSlice: number },
): AsyncGenerator<FillPass> {
  return fillContents(context, findMissing(context.db, context.space, firstSlice), isOver)
}

/** Gives these pictures vectors, in the same way. */
export async function* fillContents(
  { db, space, clip }: FillContext,
  contents: AsyncIterable<ContentHash>,
  isOver: () => boolean,
): AsyncGenerator<FillPass> {
  const isAway = awayRoots((await listRoots(db)).map(({ path }) => path))
  let pass: FillPass = { filled: 0, failed: 0, away: 0, unwanted: false }
  async function* missing() {
    for await (const content of contents) {
      if (pass.unwanted || isOver()) return
      yield content
    }
  }
  const read = pMapIterable(missing(), (content) => readOne(db, clip, isAway, content), {
    concurrency: READ_AT_ONCE,
    backpressure: READ_AHEAD,
  })
  const embedded = pMapIterable(batch(read, BATCH), (some) => embed(clip, some), {
    concurrency: 1,
    backpressure: 2,
  })
  for await (const some of gather(embedded, { atMost: BATCHES_A_WRITE, forMs: WRITE_EVERY_MS })) {
    // What is under way is brought to its end, but for nobody.
    if (pass.unwanted) continue
    const vectors = some.flatMap((one) => one.vectors)
    const failures = some.flatMap((one) => one.failures)
    const isWanted = await writeFilled(db, space, { vectors, failures })
    pass = {
      filled: pass.filled + (isWanted ? vectors.length : 0),
      failed: pass.failed + (isWanted ? failures.length : 0),
      away: pass.away + some.reduce((sum, { away }) => sum + away, 0),
      unwanted: !isWanted,
    }
    yield pass
  }
}

type Read =
  | { readonly content: ContentHash; readonly pixels: PixelTensor }
  | { readonly failure: FillFailure }
  | 'away'

/** The first of a picture's files that is still what was indexed. */
async function readOne(
  db: Database,
  clip: FillContext['clip'],
  isAway: (path: string) => Promise<boolean>,
  content: ContentHash,
): Promise<Read> {
  let failure: FillFailure = {
    content,
    path: '',
    code: 'not_found',
    reason: 'The picture has no file any more',
  }
  let anyAway = false
  for (const { path } of await filesOf(db, content)) {
    try {
      const { bytes, hash } = await openSource(path).read(path)
      if (hash !== content) {
        throw new LucidaError('file_changed', 'The file has changed; index its folder again')
      }
      return { content, pixels: await clip.preprocess(await openPicture(bytes, path)) }
    } catch (error) {
      if (await isAway(path)) {
        anyAway = true
        continue
      }
      const code = error instanceof LucidaError ? error.code : 'internal'
      failure = { content, path, code, reason: messageOf(error).replaceAll('\0', '') }
    }
  }
  return anyAway ? 'away' : { failure }
}

interface Embedded {
  readonly vectors: readonly NewVector[]
  readonly failures: readonly FillFailure[]
  readonly away: number
}

async function embed(clip: FillContext['clip'], some: readonly Read[]): Promise<Embedded> {
  const read = some.flatMap((one) => (one !== 'away' && 'pixels' in one ? [one] : []))
  const vectors = read.length > 0 ? await clip.embedPixels(read.map(({ pixels }) => pixels)) : []
  return {
    vectors: read.map(({ content }, i) => ({ content, vector: vectors[i]! })),
    failures: some.flatMap((one) => (one !== 'away' && 'failure' in one ? [one.failure] : [])),
    away: some.filter((one) => one === 'away').length,
  }
}

/** Whether a path's root is missing or empty, as a drive that is not mounted looks. */
function awayRoots(roots: readonly string[]): (path: string) => Promise<boolean> {
  return async (path) => {
    const root = roots.find((one) => path.startsWith(folderRange(one).after))
    if (root === undefined) return false
    const source = openSource(root)
    return !(await source.hasEntries(root).catch(() => false))
  }
}
