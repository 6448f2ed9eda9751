/** Numbers as in test/golden/record-*.py: the upper bits of a linear congruential generator. */
export function lcgNoise(count: number): Uint8Array {
  let seed = 1
  return Uint8Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed >>> 24
  })
}
