// Normal noise from a seed, number for number what torch.randn gives on a CPU (to 1e-6), so that a
// seed means the same in Python. Sources: Matsumoto and Nishimura 1998 (MT19937); the order of draws
// is that of PyTorch's normal_fill and, below 16 numbers, of its normal_distribution.

const WORDS = 624
/** How far ahead the word lies that is mixed in. */
const AHEAD = 397
/** PyTorch fills blocks of so many numbers: eight radii, eight angles. */
const BLOCK = 16

/** The noise of one picture: what is drawn depends on the seed and on the order of the calls. */
export class Noise {
  readonly #words = new Uint32Array(WORDS)
  #next = WORDS
  /** The second of a pair of normals, until it is asked for. */
  #kept: number | undefined

  constructor(seed: number) {
    this.#words[0] = seed
    for (let i = 1; i < WORDS; i++) {
      const before = this.#words[i - 1]!
      this.#words[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i
    }
  }

  /** 32 random bits. */
  bits(): number {
    if (this.#next === WORDS) this.#refill()
    let y = this.#words[this.#next++]!
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }

  /** `torch.randn(count)` */
  normals(count: number): Float32Array {
    const out = new Float32Array(count)
    if (count < BLOCK) return out.map(() => this.#normal())
    this.#fillUniform(out, 0)
    for (let at = 0; at + BLOCK <= count; at += BLOCK) toNormals(out, at)
    if (count % BLOCK !== 0) {
      // The last numbers are drawn again rather than left without partners.
      this.#fillUniform(out, count - BLOCK)
      toNormals(out, count - BLOCK)
    }
    return out
  }

  #refill(): void {
    const words = this.#words
    for (let k = 0; k < WORDS; k++) {
      const y = (words[k]! & 0x80000000) | (words[(k + 1) % WORDS]! & 0x7fffffff)
      words[k] = words[(k + AHEAD) % WORDS]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
    }
    this.#next = 0
  }

  /** In [0, 1), 24 bits each, from index `from` on. */
  #fillUniform(out: Float32Array, from: number): void {
    for (let i = from; i < out.length; i++) out[i] = (this.bits() & 0xffffff) / 2 ** 24
  }

  /** In [0, 1), 53 bits. */
  #uniform(): number {
    const high = this.bits() & 0x1fffff
    return (high * 2 ** 32 + this.bits()) / 2 ** 53
  }

  #normal(): number {
    if (this.#kept !== undefined) {
      const kept = this.#kept
      this.#kept = undefined
      return kept
    }
    const angle = 2 * Math.PI * this.#uniform()
    const radius = Math.sqrt(-2 * Math.log1p(-this.#uniform()))
    this.#kept = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}

/** Box and Muller's transform of one block, in place. */
function toNormals(out: Float32Array, at: number): void {
  for (let i = at; i < at + BLOCK / 2; i++) {
    const radius = Math.sqrt(-2 * Math.log(Math.fround(1 - out[i]!)))
    const angle = 2 * Math.PI * out[i + BLOCK / 2]!
    out[i] = radius * Math.cos(angle)
    out[i + BLOCK / 2] = radius * Math.sin(angle)
  }
}
