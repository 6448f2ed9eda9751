// How long a drawing takes with the built-in pipeline, prior, decoder, codec and judging included, once
// everything is loaded; and what loading costs.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Lucida, openLucida } from '../../src/lucida.ts'
import { printHeader, quantile } from './report.ts'

const TEXT = 'a red barn in the snow'
const ROUNDS = 7

/** Runs the benchmark. */
export async function run(): Promise<void> {
  printHeader('draw', 'lucida-unclip-1, lucida-clip-1', `"${TEXT}", ${ROUNDS} seeds each`)
  const dataDir = await mkdtemp(join(tmpdir(), 'lucida-draw-'))
  const lucida = await openLucida({ dataDir })
  try {
    console.log(
      `the first, everything loaded on the way: ${(await time(lucida, 1, 0)).toFixed(0)} ms`,
    )
    for (const candidates of [1, 8]) {
      const took: number[] = []
      for (let i = 1; i <= ROUNDS; i++) took.push(await time(lucida, candidates, i * 100))
      const [median, worst] = [quantile(took, 0.5), Math.max(...took)]
      console.log(
        `${candidates} at once: p50 ${median.toFixed(0)} ms, worst ${worst.toFixed(0)} ms`,
      )
    }
    console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`)
  } finally {
    await lucida.close()
    await rm(dataDir, { recursive: true })
  }
}

/** Milliseconds from the order to its judged candidates. */
async function time(lucida: Lucida, candidates: number, seed: number): Promise<number> {
  const startedAt = performance.now()
  const planned = await lucida.plan({ idea: { text: TEXT }, candidates, seed })
  for await (const _ of planned.run());
  return performance.now() - startedAt
}
