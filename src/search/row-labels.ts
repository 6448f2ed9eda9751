// Which content each row of a saved index stands for: hashes packed one after another, 32 bytes each.
// That is how files hold them and threads hand them on.
import { invalidInput } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'

const CONTENT_HASH = /^[0-9a-f]{64}$/
/** Bytes of a packed SHA-256; all zero for a row that was left. */
export const HASH_BYTES = 32
const LEFT = '0'.repeat(2 * HASH_BYTES)

/** Whether it can be packed. */
export const isHash = (content: ContentHash) => CONTENT_HASH.test(content)

/** Throws `bad_input` for a content that is no SHA-256. */
export function packContents(contents: readonly ContentHash[]): Uint8Array<ArrayBuffer> {
  const packed = Buffer.from(new ArrayBuffer(contents.length * HASH_BYTES))
  for (const [row, content] of contents.entries()) {
    if (!isHash(content)) throw invalidInput('content', 'a SHA-256', content)
    packed.write(content, row * HASH_BYTES, 'hex')
  }
  return packed
}

/** What was packed; null for a row that was left. */
export function unpackContents(packed: Uint8Array): (ContentHash | null)[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  return Array.from({ length: packed.length / HASH_BYTES }, (_, row) => {
    const content = bytes.toString('hex', row * HASH_BYTES, (row + 1) * HASH_BYTES)
    return content === LEFT ? null : content
  })
}

/** How many rows stand for a content. */
export function countContents(packed: Uint8Array): number {
  let count = 0
  for (let start = 0; start < packed.length; start += HASH_BYTES) {
    if (packed.subarray(start, start + HASH_BYTES).some((byte) => byte !== 0)) count++
  }
  return count
}
