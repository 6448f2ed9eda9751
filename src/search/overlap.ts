// Whether one picture is a part of another, or both but for a turn of a degree or two: told from
// their ThumbHashes, so that nothing is decoded again. A ThumbHash holds the lowest frequencies of
// a picture as a cosine series (evanw.github.io/thumbhash), which can be evaluated anywhere; so
// parts of one picture are laid over the whole of the other, and the best correlation counts.

/** What is known of a picture's shape and colours. */
export interface Shape {
  /** [channel: luminance, yellow-blue, red-green][down][across] */
  readonly series: Float32Array
  /** Width by height. */
  readonly aspect: number
}

const CHANNELS = 3
/** Frequencies of a ThumbHash in each direction, at most. */
const SIDE = 7
/** Points at which a series is evaluated, in each direction: more show nothing new. */
const GRID = 8
/** Colours say less about what lies where. */
const CHANNEL_WEIGHTS = [1, 0.5, 0.5]
/** Sides of a part, as shares of the whole. */
const SCALES = [1, 0.95, 0.9, 0.85, 0.8]
/** Where it lies, from one edge to the other. */
const OFFSETS = [0, 0.25, 0.5, 0.75, 1]
/** A part has another shape than the whole by as much as it is narrower or lower. */
const ASPECT_TOLERANCE = 1.06
/** Pictures that correlate less as they lie are no copies, whatever is cut off. */
const MIN_UNALIGNED = 0.5
/** A series with less to it is one colour. */
const FLAT = 1e-3

/** Reads a ThumbHash as its series; `aspect` is of the picture itself, the hash rounds it. */
export function shapeOf(thumbHash: Uint8Array, aspect: number): Shape {
  const head = thumbHash[0]! | (thumbHash[1]! << 8) | (thumbHash[2]! << 16)
  const tail = thumbHash[3]! | (thumbHash[4]! << 8)
  const hasAlpha = head >>> 23 === 1
  const isLandscape = tail >>> 15 === 1
  const long = hasAlpha ? 5 : 7
  const across = Math.max(3, isLandscape ? long : tail & 7)
  const down = Math.max(3, isLandscape ? tail & 7 : long)
  const series = new Float32Array(CHANNELS * SIDE * SIDE)
  // Four bits each, from the sixth byte on (the seventh where there is alpha), the lower ones first.
  let at = (hasAlpha ? 6 : 5) * 2
  const readChannel = (channel: number, nx: number, ny: number, scale: number) => {
    for (let y = 0; y < ny; y++) {
      for (let x = y === 0 ? 1 : 0; x * ny < nx * (ny - y); x++, at++) {
        const nibble = (thumbHash[at >> 1]! >> ((at & 1) * 4)) & 15
        series[(channel * SIDE + y) * SIDE + x] = (nibble / 7.5 - 1) * scale
      }
    }
  }
  readChannel(0, across, down, ((head >>> 18) & 31) / 31)
  readChannel(1, 3, 3, ((tail >>> 3) & 63) / 63)
  readChannel(2, 3, 3, ((tail >>> 9) & 63) / 63)
  return { series, aspect }
}

/**
 * Correlation in [-1, 1] of one picture with the part of the other that fits it best, one of them in
 * a mirror where that fits better; 0 where they are far apart from the outset.
 */
export function overlap(a: Shape, b: Shape): number {
  const [wholeA, wholeB] = [whole(a.series), whole(b.series)]
  const mirrored = { ...b, series: mirror(b.series) }
  const wholeMirrored = whole(mirrored.series)
  let best = 0
  for (const [other, wholeOther] of [
    [b, wholeB],
    [mirrored, wholeMirrored],
  ] as const) {
    if (correlation(wholeA, wholeOther) < MIN_UNALIGNED) continue
    best = Math.max(best, bestPart(a, other, wholeOther), bestPart(other, a, wholeA))
  }
  return best
}

/** cos(π k u) at the points of the grid within [from, from + share]. [GRID][SIDE] */
function basis(from: number, share: number): Float32Array {
  return Float32Array.from({ length: GRID * SIDE }, (_, i) => {
    const u = from + share * ((Math.floor(i / SIDE) + 0.5) / GRID)
    return Math.cos(Math.PI * (i % SIDE) * u)
  })
}

/** Stretches of a side: how long, and what the frequencies are there. */
const STRETCHES = SCALES.flatMap((scale) =>
  (scale === 1 ? [0] : OFFSETS).map((offset) => ({
    scale,
    waves: basis(offset * (1 - scale), scale),
  })),
)
const FULL = STRETCHES[0]!.waves

/** The best correlation of a part of `large` with the whole of `small`. */
function bestPart(large: Shape, small: Shape, wholeSmall: Float32Array): number {
  const stretch = small.aspect / large.aspect
  let best = 0
  for (const down of STRETCHES) {
    const rows = evaluateDown(large.series, down.waves)
    for (const across of STRETCHES) {
      const off = across.scale / down.scale / stretch
      if (off > ASPECT_TOLERANCE || off < 1 / ASPECT_TOLERANCE) continue
      best = Math.max(best, correlation(evaluateAcross(rows, across.waves), wholeSmall))
    }
  }
  return best
}

function whole(series: Float32Array): Float32Array {
  return evaluateAcross(evaluateDown(series, FULL), FULL)
}

/** [channel][down][across] · waves → [channel][GRID][across] */
function evaluateDown(series: Float32Array, waves: Float32Array): Float32Array {
  const out = new Float32Array(CHANNELS * GRID * SIDE)
  for (let channel = 0; channel < CHANNELS; channel++) {
    for (let y = 0; y < GRID; y++) {
      for (let k = 0; k < SIDE; k++) {
        const wave = waves[y * SIDE + k]!
        const from = (channel * SIDE + k) * SIDE
        const to = (channel * GRID + y) * SIDE
        for (let x = 0; x < SIDE; x++) out[to + x]! += wave * series[from + x]!
      }
    }
  }
  return out
}

/** [channel][GRID][across] · waves → values without their means, weighted. [channel][GRID][GRID] */
function evaluateAcross(rows: Float32Array, waves: Float32Array): Float32Array {
  const out = new Float32Array(CHANNELS * GRID * GRID)
  for (let channel = 0; channel < CHANNELS; channel++) {
    const start = channel * GRID * GRID
    let sum = 0
    for (let y = 0; y < GRID; y++) {
      const row = (channel * GRID + y) * SIDE
      for (let x = 0; x < GRID; x++) {
        let value = 0
        for (let k = 0; k < SIDE; k++) value += rows[row + k]! * waves[x * SIDE + k]!
        out[start + y * GRID + x] = value
        sum += value
      }
    }
    const mean = sum / (GRID * GRID)
    for (let i = start; i < start + GRID * GRID; i++) {
      out[i] = (out[i]! - mean) * CHANNEL_WEIGHTS[channel]!
    }
  }
  return out
}

/** Odd frequencies across change their sign in a mirror. */
function mirror(series: Float32Array): Float32Array {
  return series.map((value, i) => ((i % SIDE) % 2 === 1 ? -value : value))
}

function correlation(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  return Math.min(aa, bb) < FLAT ** 2 ? 0 : ab / Math.sqrt(aa * bb)
}
