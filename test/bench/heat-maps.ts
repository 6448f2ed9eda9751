// Whether a heat map (src/explain/) points where it should: two photographs side by side or one above
// the other as one picture, a caption of one of them, and the question which half gets the higher
// mean. On photographs and captions that were never trained on; `heat-maps validation` is the set by
// which the method was chosen.
import { tmpdir } from 'node:os'
import sharp from 'sharp'
import { dot, type UnitVector } from '../../src/core/vector.ts'
import { type Division, occlude } from '../../src/explain/occlusion.ts'
import type { Cells } from '../../src/models/cells.ts'
import { type Clip, openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { type DatasetRow, readPictures, readRows } from './datasets.ts'
import { loadNeutralBank } from '../../src/search/relevance.ts'
import { percent, printHeader, seededRandom } from './report.ts'

const PAIRS = 200
const SEED = 42
/** Sides of the photographs, as they come. */
const PX = 112

/** Two photographs as one picture. `first` is left or above. */
interface Pair {
  readonly photos: readonly [DatasetRow, DatasetRow]
  readonly captions: readonly [string, string]
  readonly layout: 'beside' | 'above'
  /** Whose caption is the query. */
  readonly named: 0 | 1
}

/** How often one way to make a map was right. */
interface Tally {
  right: number
  rightBothWays: number
  ms: number
}

/** Runs the benchmark. */
export async function run(args: string[]): Promise<void> {
  const isValidation = args.includes('validation')
  const set = isValidation ? 'flickr8k-train' : 'flickr8k-dev'
  // Every twentieth row of a training set was kept out of training.
  const rows = (await readRows(set)).filter((_, row) => !isValidation || row % 20 === 7)
  const files = await readPictures(set)
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const bank = await loadNeutralBank(clip.model, clip.embedTexts, tmpdir())
  const neutral = Float32Array.from(bank[0]!, (_, i) =>
    bank.reduce((sum, caption) => sum + caption[i]! / bank.length, 0),
  )
  const pairs = drawPairs(rows)
  const what = isValidation ? ', validation rows' : ''
  printHeader(
    'heat-maps',
    clip.model.name,
    `${set}${what}: ${PAIRS} of ${rows.length}, seed ${SEED}`,
  )
  console.log(
    'composite  method               named half has the higher mean (95 %)   both captions right   ms',
  )
  for (const shape of ['whole', 'cut'] as const) {
    const tallies = new Map<string, Tally>()
    for (const pair of pairs) {
      const photos = pair.photos.map(({ file }) => files.get(file)!)
      const composite = await join(photos, pair.layout, shape)
      const methods = await methodsFor(clip, neutral, photos, composite, pair.layout)
      // What was tried when the method was chosen is measured on those rows only.
      const tried = methods.filter(({ isUsed }) => isUsed || isValidation)
      await judge(await clip.embedTexts(pair.captions), pair, tried, tallies)
    }
    for (const [name, tally] of tallies) print(shape, name, tally)
  }
  await clip.close()
}

/** Half of them beside each other; each half is named equally often. */
function drawPairs(rows: readonly DatasetRow[]): Pair[] {
  const random = seededRandom(SEED)
  const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)]!
  return Array.from({ length: PAIRS }, (_, i) => {
    const one = pick(rows)
    const two = pick(rows.filter((row) => row !== one))
    return {
      photos: [one, two],
      captions: [pick(one.captions!), pick(two.captions!)],
      layout: i % 2 === 0 ? 'beside' : 'above',
      named: i % 4 < 2 ? 0 : 1,
    }
  })
}

/** `whole`: each photograph entire, so that the model sees it squeezed; `cut`: the middle of each. */
async function join(
  photos: readonly Buffer[],
  layout: Pair['layout'],
  shape: 'whole' | 'cut',
): Promise<Buffer> {
  const beside = layout === 'beside'
  const part = shape === 'whole' ? PX : PX / 2
  const [width, height] = beside ? [part, PX] : [PX, part]
  const parts = await Promise.all(
    photos.map((photo) => sharp(photo).resize(width, height, { fit: 'cover' }).png().toBuffer()),
  )
  const size = beside ? { width: 2 * width, height } : { width, height: 2 * height }
  return sharp({ create: { ...size, channels: 3, background: '#fff' } })
    .composite([
      { input: parts[0]!, left: 0, top: 0 },
      { input: parts[1]!, left: beside ? width : 0, top: beside ? 0 : height },
    ])
    .png()
    .toBuffer()
}

/** One way to make a map. */
interface Method {
  readonly name: string
  /** Whether Lucida does it so, or it is what that is compared with. */
  readonly isUsed?: true
  readonly make: () => Promise<Cells>
  /** What a cell is worth to a query; their product where it is not given. */
  readonly worth?: Worth
}
type Worth = (cell: Float32Array, query: UnitVector) => number

async function methodsFor(
  clip: Clip,
  neutral: Float32Array,
  photos: readonly Buffer[],
  composite: Buffer,
  layout: Pair['layout'],
): Promise<Method[]> {
  const pixels = await clip.preprocess(composite)
  const [vector] = await clip.embedPixels([pixels])
  const cells = () => clip.embedCells!(pixels)
  const hidden = (division?: Division) =>
    occlude(clip.embedPixels, clip.model.pixels, pixels, vector!, division)
  return [
    { name: 'cells', isUsed: true, make: cells },
    {
      name: 'cells, less neutral',
      make: cells,
      worth: (cell, query) => dot(cell, query) - dot(cell, neutral),
    },
    {
      name: 'cells, cosines',
      make: cells,
      worth: (cell, query) => dot(cell, query) / Math.sqrt(dot(cell, cell)),
    },
    { name: 'occlusion', isUsed: true, make: () => hidden() },
    { name: 'occlusion, 5 × 5', make: () => hidden({ cells: 5, hidden: 1 }) },
    {
      // No map at all: each photograph by itself, which is as well as the model can tell them apart.
      name: 'apart',
      isUsed: true,
      make: async () => {
        const alone = await Promise.all(photos.map((photo) => clip.preprocess(photo)))
        const vectors = await clip.embedPixels(alone)
        const isBeside = layout === 'beside'
        return { width: isBeside ? 2 : 1, height: isBeside ? 1 : 2, vectors }
      },
    },
  ]
}

async function judge(
  queries: readonly UnitVector[],
  { layout, named }: Pair,
  methods: readonly Method[],
  tallies: Map<string, Tally>,
): Promise<void> {
  for (const { name, make, worth = dot } of methods) {
    const startedAt = performance.now()
    const cells = await make()
    const ms = performance.now() - startedAt
    const mean = (query: UnitVector, half: 0 | 1) =>
      meanOf(cells, (cell) => worth(cell, query), layout, half)
    const right = queries.map((query, at) => {
      const lead = mean(query, 0) - mean(query, 1)
      return at === 0 ? lead > 0 : lead < 0
    })
    const tally = tallies.get(name) ?? { right: 0, rightBothWays: 0, ms: 0 }
    tally.right += Number(right[named])
    tally.rightBothWays += Number(right[0] && right[1])
    tally.ms += ms
    tallies.set(name, tally)
  }
}

/** Mean over one half; a cell that lies across the middle counts half. */
function meanOf(
  { width, height, vectors }: Cells,
  worth: (cell: Float32Array) => number,
  layout: Pair['layout'],
  half: 0 | 1,
): number {
  let [sum, weights] = [0, 0]
  vectors.forEach((cell, i) => {
    const [at, of] = layout === 'beside' ? [i % width, width] : [Math.floor(i / width), height]
    const before = Math.min(1, Math.max(0, of / 2 - at))
    const weight = half === 0 ? before : 1 - before
    sum += weight * worth(cell)
    weights += weight
  })
  return sum / weights
}

function print(shape: string, name: string, { right, rightBothWays, ms }: Tally): void {
  const [low, high] = wilson(right, PAIRS)
  console.log(
    `${shape.padEnd(10)} ${name.padEnd(20)} ${percent(right / PAIRS)} ` +
      `(${percent(low)} to ${percent(high)})`.padEnd(30) +
      percent(rightBothWays / PAIRS).padStart(12) +
      (ms / PAIRS).toFixed(1).padStart(10),
  )
}

/** 95 % interval of a share (Wilson 1927). */
function wilson(right: number, of: number): [low: number, high: number] {
  const z = 1.96
  const share = right / of
  const middle = (share + (z * z) / (2 * of)) / (1 + (z * z) / of)
  const spread =
    (z / (1 + (z * z) / of)) * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of))
  return [middle - spread, middle + spread]
}
