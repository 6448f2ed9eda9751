// A temporary folder that disappears with the test.
import { mkdir, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Names are relative to the folder and may have folders in them, which are made as needed. */
export interface TestFolder extends AsyncDisposable {
  /** Its real path. */
  readonly path: string
  /** Absolute path of a name. */
  at(name: string): string
  /** Returns the absolute path. */
  write(name: string, data: Uint8Array): Promise<string>
  move(from: string, to: string): Promise<void>
  /** Removes a file, or a folder with all that is in it. */
  remove(name: string): Promise<void>
}

/** Makes an empty one. */
export async function newFolder(): Promise<TestFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'lucida-folder-')))
  const place = async (name: string) => {
    const file = join(path, name)
    await mkdir(dirname(file), { recursive: true })
    return file
  }
  return {
    path,
    at: (name) => join(path, name),
    async write(name, data) {
      const file = await place(name)
      await writeFile(file, data)
      return file
    },
    move: async (from, to) => rename(join(path, from), await place(to)),
    remove: (name) => rm(join(path, name), { recursive: true }),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
