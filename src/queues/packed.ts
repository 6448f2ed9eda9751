// Orders as JSON, whatever bytes and vectors are in them: any worker may take them up.

/** A value as JSON holds it. */
export type Packed = null | boolean | number | string | Packed[] | { [key: string]: Packed }

const BYTES = '$bytes'
const FLOATS = '$floats'

/** Bytes and float32 vectors become base64; what is undefined is left out. */
export function pack(value: unknown): Packed {
  if (value instanceof Float32Array) return { [FLOATS]: base64(value) }
  if (value instanceof Uint8Array) return { [BYTES]: base64(value) }
  if (Array.isArray(value)) return value.map(pack)
  if (typeof value !== 'object' || value === null) return value as Packed
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return Object.fromEntries(entries.map(([key, inner]) => [key, pack(inner)]))
}

/** What was packed. */
export function unpack(value: Packed): unknown {
  if (Array.isArray(value)) return value.map(unpack)
  if (typeof value !== 'object' || value === null) return value
  const { [BYTES]: bytes, [FLOATS]: floats } = value
  if (typeof bytes === 'string') return new Uint8Array(Buffer.from(bytes, 'base64'))
  // Copied: a Buffer's bytes lie in a larger one, at any alignment.
  if (typeof floats === 'string') {
    return new Float32Array(Uint8Array.from(Buffer.from(floats, 'base64')).buffer)
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unpack(inner)]))
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
}
