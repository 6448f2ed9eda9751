// Derived files with a checksum of what they hold: one that was cut short, spoilt or written by
// somebody else reads as none, and is made again.
import { readFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { replaceFile } from './durable-file.ts'
import { sha256 } from './hash.ts'

/** Replaces a file of JSON. */
export async function writeCheckedJson(path: string, value: object, mode?: number): Promise<void> {
  const checksum = sha256(JSON.stringify(value))
  await replaceFile(path, `${JSON.stringify({ ...value, checksum }, null, 2)}\n`, mode)
}

/** What was written there, or null. */
export async function readCheckedJson(path: string): Promise<unknown> {
  try {
    const { checksum, ...value } = JSON.parse(await readFile(path, 'utf8'))
    return checksum === sha256(JSON.stringify(value)) ? value : null
  } catch {
    return null
  }
}

/** Bytes of the checksum at the end of a file. */
const TAIL_BYTES = 4

/** Replaces a file of bytes. */
export async function writeCheckedBytes(path: string, bytes: Uint8Array): Promise<void> {
  const tail = Buffer.alloc(TAIL_BYTES)
  tail.writeUInt32LE(crc32(bytes))
  await replaceFile(path, [bytes, tail])
}

/** What was written there, or null. Throws where the file cannot be read at all. */
export async function readCheckedBytes(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const whole = await readFile(path)
  if (whole.length < TAIL_BYTES) return null
  const bytes = whole.subarray(0, -TAIL_BYTES)
  return crc32(bytes) === whole.readUInt32LE(bytes.length) ? bytes : null
}
