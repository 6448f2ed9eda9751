// What the policy did, one JSON object a line: which rule, how often, and the ids of pictures; never a
// picture, never the words that somebody typed.
import { appendFile, mkdir, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ContentHash } from '../core/hash.ts'

/** Something that was not shown or not drawn. */
export type SafetyEvent =
  /** Left out of results. */
  | { readonly what: 'hidden'; readonly pictures: Readonly<Record<ContentHash, readonly string[]>> }
  /** Not drawn: the entry of the blocklist, or the hook. */
  | { readonly what: 'refused'; readonly by: 'blocklist' | 'hook'; readonly entry?: string }
  /** Drawn and not handed out. */
  | {
      readonly what: 'withheld'
      readonly order: string
      readonly seed: number
      readonly concepts: readonly string[]
    }

/** Its name in the data folder. */
export const SAFETY_LOG = 'safety.jsonl'

/** Notes what happens. */
export type SafetyLog = (event: SafetyEvent) => Promise<void>

/** A longer file is put aside, in place of the one before. */
const MAX_BYTES = 5e6

/** Writes to a file, which is made when there is something to write. */
export function openSafetyLog(path: string, maxBytes = MAX_BYTES): SafetyLog {
  let previous: Promise<void> = Promise.resolve()
  return (event) => {
    previous = previous.then(() => append(path, event, maxBytes))
    return previous
  }
}

/** A disk that takes no line must not let anything pass, nor keep anybody from searching. */
async function append(path: string, event: SafetyEvent, maxBytes: number): Promise<void> {
  const line = `${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`
  try {
    await mkdir(dirname(path), { recursive: true })
    const size = await stat(path).then(
      (found) => found.size,
      () => 0,
    )
    if (size > maxBytes) await rename(path, `${path}.1`)
    await appendFile(path, line)
  } catch {
    // What was refused stays refused; only the line is lost.
  }
}
