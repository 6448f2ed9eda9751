// A folder of derived files that never grows beyond a size: what was not used for the longest time
// goes first. Deleting the folder, or any file in it, does no harm.
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { readCheckedBytes, writeCheckedBytes } from './checked-file.ts'
import { systemCode } from './errors.ts'

/** Files by name. Names are file names, chosen by the program. */
export interface FolderCache {
  /** The file's bytes, or null when it is not there or not what was put. */
  get(name: string): Promise<Uint8Array<ArrayBuffer> | null>
  /** Keeps the bytes. A disk that is full or read-only is no error: nothing is kept then. */
  put(name: string, bytes: Uint8Array): Promise<void>
}

/** Opens the cache in `directory`; what lies there already counts, by the time it was written. */
export function openFolderCache(directory: string, maxBytes: number): FolderCache {
  const sizes = new LRUCache<string, number>({
    maxSize: maxBytes,
    sizeCalculation: (size) => Math.max(1, size),
    dispose: (_size, name, reason) => {
      if (reason === 'evict') void rm(pathOf(name), { force: true }).catch(() => {})
    },
  })
  let loading: Promise<void> | undefined

  /** Two levels, since some file systems are slow with many files in one folder. */
  const folderOf = (name: string) => join(directory, name.slice(0, 2))
  const pathOf = (name: string) => join(folderOf(name), name)

  async function load(): Promise<void> {
    const names = await readdir(directory, { recursive: true }).catch(() => [])
    const found: { name: string; sizeBytes: number; mtimeMs: number }[] = []
    for (const relative of names) {
      const file = await stat(join(directory, relative)).catch(() => null)
      const name = relative.split(/[/\\]/).at(-1)!
      if (file?.isFile()) found.push({ name, sizeBytes: file.size, mtimeMs: file.mtimeMs })
    }
    found.sort((a, b) => a.mtimeMs - b.mtimeMs)
    for (const { name, sizeBytes } of found) if (!sizes.has(name)) sizes.set(name, sizeBytes)
  }

  return {
    async get(name) {
      try {
        const bytes = await readCheckedBytes(pathOf(name))
        sizes.get(name)
        return bytes
      } catch (error) {
        if (systemCode(error) === 'ENOENT') sizes.delete(name)
        return null
      }
    },
    async put(name, bytes) {
      if (bytes.length > maxBytes) return
      await (loading ??= load())
      try {
        await mkdir(folderOf(name), { recursive: true, mode: 0o700 })
        await writeCheckedBytes(pathOf(name), bytes)
        sizes.set(name, bytes.length)
      } catch {
        // As if it had never been made.
      }
    },
  }
}
