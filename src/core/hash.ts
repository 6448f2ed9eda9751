// Content hashes: the identity of a picture everywhere in Lucida.
import { createHash } from 'node:crypto'

/** SHA-256 of a whole file as 64 lower-case hexadecimal digits. */
export type ContentHash = string

/** SHA-256 in hexadecimal. */
export function sha256(data: Uint8Array | string): ContentHash {
  return createHash('sha256').update(data).digest('hex')
}
