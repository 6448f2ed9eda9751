// The table by which sentencepiece replaces characters before it cuts a text (mostly Unicode's NFKC),
// applied as sentencepiece does: always the longest entry. The library of tokenizers has only an
// approximation. Source: sentencepiece, src/normalizer.cc, and darts-clone, darts.h.

interface Normalizer {
  readonly type: string
  readonly precompiled_charsmap?: string | null
  readonly normalizers?: readonly Normalizer[]
}

/** A tokenizer.json, as far as it matters here. */
interface Definition {
  readonly normalizer?: Normalizer | null
}

/** Takes the table out of a tokenizer.json, where it comes first, and returns what it does. */
export function takeCharsmap(definition: Definition): {
  definition: Definition
  replace: (text: string) => string
} {
  const { normalizer } = definition
  const [first, ...others] = normalizer?.normalizers ?? (normalizer ? [normalizer] : [])
  if (first?.type !== 'Precompiled') return { definition, replace: (text) => text }
  const rest = others.length > 0 ? { type: 'Sequence', normalizers: others } : null
  const replace = first.precompiled_charsmap
    ? openCharsmap(Buffer.from(first.precompiled_charsmap, 'base64'))
    : (text: string) => text
  return { definition: { ...definition, normalizer: rest }, replace }
}

/** Bytes of the trie's length, the trie, and the replacements, each ended by a zero. */
function openCharsmap(blob: Buffer): (text: string) => string {
  const size = blob.readUInt32LE(0)
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => blob.readUInt32LE(4 + 4 * i))
  const replacements = blob.subarray(4 + size)
  return (text) => {
    const bytes = Buffer.from(text)
    const parts: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const found = longestPrefix(units, bytes, at)
      if (found) {
        const { value, length } = found
        parts.push(replacements.subarray(value, replacements.indexOf(0, value)))
        at += length
      } else {
        const length = lengthOf(bytes[at]!)
        parts.push(bytes.subarray(at, at + length))
        at += length
      }
    }
    return Buffer.concat(parts).toString()
  }
}

/** The longest entry with which the bytes from `at` on begin. */
function longestPrefix(
  units: Uint32Array,
  bytes: Buffer,
  at: number,
): { value: number; length: number } | undefined {
  let found: { value: number; length: number } | undefined
  let node = offsetOf(units[0]!)
  for (let i = at; i < bytes.length; i++) {
    node ^= bytes[i]!
    const unit = units[node]
    // The label of a unit: its lowest byte, or what has the highest bit and is none.
    if (unit === undefined || (unit & 0x800000ff) >>> 0 !== bytes[i]) break
    node ^= offsetOf(unit)
    if (unit & 0x100) found = { value: units[node]! & 0x7fffffff, length: i + 1 - at }
  }
  return found
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6)
}

/** Bytes of the UTF-8 character that starts with this one. */
function lengthOf(byte: number): number {
  if (byte < 0xc0) return 1
  if (byte < 0xe0) return 2
  return byte < 0xf0 ? 3 : 4
}
