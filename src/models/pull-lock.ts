// One pull of a folder at a time, across processes. Its holder shows that it lives by touching the file;
// a lock that has not been touched for a while is of a process that was killed. If two should ever
// hold it at once, checksums still refuse what they spoil for each other.
import { open, rm, stat, utimes } from 'node:fs/promises'
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
  const touchedAt = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  )
  if (touchedAt !== undefined) {
    if (Date.now() - touchedAt < ABANDONED_AFTER_MS) return false
    await rm(path, { force: true })
  }
  try {
    await (await open(path, 'wx')).close()
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}
