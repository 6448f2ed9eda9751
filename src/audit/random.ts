// Chance that repeats: every figure of an audit follows from its seed.

/** Numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Draws `count` items without replacement to the front of the list (Fisher and Yates). */
export function drawToFront(
  items: { [i: number]: number; readonly length: number },
  count: number,
  random: () => number,
): void {
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (items.length - i))
    const kept = items[i]!
    items[i] = items[j]!
    items[j] = kept
  }
}
