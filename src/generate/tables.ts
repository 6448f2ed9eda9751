// Noise schedules of diffusion models (Ho et al. 2020; Nichol and Dhariwal 2021). The tables are
// float32, as in PyTorch: with float64 the published sums are missed by up to 0.07 %.

export type BetaSpec =
  /** Of the first and of the last step. */
  | {
      readonly type: 'linear' | 'scaled_linear'
      readonly start: number
      readonly end: number
    }
  | { readonly type: 'cosine' }

/** A cosine ends in infinite noise; this is as far as it goes. */
const LARGEST_BETA = 0.999
/** Keeps the first steps of the cosine from being too small. */
const COSINE_OFFSET = 0.008

/** How much of x's variance is replaced by noise in each training step. */
export function betas(spec: BetaSpec, trainSteps: number): Float32Array {
  const table = new Float32Array(trainSteps)
  if (spec.type === 'cosine') {
    return table.map((_, i) => {
      return Math.min(1 - cosine((i + 1) / trainSteps) / cosine(i / trainSteps), LARGEST_BETA)
    })
  }
  const power = spec.type === 'linear' ? 1 : 2
  const [from, to] = [spec.start ** (1 / power), spec.end ** (1 / power)]
  return table.map((_, i) => (from + ((to - from) * i) / (trainSteps - 1)) ** power)
}

const cosine = (t: number) =>
  Math.cos(((t + COSINE_OFFSET) / (1 + COSINE_OFFSET)) * (Math.PI / 2)) ** 2

/** ᾱ: how much of x's variance is still the picture after each training step. */
export function alphaBars(betas: Float32Array): Float32Array {
  let product = 1
  return betas.map((beta) => (product *= Math.fround(1 - beta)))
}

/** σ of x / √ᾱ. */
export function sigmas(alphaBars: Float32Array): Float64Array {
  return Float64Array.from(alphaBars, (alphaBar) => Math.sqrt((1 - alphaBar) / alphaBar))
}

/** Karras et al. 2022, equation 5: `count` levels from the largest sigma to the smallest. */
export function karrasSigmas(sigmas: Float64Array, count: number): number[] {
  const RHO = 7
  const [most, least] = [sigmas.at(-1)! ** (1 / RHO), sigmas[0]! ** (1 / RHO)]
  return Array.from({ length: count }, (_, i) => {
    return (most + (i / Math.max(1, count - 1)) * (least - most)) ** RHO
  })
}

/** The time, with its fraction, at which a table has this sigma (linear in log σ). */
export function timeOfSigma(sigmas: Float64Array, sigma: number): number {
  let below = 0
  while (below < sigmas.length - 2 && sigmas[below + 1]! <= sigma) below++
  const [low, high] = [Math.log(sigmas[below]!), Math.log(sigmas[below + 1]!)]
  return below + Math.min(1, Math.max(0, (Math.log(sigma) - low) / (high - low)))
}

/** A table between its entries. */
export function at(table: Float64Array, time: number): number {
  const before = Math.floor(time)
  const part = time - before
  return part === 0 ? table[before]! : table[before]! * (1 - part) + table[before + 1]! * part
}
