// Files that somebody is still writing: left alone until they have been quiet for a while.
import { lstat } from 'node:fs/promises'

/** For how long. */
export interface Patience {
  /** Since the last write, before a file is read. Longer than the grain of any mtime (FAT: 2 s). */
  readonly beforeReadMs: number
  /** Since the last write, before a failure counts: the rest of the file may be on its way. */
  readonly beforeFailureMs: number
}

/** Milliseconds until the last write to a file is `quietMs` ago; 0 when it is, or without patience. */
export function waitFor(file: { readonly mtimeMs: number }, quietMs = 0): number {
  const age = Date.now() - file.mtimeMs
  // Written in the future: one of the clocks is wrong, and there is nothing to wait for.
  return age >= quietMs || age <= -quietMs ? 0 : Math.ceil(quietMs - age)
}

/** The same for a file that failed: it may have been written to since it was found. */
export async function waitAfterFailure(
  file: { readonly path: string; readonly code: string },
  patience: Patience | undefined,
): Promise<number> {
  if (!patience) return 0
  const found = await lstat(file.path).catch(() => undefined)
  // Gone, or changed while it was read: another look will tell.
  if (!found || file.code === 'file_changed') return patience.beforeReadMs
  return waitFor(found, patience.beforeFailureMs)
}
