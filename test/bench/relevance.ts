// Calibrates relevance (src/search/relevance.ts) for the built-in model: how often a true caption of a
// picture, and how often a caption of another picture, reaches each percentile. On pictures that were
// kept out of training, never on the yardstick. `relevance write` enters the result in the manifest.
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dot } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { loadNeutralBank, percentile } from '../../src/search/relevance.ts'
import { readRows } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader, sample } from './report.ts'

const SET = 'flickr8k-train'
const THRESHOLDS = [0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1]
/** A picture may be called relevant to a caption that is not its own this often. */
const FALSE_POSITIVES = 0.02

/** Validation rows: every twentieth picture is kept out of training. */
const isValidation = (row: number) => row % 20 === 7

/** Runs the calibration. */
export async function run(args: string[]): Promise<void> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const pictures = await embedSet(clip, SET)
  const pairs = (await readRows(SET)).flatMap(({ captions = [] }, row) =>
    isValidation(row) ? captions.map((text) => ({ text, row })) : [],
  )
  const texts = await clip.embedTexts(pairs.map(({ text }) => text))
  const bank = await loadNeutralBank(clip.model, clip.embedTexts, tmpdir())
  await clip.close()

  const others = sample(pairs, pairs.length, 8)
  const right = pairs.map(({ row }, i) => relevance(row, i))
  const wrong = others.flatMap(({ row }, i) => (row === pairs[i]!.row ? [] : [relevance(row, i)]))
  function relevance(row: number, i: number): number {
    return percentile(bank, pictures[row]!, dot(pictures[row]!, texts[i]!))
  }

  printHeader(
    'relevance',
    clip.model.name,
    `${SET}, validation rows: ${pairs.length} captions, ${bank.length} neutral captions`,
  )
  console.log('percentile   true pairs at or above   mismatched pairs at or above')
  const table = THRESHOLDS.map((threshold) => ({
    threshold,
    truePositiveRate: share(right, threshold),
    falsePositiveRate: share(wrong, threshold),
  }))
  for (const { threshold, truePositiveRate, falsePositiveRate } of table) {
    console.log(
      `${threshold.toFixed(3).padEnd(12)} ${percent(truePositiveRate).padStart(10)} ` +
        percent(falsePositiveRate).padStart(28),
    )
  }
  const chosen = table.find(({ falsePositiveRate }) => falsePositiveRate <= FALSE_POSITIVES)
  if (args.includes('write') && chosen) {
    const path = join(clip.model.directory, 'manifest.json')
    const measuredOn = `${pairs.length.toLocaleString('en')} captions of flickr8k-train's validation rows against their own and against other pictures (npm run bench -- relevance)`
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    const relevance = { ...chosen, measuredOn }
    await writeFile(path, `${JSON.stringify({ ...manifest, relevance }, null, 2)}\n`)
    console.log(`\nwrote ${chosen.threshold} to ${path}`)
  }
}

/** Share of values at or above the threshold, to four digits. */
function share(values: readonly number[], threshold: number): number {
  const count = values.filter((value) => value >= threshold).length
  return Number((count / values.length).toFixed(4))
}
