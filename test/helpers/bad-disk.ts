// Disks that misbehave, in the place of the one that files are written to: they die between two steps,
// are full, or slow. A process that was killed leaves what it had done; after a power cut, what was
// not forced to the disk is gone too.
import { copyFile, type FileHandle, rename, rm, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Disk, disk } from '../../src/core/durable-file.ts'

/** What is left after the process has died. */
export const DEATHS = ['kill', 'power cut', 'power cut that undoes renames'] as const
export type Death = (typeof DEATHS)[number]

class Dead extends Error {}

/** Lets `work` die before step number `step`, or in the middle of it where it is a write. */
export async function dieAt(
  step: number,
  death: Death,
  work: () => Promise<unknown>,
): Promise<{ readonly died: boolean }> {
  const real = { ...disk }
  const pathOf = new Map<FileHandle, string>()
  const unforced = new Set<string>()
  const renames: { readonly to: string; readonly before: string | null }[] = []
  let taken = 0
  let died = false
  const takeStep = async (half?: () => Promise<unknown>) => {
    if (died) throw new Dead()
    if (taken++ < step) return
    died = true
    await half?.()
    throw new Dead()
  }
  Object.assign(disk, {
    async open(path, flags, mode) {
      await takeStep()
      const file = await real.open(path, flags, mode)
      pathOf.set(file, path)
      if (flags === 'w') unforced.add(path)
      return file
    },
    async write(file, data) {
      const bytes = Buffer.from(data)
      await takeStep(() => real.write(file, bytes.subarray(0, bytes.length >> 1)))
      await real.write(file, bytes)
    },
    async sync(file) {
      await takeStep()
      await real.sync(file)
      const path = pathOf.get(file)!
      unforced.delete(path)
      for (const [i, { to }] of [...renames.entries()].reverse()) {
        if (dirname(to) === path) renames.splice(i, 1)
      }
    },
    async rename(from, to) {
      await takeStep()
      const before = `${to}.before`
      const had = await copyFile(to, before).then(
        () => true,
        () => false,
      )
      await real.rename(from, to)
      renames.push({ to, before: had ? before : null })
      if (unforced.delete(from)) unforced.add(to)
    },
    async remove(path) {
      await takeStep()
      await real.remove(path)
    },
  } satisfies Disk)
  try {
    await work()
  } catch (error) {
    if (!died) throw error
  } finally {
    Object.assign(disk, real)
  }
  if (died && death !== 'kill') for (const path of unforced) await truncate(path, 0).catch(() => {})
  for (const { to, before } of renames.reverse()) {
    if (died && death === 'power cut that undoes renames') {
      await (before === null ? rm(to) : rename(before, to))
    }
  }
  return { died }
}

/** Runs `work` with some steps of the disk replaced. */
export async function withDisk<T>(steps: Partial<Disk>, work: () => Promise<T>): Promise<T> {
  const real = { ...disk }
  Object.assign(disk, steps)
  try {
    return await work()
  } finally {
    Object.assign(disk, real)
  }
}

/** What a write to a full disk throws. */
export function fullDisk(): never {
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
}
