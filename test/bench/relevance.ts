// Calibrates relevance (src/search/relevance.ts) for a model: how often a true caption of a picture,
// and how often a caption of another picture, reaches each percentile. On training data, never on
// the yardstick.
import { tmpdir } from 'node:os'
import { dot } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { loadNeutralBank, percentile } from '../../src/search/relevance.ts'
import { readRows } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader, sample } from './report.ts'

const SET = 'flickr8k-train'
const PAIRS = 5000

/** Runs the calibration. */
export async function run(): Promise<void> {
  const clip = openClip(await findModel('lucida-clip-0'), { threads: 0 })
  const pictures = await embedSet(clip, SET)
  const pairs = (await readRows(SET)).flatMap(({ captions = [] }, row) =>
    captions.map((text) => ({ text, row })),
  )
  const chosen = sample(pairs, PAIRS, 7)
  const texts = await clip.embedTexts(chosen.map(({ text }) => text))
  const bank = await loadNeutralBank(clip.model, clip.embedTexts, tmpdir())
  await clip.close()

  const others = sample(chosen, chosen.length, 8)
  const right = chosen.map(({ row }, i) => relevance(row, i))
  const wrong = others.map(({ row }, i) => (row === chosen[i]!.row ? 0 : relevance(row, i)))
  function relevance(row: number, i: number): number {
    return percentile(bank, pictures[row]!, dot(pictures[row]!, texts[i]!))
  }

  printHeader(
    'relevance',
    clip.model.name,
    `${SET}: ${chosen.length} captions, ${bank.length} neutral captions`,
  )
  console.log('percentile   true pairs at or above   mismatched pairs at or above')
  for (const threshold of [0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1]) {
    const share = (values: readonly number[]) =>
      percent(values.filter((value) => value >= threshold).length / values.length).padStart(10)
    console.log(`${threshold.toFixed(3).padEnd(12)} ${share(right)} ${share(wrong).padStart(28)}`)
  }
}
