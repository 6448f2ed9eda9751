// What an indexing run tells its caller while it works. Events are data; the edges print them.

/** Counts of one folder's run. */
export interface IndexCounts {
  /** Files looked at. */
  seen: number
  /** Pictures decoded and embedded in this run. */
  embedded: number
  /** Files whose content was known already: copies, moves, touched files. */
  reused: number
  /** Files that are as they were. */
  unchanged: number
  /** Files that were marked missing and are there again. */
  returned: number
  /** Pictures that are gone and left the results. */
  vanished: number
  /** Paths deleted from the database by `prune`. */
  pruned: number
  /** Files that failed in this run. */
  failed: number
  /** Failures of earlier runs whose files are as they were. */
  stillFailing: number
  /** Files that are still being written and were left for the next look (when watching). */
  waiting: number
  /** Symbolic links, which are never followed. */
  links: number
  /** Raw files left out because the camera's own picture of the same name lies beside them. */
  rawsAside: number
}

/** One step of a run. */
export type IndexEvent =
  | { readonly type: 'start'; readonly folder: string }
  | {
      readonly type: 'progress'
      readonly folder: string
      readonly counts: Readonly<IndexCounts>
      /** Files of this run that are done, of those found so far to need work. */
      readonly done: number
      readonly found: number
      /** True once the walk has ended, so that `found` is the total. */
      readonly complete: boolean
    }
  | {
      readonly type: 'failure'
      readonly folder: string
      readonly path: string
      readonly code: string
      readonly reason: string
    }
  /** A folder below the root that cannot be read; what was known below it is kept. */
  | { readonly type: 'unreadable'; readonly folder: string; readonly path: string }
  /** The root `folder` looks unmounted: `lost` of its `of` pictures are gone; nothing was changed. */
  | {
      readonly type: 'unmounted'
      readonly folder: string
      readonly lost: number
      readonly of: number
      /** What the system or the bucket says, where it says something. */
      readonly reason?: string
    }
  /** Files were left because they are still being written; look again in `forMs`. */
  | { readonly type: 'waiting'; readonly folder: string; readonly forMs: number }
  /**
   * The folder is up to date and watched from now on: by events of the system when `everyMs` is
   * null, else by looking every so often, and `reason` says why when nobody asked for that.
   */
  | {
      readonly type: 'watching'
      readonly folder: string
      readonly everyMs: number | null
      readonly reason: string | null
    }
  | {
      readonly type: 'done'
      readonly folder: string
      readonly counts: Readonly<IndexCounts>
      readonly tookMs: number
      /** True when the run was cancelled before its end; what was done is kept. */
      readonly cancelled: boolean
    }
