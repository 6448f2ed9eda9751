// The clock of a process, which can be set while it runs: libfaketime reads a file whenever the
// process asks for the time. Time that passes (monotonic clocks) and the times of files stay true.
import { existsSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'

/** A clock. */
export interface Clock {
  /** For whoever is to live by it. */
  readonly env: Readonly<Record<string, string>>
  /** Hours beside the true time. */
  set(hours: number): Promise<void>
}

const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib64/faketime/libfaketimeMT.so.1',
]

const library = LIBRARIES.find((path) => existsSync(path))

/** Why clocks cannot be set here; null where they can. */
export const whyNoClocks =
  library === undefined ? 'libfaketime is not installed, so no clock jumps' : null

/** A clock that shows the true time, and can be set where libfaketime is installed. */
export async function clockOf(path: string): Promise<Clock> {
  const set = (hours: number) => writeFile(path, `${hours < 0 ? '' : '+'}${hours}h\n`)
  await set(0)
  // Postgres reads it as another user.
  await chmod(path, 0o644)
  if (library === undefined) return { env: {}, set }
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: path,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
  return { env, set }
}
