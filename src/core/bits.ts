// Bits of a hash that are set, or that differ.

/** How many of 32 bits are set (Hacker's Delight, section 5-1). */
export function countBits(value: number): number {
  let x = value - ((value >>> 1) & 0x55555555)
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333)
  return (((x + (x >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}
