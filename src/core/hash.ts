// Content hashes: the identity of a picture everywhere in Lucida.
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'

/** SHA-256 of a whole file as 64 lower-case hexadecimal digits. */
export type ContentHash = string

/** Bytes hashed before other work runs: about 5 ms. */
const SLICE_BYTES = 2_000_000

/** SHA-256 of a large file in memory, without holding others up. */
export async function sha256InTurns(data: Uint8Array): Promise<ContentHash> {
  const hash = createHash('sha256')
  for (let at = 0; at < data.length; at += SLICE_BYTES) {
    if (at > 0) await setImmediate()
    hash.update(data.subarray(at, at + SLICE_BYTES))
  }
  return hash.digest('hex')
}

/** SHA-256 in hexadecimal. */
export function sha256(data: Uint8Array | string): ContentHash {
  return createHash('sha256').update(data).digest('hex')
}
