// Keeps folders up to date. An event only says where to look: what is there is found out by an
// ordinary run over that folder. A missed or a needless event costs time, never correctness.
import { lstat, realpath } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { LucidaError } from '../core/errors.ts'
import { isBucketPath } from '../core/place.ts'
import { excludeMatcher, isJunk } from '../sources/exclude.ts'
import { openSource } from '../sources/open-source.ts'
import type { Database } from '../store/database.ts'
import { findRoot } from '../store/roots.ts'
import type { IndexCounts, IndexEvent } from './events.ts'
import { type FolderEvents, isRemote, type OpenEvents, openFolderEvents } from './folder-events.ts'
import type { Patience } from './patience.ts'
import { indexFolder, type PipelineContext } from './pipeline.ts'

/** When a watched folder is looked at. All in milliseconds. */
export interface WatchTimes extends Patience {
  /** Without an event before a look: a burst is one run. */
  readonly quietMs: number
  /** Longest wait for that while events keep coming. */
  readonly burstMs: number
  /** Between looks where there are no events, and at a folder that is away. */
  readonly pollMs: number
  /** The same for buckets, where every look costs requests. */
  readonly bucketPollMs: number
  /** Between looks at everything, which heal what events missed. */
  readonly rescanMs: number
}

/** What `lucida index --watch` does; docs/watching.md says so. */
export const WATCH_TIMES: WatchTimes = {
  quietMs: 1_000,
  burstMs: 10_000,
  pollMs: 30_000,
  bucketPollMs: 300_000,
  rescanMs: 3_600_000,
  beforeReadMs: 2_500,
  beforeFailureMs: 30_000,
}

export interface WatchOptions {
  readonly times: WatchTimes
  /** Never ask the system for events. */
  readonly poll?: boolean | undefined
  /** Delete what is gone from the database; holds for the first look only. */
  readonly prune?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** A folder whose changes mean nothing, such as our own data directory. */
  readonly ignore?: string | undefined
  readonly openEvents?: OpenEvents | undefined
}

/** What watching needs. */
export interface WatchContext {
  readonly db: Database
  /** For one look; the model may be another one at the next. */
  readonly openRun: () => { readonly context: PipelineContext; readonly release: () => void }
}

/** So many events at once may mean that the system dropped some (Linux queues 16,384). */
const TOO_MANY_EVENTS = 4096

/** So many places that one look at everything is cheaper than to find what they have in common. */
const TOO_MANY_PLACES = 1000

/**
 * Brings folders up to date and keeps them so, until the signal is aborted or none of them is
 * indexed any more. Each of them has been claimed as a root, or lies in one.
 */
export async function* watchFolders(
  context: WatchContext,
  folders: readonly string[],
  options: WatchOptions,
): AsyncGenerator<IndexEvent> {
  const alarm = newAlarm()
  const watches = folders.map((folder) => newWatch(context, folder, options, alarm.ring))
  let active = watches
  try {
    while (active.length > 0 && !options.signal?.aborted) {
      for (const watch of active) {
        if (watch.dueAt() <= performance.now()) yield* watch.look()
        if (options.signal?.aborted) return
      }
      active = active.filter((watch) => !watch.isRemoved())
      const dueAt = Math.min(...active.map((watch) => watch.dueAt()))
      if (active.length > 0) await alarm.wait(dueAt - performance.now(), options.signal)
    }
  } finally {
    for (const watch of watches) watch.close()
  }
}

/** Whether a run changed what a search finds, or what is recorded. */
export function hasChanges(counts: Readonly<IndexCounts>): boolean {
  const { embedded, reused, returned, vanished, pruned, failed } = counts
  return embedded + reused + returned + vanished + pruned + failed > 0
}

function newWatch(context: WatchContext, folder: string, options: WatchOptions, ring: () => void) {
  const { times, signal } = options
  const isBucket = isBucketPath(folder)
  const pollMs = isBucket && !options.poll ? times.bucketPollMs : times.pollMs
  let events: FolderEvents | undefined
  /** Why there are no events, once it is known; `null` when the user wants none. */
  let polls: { readonly reason: string | null } | undefined
  let announced: string | undefined
  let isExcluded: (path: string) => boolean = () => false
  let removed = false
  /** Folders that something happened in. */
  let touched = { places: new Set<string>(), events: 0, firstAt: 0, lastAt: 0 }
  /** A folder in which files are still being written. */
  let later: { readonly place: string; readonly at: number } | undefined
  /** Next look at everything, whatever happens. */
  let wholeAt = 0

  const noneTouched = () => ({ places: new Set<string>(), events: 0, firstAt: 0, lastAt: 0 })
  const within = (path: string, outer: string) => path === outer || path.startsWith(outer + sep)

  const touch = (place: string) => {
    const now = performance.now()
    if (touched.events === 0) touched.firstAt = now
    touched.lastAt = now
    touched.events++
    if (touched.places.size < TOO_MANY_PLACES) touched.places.add(place)
    ring()
  }

  const onChange = (path: string) => {
    if (options.ignore && within(path, options.ignore)) return
    const names = path.slice(folder.length).split(sep)
    if (path !== folder && (names.some(isJunk) || isExcluded(path))) return
    touch(path === folder ? folder : dirname(path))
  }

  const onFailure = (reason: string) => {
    if (polls) return
    polls = { reason }
    events?.close()
    events = undefined
    // Events may have been missed already.
    wholeAt = 0
    ring()
  }

  /** Chooses between events and polling; again at each look, since a drive may have been mounted. */
  const listen = async () => {
    if (options.poll) polls = { reason: null }
    else if (isBucket) polls = { reason: 'buckets tell of no changes' }
    else if (await isRemote(folder)) onFailure('changes made elsewhere give no events')
    if (polls) return
    events ??= (options.openEvents ?? openFolderEvents)(folder, { onChange, onFailure })
  }

  const touchedAt = () =>
    touched.events === 0
      ? Infinity
      : Math.min(touched.lastAt + times.quietMs, touched.firstAt + times.burstMs)

  /** Takes what is due, and returns the folder that holds all of it. */
  const takePlace = async (): Promise<string> => {
    const now = performance.now()
    const places = touchedAt() <= now ? [...touched.places] : []
    const tooMany = touched.events >= TOO_MANY_EVENTS || places.length >= TOO_MANY_PLACES
    if (touchedAt() <= now) touched = noneTouched()
    if (later && later.at <= now) places.push(later.place)
    if (wholeAt <= now || tooMany || places.length === 0) return folder
    return nearestFolder(places.reduce(commonFolder), folder)
  }

  async function* look(): AsyncGenerator<IndexEvent> {
    const isFirst = announced === undefined
    await listen()
    const root = await findRoot(context.db, folder)
    if (!root) {
      removed = true
      return
    }
    isExcluded = excludeMatcher(root.path, root.exclude)
    const place = await takePlace()
    if (later && within(later.place, place)) later = undefined
    let away = false
    let cancelled = false
    events?.startLook()
    const run = context.openRun()
    try {
      for await (const event of indexFolder(run.context, root, place, {
        prune: (options.prune ?? false) && isFirst,
        // An object is there whole, or not at all.
        ...(!isBucket && { patience: times }),
        ...(signal && { signal }),
        onFolder: (path) => events?.add(path),
      })) {
        if (event.type === 'unmounted') away = true
        if (event.type === 'waiting') waitIn(place, event.forMs)
        if (event.type === 'done') ({ cancelled } = event)
        yield event
      }
    } catch (error) {
      if (!isUnreachable(error)) throw error
      away = true
      yield { type: 'unreadable', folder, path: place }
    } finally {
      run.release()
    }
    if (
      !away &&
      !(await openSource(folder)
        .exists(folder)
        .catch(() => false))
    )
      away = true
    if (away && place === folder) {
      // What is watched may not be what comes back.
      events?.close()
      events = undefined
    } else if (!cancelled && !away) {
      events?.endLook(place)
    }
    planWhole(place, away)
    const everyMs = polls ? pollMs : null
    const reason = polls?.reason ?? null
    if (cancelled || announced === `${everyMs} ${reason}`) return
    announced = `${everyMs} ${reason}`
    yield { type: 'watching', folder, everyMs, reason }
  }

  const waitIn = (place: string, forMs: number) => {
    // A little later than the first is ready, so that others join it.
    const at = performance.now() + forMs + times.quietMs
    later = later
      ? { place: commonFolder(later.place, place), at: Math.min(later.at, at) }
      : { place, at }
  }

  const planWhole = (place: string, away: boolean) => {
    const now = performance.now()
    // A folder inside went away while it was looked at: whether it is gone, a look around it tells.
    if (away) wholeAt = now + (place === folder ? pollMs : times.quietMs)
    else if (polls) wholeAt = now + pollMs
    else if (place === folder) wholeAt = now + times.rescanMs
  }

  return {
    look,
    dueAt: () => Math.min(touchedAt(), later?.at ?? Infinity, wholeAt),
    isRemoved: () => removed,
    close: () => events?.close(),
  }
}

/** The folder that holds both of these. */
function commonFolder(a: string, b: string): string {
  const others = b.split(sep)
  const names = a.split(sep)
  const differ = names.findIndex((name, i) => name !== others[i])
  return differ < 0 ? a : names.slice(0, differ).join(sep) || sep
}

/** `path`, or the nearest folder around it that is there and is no link; `top` at the latest. */
async function nearestFolder(path: string, top: string): Promise<string> {
  for (let at = path; at.startsWith(top + sep); at = dirname(at)) {
    const isFolder = await lstat(at).then(
      (stats) => stats.isDirectory(),
      () => false,
    )
    if (isFolder && (await realpath(at).catch(() => '')) === at) return at
  }
  return top
}

/** The folder cannot be reached now, which may pass; all else ends the watch. */
function isUnreachable(error: unknown): boolean {
  return (
    error instanceof LucidaError && ['not_found', 'unreadable', 'bad_input'].includes(error.code)
  )
}

/** A sleep that can be ended early, also before it begins. */
function newAlarm() {
  let rung = false
  let wake = () => {}
  const ring = () => {
    rung = true
    wake()
  }
  return {
    ring,
    async wait(ms: number, signal?: AbortSignal): Promise<void> {
      if (!rung && ms > 0 && !signal?.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
          signal?.addEventListener('abort', wake, { once: true })
        })
        signal?.removeEventListener('abort', wake)
        wake = () => {}
      }
      rung = false
    },
  }
}
