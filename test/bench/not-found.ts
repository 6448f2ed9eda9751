// How well "nothing here fits" is told: whole classes are taken out of a collection and asked for by
// name, and the same with them present. And how often what is drawn instead is better than the best
// that was left. `not-found N` draws for N of the queries (0 by default: drawing takes a second each);
// LUCIDA_SEED_MODEL names the folder of a second model, which judges beside our own.
import { tmpdir } from 'node:os'
import { dot, type UnitVector } from '../../src/core/vector.ts'
import { drawInRounds } from '../../src/generate/feedback.ts'
import { openPainter } from '../../src/generate/painter.ts'
import { findPipeline } from '../../src/generate/pipelines.ts'
import { type Clip, openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { encodePicture } from '../../src/pictures/encode-picture.ts'
import { loadNeutralBank, type NeutralBank, percentile } from '../../src/search/relevance.ts'
import { readPictures, readRows } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader, sample } from './report.ts'
import { withSecondModel } from './second-model.ts'

/** Sets whose classes are asked for, and what else is in the collection. */
const ASKED = ['caltech101-train', 'flowers-train', 'grocery']
const BESIDE = ['clothing', 'scenes-train', 'flickr8k-train', 'coco-train']
const TEMPLATES = ['{}', 'a photo of a {}', 'a picture of a {}']
const THRESHOLDS = [0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 1]
const CANDIDATES = 4
const ROUNDS = 3

interface Row {
  readonly vector: UnitVector
  /** `set:label` each. */
  readonly classes: ReadonlySet<string>
  readonly set: string
  readonly file: string
}

interface Query {
  readonly name: string
  readonly text: string
  readonly vector: UnitVector
}

/** The best hit of a query in a collection. */
interface Found {
  readonly row: Row
  readonly score: number
  readonly relevance: number
}

/** Runs the benchmark. */
export async function run([count = '0']: string[]): Promise<void> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const bank = await loadNeutralBank(clip.model, clip.embedTexts, tmpdir())
  const { training, others } = await readCollections(clip)
  const queries = await readQueries(clip, training)
  printHeader(
    'not-found',
    clip.model.name,
    `${queries.length} queries for ${queries.length / TEMPLATES.length} classes; ` +
      `${training.length} pictures of training rows, ${others.length} of validation rows`,
  )
  for (const [title, rows] of [
    ['training rows, on which a threshold may be chosen', training],
    ['validation rows', others],
  ] as const) {
    printCurve(title, queries, rows, bank, clip.model.relevance!.threshold)
  }
  if (Number(count) > 0) {
    const some = sample(queries, Number(count), 5)
    await withSecondModel((second) => compareDrawn(clip, bank, some, others, second))
  }
  await clip.close()
}

async function readCollections(clip: Clip): Promise<{ training: Row[]; others: Row[] }> {
  const training: Row[] = []
  const others: Row[] = []
  for (const set of [...ASKED, ...BESIDE]) {
    const vectors = await embedSet(clip, set)
    for (const [i, { file, labels = [] }] of (await readRows(set)).entries()) {
      const classes = new Set(ASKED.includes(set) ? labels.map((label) => `${set}:${label}`) : [])
      // Every twentieth row is kept out of training.
      const rows = i % 20 === 7 ? others : training
      rows.push({ vector: vectors[i]!, classes, set, file })
    }
  }
  return { training, others }
}

async function readQueries(clip: Clip, rows: readonly Row[]): Promise<Query[]> {
  const names = [...new Set(rows.flatMap(({ classes }) => [...classes]))]
  const queries = names.flatMap((name) => {
    const label = name.slice(name.indexOf(':') + 1).replaceAll('_', ' ')
    return TEMPLATES.map((template) => ({ name, text: template.replace('{}', label) }))
  })
  const vectors = await clip.embedTexts(queries.map(({ text }) => text))
  return queries.map((query, i) => ({ ...query, vector: vectors[i]! }))
}

function findBest(
  query: Query,
  rows: readonly Row[],
  bank: NeutralBank,
  isThere: (row: Row) => boolean,
): Found | null {
  let best: Row | null = null
  let score = -Infinity
  for (const row of rows) {
    const here = dot(query.vector, row.vector)
    if (here > score && isThere(row)) [best, score] = [row, here]
  }
  return best && { row: best, score, relevance: percentile(bank, best.vector, score) }
}

/** How often something relevant is found, with the class in the collection and without it. */
function printCurve(
  title: string,
  queries: readonly Query[],
  rows: readonly Row[],
  bank: NeutralBank,
  chosen: number,
): void {
  const known = new Set(rows.flatMap(({ classes }) => [...classes]))
  const asked = queries.filter(({ name }) => known.has(name))
  const present = asked.map((query) => findBest(query, rows, bank, () => true)!)
  const removed = asked.map(
    (query) => findBest(query, rows, bank, ({ classes }) => !classes.has(query.name))!,
  )
  const right = present.filter(({ row }, i) => row.classes.has(asked[i]!.name)).length
  console.log(`\n${title}: ${rows.length} pictures, ${asked.length} queries`)
  console.log(`best hit is of the class: ${percent(right / asked.length)}`)
  console.log('relevance at least   class there: found   class removed: "found"')
  for (const threshold of THRESHOLDS) {
    const share = (found: readonly Found[]) =>
      percent(found.filter(({ relevance }) => relevance >= threshold).length / found.length)
    console.log(
      `${threshold.toFixed(3).padEnd(20)} ${share(present).padStart(18)} ${share(removed).padStart(24)}` +
        (threshold === chosen ? '   the default' : ''),
    )
  }
  for (const [name, value] of [
    ['relevance', ({ relevance }: Found) => relevance],
    ['cosine', ({ score }: Found) => score],
  ] as const) {
    const area = areaUnderCurve(present.map(value), removed.map(value))
    console.log(`area under the curve by ${name}: ${area.toFixed(3)} (0.5 is chance)`)
  }
}

/** Chance that one of `right` is above one of `wrong`; ties count half. */
function areaUnderCurve(right: readonly number[], wrong: readonly number[]): number {
  let above = 0
  for (const one of right)
    for (const other of wrong) above += one > other ? 1 : one === other ? 0.5 : 0
  return above / (right.length * wrong.length)
}

/** Draws what was removed, as a search that finds nothing does, and lets two models compare. */
async function compareDrawn(
  clip: Clip,
  bank: NeutralBank,
  queries: readonly Query[],
  rows: readonly Row[],
  second: Clip | null,
): Promise<void> {
  const painter = openPainter(
    await findPipeline(process.env.LUCIDA_GENERATOR ?? 'lucida-unclip-1'),
    {
      threads: 0,
      embedTexts: clip.embedTexts,
    },
  )
  const threshold = clip.model.relevance!.threshold
  let accepted = 0
  let better = 0
  let betterBySecond = 0
  const startedAt = performance.now()
  for (const [i, query] of queries.entries()) {
    const left = findBest(query, rows, bank, ({ classes }) => !classes.has(query.name))!
    const drawing = drawInRounds({
      seed: i * 1000,
      candidates: CANDIDATES,
      guidance: painter.spec.defaults.guidance,
      rounds: ROUNDS,
      draw: (seeds, guidance) => painter.draw({ condition: { text: query.text }, seeds, guidance }),
      judge: async ({ picture }) => {
        const bytes = await encodePicture(picture, 'png')
        const [vector] = await clip.embedPixels([await clip.preprocess(bytes)])
        const score = dot(query.vector, vector!)
        const relevance = percentile(bank, vector!, score)
        return { score, passes: relevance >= threshold && score > left.score, bytes }
      },
    })
    let next = await drawing.next()
    while (!next.done) next = await drawing.next()
    const best = next.value.candidates[0]!
    if (best.score > left.score) better++
    if (!best.passes) continue
    accepted++
    if (!second) continue
    const file = (await readPictures(left.row.set)).get(left.row.file)!
    const [text] = await second.embedTexts([query.text])
    const pixels = await Promise.all([best.bytes, file].map((bytes) => second.preprocess(bytes)))
    const [drawn, there] = await second.embedPixels(pixels)
    if (dot(text!, drawn!) > dot(text!, there!)) betterBySecond++
  }
  const seconds = (performance.now() - startedAt) / 1000 / queries.length
  console.log(`\ndrawn for ${queries.length} queries whose class was removed (validation rows),`)
  console.log(`at most ${ROUNDS} rounds of ${CANDIDATES}, ${seconds.toFixed(1)} s a query`)
  console.log(
    `best candidate scores more than the best picture left: ${better} (our CLIP: circular)`,
  )
  console.log(`accepted (relevant as well): ${accepted}`)
  if (second) {
    console.log(`of those, better for the second model: ${betterBySecond}`)
  } else {
    console.log('no second model: LUCIDA_SEED_MODEL names none')
  }
  await painter.close()
}
