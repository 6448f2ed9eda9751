// Column types that Drizzle does not bring: binary values and byte-ordered text.
import { customType } from 'drizzle-orm/pg-core'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'

/** 32 bytes in the database, 64 hexadecimal digits in the program. */
export const contentHash = customType<{ data: ContentHash; driverData: Uint8Array }>({
  dataType: () => 'bytea',
  toDriver: (hash) => Buffer.from(hash, 'hex'),
  fromDriver: (bytes) => Buffer.from(bytes).toString('hex'),
})

/** float32, little-endian, 4 bytes a dimension. */
export const float32Vector = customType<{ data: UnitVector; driverData: Uint8Array }>({
  dataType: () => 'bytea',
  toDriver: (vector) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength),
  fromDriver: vectorOfBytes,
})

/** float32, little-endian, of any length. */
export const float32Numbers = customType<{ data: Float32Array; driverData: Uint8Array }>({
  dataType: () => 'bytea',
  toDriver: (numbers) => Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength),
  fromDriver: (bytes) => new Float32Array(Uint8Array.from(bytes).buffer),
})
/** A stored vector as a driver gives it. */
export function vectorOfBytes(bytes: Uint8Array): UnitVector {
  // Copied: a driver's buffer is a slice of a larger one, at any alignment.
  return new Float32Array(Uint8Array.from(bytes).buffer) as UnitVector
}

/** Opaque bytes. */
export const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({
  dataType: () => 'bytea',
  toDriver: (value) => Buffer.from(value),
  fromDriver: (value) => Uint8Array.from(value),
})

/** Text compared byte by byte, so that the database and the folder walk agree on the order. */
export const byteOrderedText = customType<{ data: string }>({
  dataType: () => 'text COLLATE "C"',
})
