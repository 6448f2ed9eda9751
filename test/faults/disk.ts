// A small disk of one's own that can be filled: a tmpfs where this process may mount one.
import { execFile } from 'node:child_process'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemCode } from '../../src/core/errors.ts'

/** A disk. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  /** Why it is none of its own; null where it is. */
  readonly whyNot: string | null
  /** Leaves no byte free. Nothing where it is no disk of its own. */
  fill(): Promise<void>
  free(): Promise<void>
}

const SIZE = '64m'
const run = promisify(execFile)

/** Mounts one at `path`, or makes an ordinary folder there. */
export async function mountSmallDisk(path: string): Promise<SmallDisk> {
  await mkdir(path)
  const whyNot = await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', path]).then(
    () => null,
    (error: Error) => `no tmpfs can be mounted here (${error.message.trim().split('\n').at(-1)})`,
  )
  const ballast = join(path, 'ballast')
  return {
    path,
    whyNot,
    async fill() {
      if (whyNot === null) await fill(ballast)
    },
    free: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      if (whyNot === null) await run('umount', ['-l', path])
    },
  }
}

/** Large writes first, then single pages into what they leave. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (const size of [2 ** 20, 4096]) {
      for (;;) {
        try {
          await file.write(Buffer.alloc(size))
        } catch (error) {
          if (systemCode(error) !== 'ENOSPC') throw error
          break
        }
      }
    }
  } finally {
    await file.close()
  }
}
