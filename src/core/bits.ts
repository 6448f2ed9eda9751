// Bits of a perceptual hash: how many are set, and how many may differ.

/** Differing bits, of 64, up to which two pictures are near copies; unrelated ones differ in about 32. */
export const NEAR_COPY_BITS = 6
/** Half the bits of a picture with any structure are set; of a flat or striped one far fewer. */
export const MIN_SET_BITS = 24

/** How many of 32 bits are set (Hacker's Delight, section 5-1). */
export function countBits(value: number): number {
  let x = value - ((value >>> 1) & 0x55555555)
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333)
  return (((x + (x >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}
