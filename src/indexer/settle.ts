// The end of a complete run: what is gone leaves the results, what is there again comes back,
// unless the root looks unmounted, and then nothing changes.
import { isWithin } from '../core/folder-range.ts'
import { openSource } from '../sources/open-source.ts'
import { cameSince } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import { forgetFailures } from '../store/failures.ts'
import { deletePaths, type KnownFile, markMissing, stillVisible } from '../store/paths.ts'
import { type Root, rootsWithin } from '../store/roots.ts'
import type { IndexCounts } from './events.ts'

/** What a walk found that can only be judged once it is complete. */
export interface Findings {
  /** Pictures whose file was not met. */
  readonly vanished: KnownFile[]
  /** Recorded failures whose file was not met. */
  readonly goneFailures: string[]
  /** Paths marked missing whose file was met, as it was. */
  readonly returned: string[]
  /** Files and folders that could not be read: nothing is known of what lies there. */
  readonly unreadable: string[]
}

/** A root that looks unmounted: `lost` of its `of` pictures are gone. */
export interface Unmounted {
  readonly lost: number
  readonly of: number
}

/**
 * Acts on the findings and counts what it did. A root counts as unmounted when it is missing or
 * empty, or when more than half of the pictures it had are lost; moves within the indexed folders
 * are no losses, and neither is what the user excluded. `prune` overrides that, and deletes.
 * A run over a folder inside the root is judged by the root too: a folder that is gone from a root
 * that is there was deleted. Were it a drive of its own, its pictures come back with it.
 */
export async function settle(
  db: Database,
  root: Root,
  folder: string,
  findings: Findings,
  how: {
    readonly counts: IndexCounts
    /** The number of the change feed when the run began. */
    readonly since: number
    /** Of the whole root, when the run began. */
    readonly picturesBefore: number
    /** Left out although it is there: excluded, or a raw file beside its JPEG. */
    readonly isLeftOut: (path: string) => boolean
    readonly prune: boolean
  },
): Promise<Unmounted | null> {
  const { counts, picturesBefore: of } = how
  // Of Lucida's own folders a run of their own says what is gone: this one may pass over them.
  const apart = await rootsWithin(db, root.path)
  const unknown = [...findings.unreadable, ...apart]
  const isKnown = (path: string) => !unknown.some((at) => isWithin(path, at))
  const unseen = findings.vanished.filter(({ path }) => isKnown(path))
  const late = await cameMeanwhile(db, how.since, unseen)
  const gone = unseen.filter(({ path }) => !late.has(path))
  if (!how.prune) {
    const source = openSource(root.path)
    if (of > 0 && !(await source.exists(root.path).catch(() => false))) return { lost: of, of }
    const lost = await countLost(
      db,
      gone.filter(({ path }) => !how.isLeftOut(path)),
    )
    if (lost > of / 2) return { lost, of }
    if (lost > 0 && counts.seen === 0) {
      if (folder === root.path || !(await source.hasEntries(root.path).catch(() => false)))
        return { lost, of }
    }
  }
  await markMissing(db, findings.returned, false)
  await markMissing(
    db,
    gone.map(({ path }) => path),
    true,
  )
  await forgetFailures(db, findings.goneFailures.filter(isKnown))
  counts.vanished = gone.length
  if (how.prune) counts.pruned = await deletePaths(db, folder, 'missing', apart)
  return null
}

/**
 * Paths that somebody else has put into the database, with their files, after the walk had passed: an
 * upload, or another process.
 */
async function cameMeanwhile(
  db: Database,
  since: number,
  unseen: readonly KnownFile[],
): Promise<Set<string>> {
  const contents = await cameSince(
    db,
    since,
    unseen.flatMap(({ content }) => content ?? []),
  )
  const late = new Set<string>()
  for (const file of unseen) {
    if (file.content === null || !contents.has(file.content)) continue
    const opened = await openSource(file.path)
      .open(file)
      .catch(() => undefined)
    await opened?.close()
    if (opened) late.add(file.path)
  }
  return late
}

/** How many distinct pictures would have no path left if `gone` were gone. */
async function countLost(db: Database, gone: readonly KnownFile[]): Promise<number> {
  const hashes = [...new Set(gone.flatMap(({ content }) => content ?? []))]
  const elsewhere = await stillVisible(db, hashes, new Set(gone.map(({ path }) => path)))
  return hashes.length - elsewhere.size
}
