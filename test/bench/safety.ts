// How well scores of concepts tell pictures that show them from others (src/safety/). There is no
// labelled nudity or violence here, so ordinary classes stand in for what is to be found: that says how
// good the machinery is, and nothing of how often the shipped concepts miss. How often these flag
// ordinary photographs can be counted, and is.
import { tmpdir } from 'node:os'
import { dot, type UnitVector, weightedSum } from '../../src/core/vector.ts'
import { type Clip, openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { openConcepts } from '../../src/safety/concepts.ts'
import { BUILT_IN_POLICY } from '../../src/safety/policy.ts'
import { loadNeutralBank, percentile, type NeutralBank } from '../../src/search/relevance.ts'
import { readRows } from './datasets.ts'
import { embedSet } from './embed.ts'
import { percent, printHeader, quantile, sample } from './report.ts'

const SETS = [
  'caltech101-train',
  'clothing',
  'flowers-train',
  'grocery',
  'scenes-train',
  'tiny-imagenet',
]
/** Fewer pictures of a class say too little. */
const LEAST = 8
const THRESHOLDS = [1, 0.995, 0.98]

interface Labelled {
  readonly vector: UnitVector
  readonly label: string
  /** Class that no training of the model has seen, as the data set's own id where it has one. */
  readonly heldOut: boolean
  /** Every twentieth row was kept out of training. */
  readonly isValidation: boolean
}

/** Runs the benchmark. */
export async function run(): Promise<void> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const bank = await loadNeutralBank(clip.model, clip.embedTexts, tmpdir())
  const all = (await Promise.all(SETS.map((set) => readSet(clip, set)))).flat()
  const pool = all.filter(({ isValidation, heldOut }) => isValidation && !heldOut)
  printHeader('safety', clip.model.name, `${pool.length} validation pictures of ${SETS.join(', ')}`)
  console.log(
    'stand-in concepts    classes   AUC: mean (worst tenth)   at threshold: found / flagged wrongly',
  )
  await judgeZeroShot('seen in training', clip, bank, classesOf(pool), pool)
  const unseen = classesOf(all.filter(({ heldOut }) => heldOut))
  await judgeZeroShot('never seen', clip, bank, unseen, pool)
  judgeHeads('seen, linear head', classesOf(pool), all, pool)
  judgeHeads('never seen, head', unseen, all, pool)
  await countShipped(clip, bank)
  await clip.close()
}

async function readSet(clip: Clip, set: string): Promise<Labelled[]> {
  const [rows, vectors] = await Promise.all([
    readRows(set) as Promise<readonly { labels?: readonly string[]; wnid?: string }[]>,
    embedSet(clip, set),
  ])
  const classes = rows.map(({ labels = [], wnid }) => wnid ?? labels.at(-1)!)
  const last = (count: number) => new Set([...new Set(classes)].sort().slice(-count))
  const heldOut =
    set === 'tiny-imagenet'
      ? last(20)
      : set === 'caltech101-train'
        ? last(10)
        : new Set(set === 'flowers-train' ? ['tulip', 'tulips'] : [])
  return rows.map(({ labels = [] }, row) => ({
    vector: vectors[row]!,
    // The last name is the coarsest.
    label: labels.at(-1)!,
    heldOut: heldOut.has(classes[row]!),
    isValidation: row % 20 === 7,
  }))
}

function classesOf(pictures: readonly Labelled[]): Map<string, Labelled[]> {
  const classes = new Map<string, Labelled[]>()
  for (const each of pictures) {
    classes.set(each.label, [...(classes.get(each.label) ?? []), each])
  }
  return new Map([...classes].filter(([, members]) => members.length >= LEAST))
}

async function judgeZeroShot(
  name: string,
  clip: Clip,
  bank: NeutralBank,
  classes: ReadonlyMap<string, readonly Labelled[]>,
  pool: readonly Labelled[],
): Promise<void> {
  const results = []
  for (const [label, members] of classes) {
    const prompts = await clip.embedTexts([`a photo of a ${label}`, `a ${label}`, `${label}s`])
    const direction = weightedSum(prompts.map((vector) => ({ vector, weight: 1 })))
    const score = ({ vector }: Labelled) => percentile(bank, vector, dot(direction, vector))
    results.push({ right: members.map(score), wrong: othersThan(label, pool).map(score) })
  }
  print(name, results, THRESHOLDS)
}

/** Trained on what is not judged: other rows, or of unseen classes every other picture. */
function judgeHeads(
  name: string,
  classes: ReadonlyMap<string, readonly Labelled[]>,
  all: readonly Labelled[],
  pool: readonly Labelled[],
): void {
  const negatives = sample(
    all.filter(({ isValidation, heldOut }) => !isValidation && !heldOut),
    3000,
    7,
  )
  const results = []
  for (const [label, members] of classes) {
    const isSeen = !members[0]!.heldOut
    const taught = isSeen
      ? all.filter((each) => each.label === label && !each.isValidation && !each.heldOut)
      : members.filter((_, i) => i % 2 === 0)
    const judged = isSeen ? members : members.filter((_, i) => i % 2 === 1)
    const head = trainHead(
      taught.map(({ vector }) => vector),
      othersThan(label, negatives).map(({ vector }) => vector),
    )
    const score = ({ vector }: Labelled) => head(vector)
    results.push({ right: judged.map(score), wrong: othersThan(label, pool).map(score) })
  }
  print(name, results, [0.5, 0.9])
}

function othersThan(label: string, pictures: readonly Labelled[]): Labelled[] {
  return pictures.filter((each) => each.label !== label)
}

const STEPS = 150
const RATE = 20
const DECAY = 1e-4

/** Logistic regression by plain gradient descent, both sides weighing the same. */
function trainHead(
  right: readonly UnitVector[],
  wrong: readonly UnitVector[],
): (vector: UnitVector) => number {
  const weights = new Float32Array(right[0]!.length)
  let bias = 0
  const probability = (vector: UnitVector) => 1 / (1 + Math.exp(-(dot(weights, vector) + bias)))
  for (let step = 0; step < STEPS; step++) {
    const slope = weights.map((value) => DECAY * value)
    let biasSlope = 0
    for (const [side, wanted] of [
      [right, 1],
      [wrong, 0],
    ] as const) {
      for (const vector of side) {
        const error = (probability(vector) - wanted) / (2 * side.length)
        biasSlope += error
        for (let i = 0; i < slope.length; i++) slope[i]! += error * vector[i]!
      }
    }
    for (let i = 0; i < weights.length; i++) weights[i]! -= RATE * slope[i]!
    bias -= RATE * biasSlope
  }
  return probability
}

interface Result {
  readonly right: readonly number[]
  readonly wrong: readonly number[]
}

function print(name: string, results: readonly Result[], thresholds: readonly number[]): void {
  const areas = results.map(areaUnderRoc)
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  const share = (values: readonly number[], threshold: number) =>
    values.filter((value) => value >= threshold).length / values.length
  const at = thresholds.map((threshold) => {
    const found = mean(results.map(({ right }) => share(right, threshold)))
    const wrongly = mean(results.map(({ wrong }) => share(wrong, threshold)))
    return `${threshold}: ${percent(found)} / ${percent(wrongly)}`
  })
  const area = `${mean(areas).toFixed(3)} (${quantile(areas, 0.1).toFixed(3)})`
  console.log(
    `${name.padEnd(20)} ${String(results.length).padEnd(9)} ${area.padEnd(25)} ${at.join('   ')}`,
  )
}

/** The chance that a picture of the concept scores more than another; equal ones count half. */
function areaUnderRoc({ right, wrong }: Result): number {
  const sorted = Float64Array.from(wrong).sort()
  const countBelow = (value: number, orEqual: boolean) => {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sorted[middle]! < value || (orEqual && sorted[middle] === value)) low = middle + 1
      else high = middle
    }
    return low
  }
  let sum = 0
  for (const value of right) sum += (countBelow(value, false) + countBelow(value, true)) / 2
  return sum / right.length / wrong.length
}

/** The shipped concepts on photographs of everyday life: whatever they flag there is nearly all wrong. */
async function countShipped(clip: Clip, bank: NeutralBank): Promise<void> {
  console.log('\nshipped concepts, share of ordinary photographs at or above a threshold')
  for (const set of ['flickr8k-dev', 'coco-train']) {
    const vectors = await embedSet(clip, set)
    const context = { model: clip.model, embedTexts: clip.embedTexts, bank: async () => bank }
    const { scores } = await openConcepts(context, BUILT_IN_POLICY, '.')
    const scored = vectors.map(scores)
    for (const [i, { name }] of BUILT_IN_POLICY.concepts.entries()) {
      const shares = THRESHOLDS.map((threshold) => {
        const count = scored.filter((each) => each[i]!.score >= threshold).length
        return `${threshold}: ${percent(count / scored.length)}`
      })
      console.log(`${set.padEnd(14)} ${name.padEnd(10)} ${shares.join('   ')}`)
    }
  }
}
