// One pull of a folder at a time, across processes and machines. The file names its holder, who shows
// that it lives by touching it; a lock of a process that is gone, or that has not been touched for a
// while, was left by a kill. If two should ever hold it at once, checksums still refuse what they spoil
// for each other.
import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { LucidaError, systemCode } from '../core/errors.ts'

const TOUCH_EVERY_MS = 2_000
const ABANDONED_AFTER_MS = 15_000
const LOOK_EVERY_MS = 200

/** Runs `work` while no other process does so under the same lock; `onWait` when it must wait. */
export async function withPullLock<T>(
  path: string,
  { signal, onWait }: { signal: AbortSignal; onWait: () => void },
  work: () => Promise<T>,
): Promise<T> {
  for (let waits = 0; !(await take(path)); waits++) {
    if (waits === 0) onWait()
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch((cause: unknown) => {
      throw new LucidaError('cancelled', 'The pull was cancelled', { cause })
    })
  }
  const touching = setInterval(() => {
    const now = new Date()
    void utimes(path, now, now).catch(() => {})
  }, TOUCH_EVERY_MS)
  try {
    return await work()
  } finally {
    clearInterval(touching)
    await rm(path, { force: true })
  }
}

async function take(path: string): Promise<boolean> {
  if (await create(path)) return true
  if (await isHeld(path)) return false
  // Moved aside and looked at again: another process may have taken it over since.
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  await rename(path, aside).catch(() => {})
  if (await isHeld(aside)) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
  return create(path)
}

async function create(path: string): Promise<boolean> {
  try {
    await writeFile(path, `${hostname()}\n${process.pid}\n`, { flag: 'wx' })
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

async function isHeld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  if (!found || Date.now() - found.mtimeMs > ABANDONED_AFTER_MS) return false
  const [host, pid] = (await readFile(path, 'utf8').catch(() => '')).split('\n')
  // Just made, not written yet; or of another machine, where only time tells.
  if (!pid || host !== hostname()) return true
  try {
    return process.kill(Number(pid), 0)
  } catch (error) {
    // EPERM: somebody else's process, alive.
    return systemCode(error) !== 'ESRCH'
  }
}
