// Random numbers of the shapes that made vectors consist of, from a source of uniform ones.

/** Standard deviation of each axis; their squares sum to 1. */
export function axesOf(dimension: number, steepness: number): Float64Array {
  const variances = Array.from({ length: dimension }, (_, j) => (1 + j / 60) ** -steepness)
  const sum = variances.reduce((a, b) => a + b)
  return Float64Array.from(variances, (variance) => Math.sqrt(variance / sum))
}

/** A factor around 1 whose square is 1 on average. */
export function logNormal(normal: number, spread: number): number {
  return Math.exp(spread * normal - spread * spread)
}

/** Chooses among `count`, the i-th with a chance in proportion to i^-power. */
export function zipf(count: number, power: number): (random: () => number) => number {
  const upTo = new Float64Array(count)
  let sum = 0
  for (let i = 0; i < count; i++) upTo[i] = sum += (i + 1) ** -power
  return (random) => {
    const wanted = random() * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (upTo[middle]! > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Normal numbers by the polar method (Marsaglia and Bray 1964). */
export function normals(random: () => number): () => number {
  let spare = Number.NaN
  return () => {
    if (!Number.isNaN(spare)) {
      const value = spare
      spare = Number.NaN
      return value
    }
    for (;;) {
      const u = 2 * random() - 1
      const v = 2 * random() - 1
      const s = u * u + v * v
      if (s >= 1 || s === 0) continue
      const scale = Math.sqrt((-2 * Math.log(s)) / s)
      spare = v * scale
      return u * scale
    }
  }
}
