// Perceptual hashes as bits: the two halves of 64, in how many they differ, also from the picture
// in a mirror, and how many may differ.

/** Differing bits, of 64, up to which two pictures are near copies; unrelated ones differ in about 32. */
export const NEAR_COPY_BITS = 6
/** Half the bits of a picture with any structure are set; of a flat or striped one far fewer. */
export const MIN_SET_BITS = 24
/**
 * A mirror turns the sign of every odd frequency across, and leaves the others: in each row of eight
 * frequencies the first, third, fifth and seventh bit. Nothing needs to be stored for it.
 */
const MIRRORED = 0xaaaaaaaa

/** Bits 32 to 63 and 0 to 31, unsigned. */
export interface HashBits {
  readonly high: number
  readonly low: number
}

/** The bits of 16 hexadecimal digits; null for a picture without structure, whose hash means nothing. */
export function hashBits(perceptualHash: string): HashBits | null {
  const high = Number.parseInt(perceptualHash.slice(0, 8), 16) >>> 0
  const low = Number.parseInt(perceptualHash.slice(8), 16) >>> 0
  return countBits(high) + countBits(low) < MIN_SET_BITS ? null : { high, low }
}

/** The hash of the picture in a mirror, but for the few bits whose coefficient is next to the median. */
export function mirrorBits({ high, low }: HashBits): HashBits {
  return { high: (high ^ MIRRORED) >>> 0, low: (low ^ MIRRORED) >>> 0 }
}

/** In how many of 64 bits two hashes differ. */
export function differingBits(a: HashBits, b: HashBits): number {
  return countBits(a.high ^ b.high) + countBits(a.low ^ b.low)
}

/** The same, or those to the picture in a mirror where these are fewer. */
export function differingEitherWay(a: HashBits, b: HashBits): number {
  return Math.min(differingBits(a, b), differingBits(a, mirrorBits(b)))
}

/** How many of 32 bits are set (Hacker's Delight, section 5-1). */
export function countBits(value: number): number {
  let x = value - ((value >>> 1) & 0x55555555)
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333)
  return (((x + (x >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}
