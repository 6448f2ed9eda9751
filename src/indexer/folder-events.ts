// The system's own file events, as places to look at; nothing more is believed of them.
import { type FSWatcher, watch } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { systemCode } from '../core/errors.ts'
import { systemReason } from '../sources/read-file.ts'

/** The events of one folder and all that is below it. */
export interface FolderEvents {
  /** A look at a folder begins; each folder below it is added just before it is listed. */
  startLook(): void
  add(folder: string): void
  /** The look at `folder` was complete: what was not added below it is there no more. */
  endLook(folder: string): void
  close(): void
}

/** What events call. */
export interface Listener {
  /** Something happened to the entry `path`, or to the folder `path` itself. */
  readonly onChange: (path: string) => void
  /** No event can be relied on any more, for this reason. */
  readonly onFailure: (reason: string) => void
}

/** Opens the events of a folder. */
export type OpenEvents = (root: string, listener: Listener) => FolderEvents

/**
 * Events come from one watch of the whole tree where the system has such a thing, and elsewhere
 * (Linux) from one watch for each folder, never for each file.
 */
export const openFolderEvents: OpenEvents = (root, listener) =>
  process.platform === 'darwin' || process.platform === 'win32'
    ? watchTree(root, listener)
    : watchEachFolder(listener)

function watchTree(root: string, listener: Listener): FolderEvents {
  let watcher: FSWatcher | undefined
  return {
    startLook() {},
    add() {
      watcher ??= startWatching(root, true, listener)
    },
    endLook() {},
    close: () => watcher?.close(),
  }
}

function watchEachFolder(listener: Listener): FolderEvents {
  const watched = new Map<string, { watcher: FSWatcher; look: number }>()
  let look = 0
  return {
    startLook: () => void look++,
    add(folder) {
      // Anew at each look, since another folder may have taken the place of the one that is watched.
      // The old watch ends after the new one has begun, so that no event falls in between.
      const watcher = startWatching(folder, false, listener)
      watched.get(folder)?.watcher.close()
      if (watcher) watched.set(folder, { watcher, look })
      else watched.delete(folder)
    },
    endLook(folder) {
      for (const [path, entry] of watched) {
        if (entry.look === look || (path !== folder && !path.startsWith(folder + sep))) continue
        entry.watcher.close()
        watched.delete(path)
      }
    },
    close() {
      for (const { watcher } of watched.values()) watcher.close()
      watched.clear()
    },
  }
}

function startWatching(
  folder: string,
  recursive: boolean,
  { onChange, onFailure }: Listener,
): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { recursive, persistent: false })
    watcher.on('change', (_, name) => onChange(name ? join(folder, String(name)) : folder))
    watcher.on('error', (error) => onFailure(reasonOf(error)))
    return watcher
  } catch (error) {
    // A folder that went away or cannot be read; the look itself finds that out.
    if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemCode(error) ?? '')) {
      onFailure(reasonOf(error))
    }
    return undefined
  }
}

function reasonOf(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOSPC':
      return 'the system watches no more folders (fs.inotify.max_user_watches)'
    case 'EMFILE':
      return 'the system has no more watchers (fs.inotify.max_user_instances)'
    default:
      return systemReason(error)
  }
}

/** File systems that tell only of changes made on this machine (statfs(2), Linux). */
const REMOTE: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2
  0x517b, // SMB
  0x01021997, // 9P: virtual machines, WSL
  0x65735546, // FUSE: sshfs, rclone and the like
  0x00c36400, // Ceph
])

/** Whether a folder lies on a file system whose events do not tell everything. */
export async function isRemote(folder: string): Promise<boolean> {
  if (process.platform !== 'linux') return false
  const found = await statfs(folder).catch(() => undefined)
  return found !== undefined && REMOTE.has(found.type >>> 0)
}
