// What every benchmark prints beside its figures, and small statistics.
import { availableParallelism, cpus, totalmem } from 'node:os'

/** Prints the machine, Node, model and data that the figures below were measured with. */
export function printHeader(bench: string, model: string, data: string): void {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU'
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  console.log(`# ${bench}`)
  console.log(`machine: ${cpu}, ${availableParallelism()} cores, ${memory}, ${process.platform}`)
  console.log(`node: ${process.version}`)
  console.log(`model: ${model}`)
  console.log(`data: ${data}`)
  console.log('')
}

/** The value below which a share `p` of `values` lies. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN
}

/** `12.3 %` */
export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}

/** A seeded generator of numbers in [0, 1) (mulberry32), for samples that repeat. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** The first `n` of a seeded shuffle. */
export function sample<T>(items: readonly T[], n: number, seed: number): T[] {
  const random = seededRandom(seed)
  const pool = [...items]
  const size = Math.min(n, pool.length)
  for (let i = 0; i < size; i++) {
    const j = i + Math.floor(random() * (pool.length - i))
    ;[pool[i], pool[j]] = [pool[j]!, pool[i]!]
  }
  return pool.slice(0, size)
}
