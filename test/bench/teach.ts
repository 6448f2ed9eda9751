// What five examples teach: concepts of classes whose pictures the built-in model has never seen,
// against asking for them by their names. Average precision among all pictures but the examples, and
// what the filter lets through.
import { dot, type UnitVector } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { DEFAULT_TEMPLATE, embedLabels } from '../../src/search/classify.ts'
import { conceptDirection, conceptProbability, fitConcept } from '../../src/search/concept.ts'
import { type DatasetRow, readRows } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader, sample } from './report.ts'

/** Sets with classes that were held out of training: the last so many, or one. */
const HELD_OUT: readonly {
  readonly set: string
  readonly isHeldOut: (keys: readonly string[]) => readonly string[]
}[] = [
  { set: 'caltech101-train', isHeldOut: (keys) => keys.slice(-10) },
  { set: 'tiny-imagenet', isHeldOut: (keys) => keys.slice(-20) },
  { set: 'flowers-train', isHeldOut: () => ['tulip'] },
]
/** What else is in the collection: pictures that were kept out of training too. */
const BESIDE = ['coco-train', 'scenes-train', 'clothing', 'grocery', 'flickr8k-train']
const UNSEEN = 'flickr8k-dev'
const BACKGROUND = 512
/** Each concept is taught so often, by other examples. */
const TIMES = 5
const EXAMPLES = [1, 2, 5, 10]

interface Picture {
  readonly vector: UnitVector
  /** `set:class` of one that was held out; empty for others. */
  readonly key: string
}

interface Class {
  readonly set: string
  readonly key: string
  readonly name: string
}

/** Every twentieth row of a set is kept out of training. */
const isValidation = (row: number) => row % 20 === 7
const classOf = ({ wnid, labels = [] }: DatasetRow) => wnid ?? labels[0] ?? ''

/** Runs the benchmark. */
export async function run(): Promise<void> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const pictures: Picture[] = []
  const classes: Class[] = []
  for (const { set, isHeldOut } of HELD_OUT) {
    const rows = await readRows(set)
    const vectors = await embedSet(clip, set)
    const held = new Set(isHeldOut([...new Set(rows.map(classOf))].sort()))
    for (const key of held) {
      const name = rows.find((row) => classOf(row) === key)!.labels![0]!.replaceAll('_', ' ')
      classes.push({ set, key: `${set}:${key}`, name })
    }
    for (const [i, row] of rows.entries()) {
      const isHeld = held.has(classOf(row))
      if (!isHeld && !isValidation(i)) continue
      pictures.push({ vector: vectors[i]!, key: isHeld ? `${set}:${classOf(row)}` : '' })
    }
  }
  for (const set of [...BESIDE, UNSEEN]) {
    const vectors = await embedSet(clip, set)
    const kept = vectors.filter((_, i) => set === UNSEEN || isValidation(i))
    pictures.push(...kept.map((vector) => ({ vector, key: '' })))
  }
  const texts = await embedLabels(
    clip.embedTexts,
    classes.map(({ name }) => name),
    [DEFAULT_TEMPLATE],
  )
  await clip.close()
  printHeader(
    'teach',
    clip.model.name,
    `${classes.length} classes that it has not been trained on, among ${pictures.length} pictures ` +
      'that it has not been trained on; names of classes occur in captions that it has read',
  )
  const sets = [...HELD_OUT.map(({ set }) => set), 'all']
  console.log('mean average precision')
  console.log(`${''.padEnd(28)}${sets.map((set) => set.padStart(18)).join('')}`)
  printRow('by name (zero-shot)', sets, classes, (_, i) => [
    averagePrecision(pictures, texts[i]!, classes[i]!.key),
  ])
  for (const count of EXAMPLES) {
    for (const withText of [false, true]) {
      const taught: Taught[][] = []
      for (const [i, { key }] of classes.entries()) {
        taught.push(await teach(pictures, key, count, withText ? texts[i] : undefined, i))
      }
      const name = `${count} ${count === 1 ? 'example' : 'examples'}${withText ? ' and the name' : ''}`
      printRow(name, sets, classes, (_, i) => taught[i]!.map(({ precision }) => precision))
      if (count === 5) printFilter(taught.flat())
    }
  }
}

/** What came of one concept. */
interface Taught {
  readonly precision: number
  /** What leaving out the examples said. */
  readonly leftOut: number | undefined
  /** Of the filter at one half: what it lets through, and how much of that is right. */
  readonly passed: number
  readonly right: number
  readonly there: number
}

async function teach(
  pictures: readonly Picture[],
  key: string,
  count: number,
  text: UnitVector | undefined,
  seed: number,
): Promise<Taught[]> {
  const own = pictures.filter((picture) => picture.key === key)
  const results: Taught[] = []
  for (let time = 0; time < TIMES; time++) {
    const examples = new Set(sample(own, count, 1000 * seed + time))
    const rest = pictures.filter((picture) => !examples.has(picture))
    const { head, quality } = await fitConcept({
      positives: [...examples].map(({ vector }) => vector),
      negatives: [],
      background: sample(rest, BACKGROUND, 7 + time).map(({ vector }) => vector),
      text,
    })
    const passing = rest.filter(({ vector }) => conceptProbability(head, vector) >= 0.5)
    results.push({
      precision: averagePrecision(rest, conceptDirection(head), key),
      leftOut: quality?.averagePrecision,
      passed: passing.length,
      right: passing.filter((picture) => picture.key === key).length,
      there: own.length - count,
    })
  }
  return results
}

function averagePrecision(
  pictures: readonly Picture[],
  direction: UnitVector,
  key: string,
): number {
  const ranked = pictures
    .map((picture) => ({ score: dot(direction, picture.vector), isOne: picture.key === key }))
    .sort((a, b) => b.score - a.score)
  let [found, sum] = [0, 0]
  for (const [i, { isOne }] of ranked.entries()) {
    if (isOne) sum += ++found / (i + 1)
  }
  return sum / found
}

function printRow(
  name: string,
  sets: readonly string[],
  classes: readonly Class[],
  valuesOf: (one: Class, i: number) => readonly number[],
): void {
  const columns = sets.map((set) => {
    const values = classes.flatMap((one, i) =>
      set === 'all' || one.set === set ? valuesOf(one, i) : [],
    )
    return percent(mean(values)).padStart(18)
  })
  console.log(name.padEnd(28) + columns.join(''))
}

function printFilter(taught: readonly Taught[]): void {
  const sum = (value: (one: Taught) => number) => taught.reduce((all, one) => all + value(one), 0)
  const right = sum((one) => one.right)
  console.log(
    `  the filter from 0.5 lets through ${percent(right / sum(({ there }) => there))} of them, and ` +
      `${percent(right / sum(({ passed }) => passed))} of what passes is right; left out one by ` +
      `one: ${percent(mean(taught.flatMap(({ leftOut }) => leftOut ?? [])))}`,
  )
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
