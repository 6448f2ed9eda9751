// How well the tiers of likeness tell copies from other pictures: a thousand photographs, each beside
// one made copy of it, a kind of change at a time; and different photographs of one scene. The code
// is the program's own, from the hashes of the files to the pages of groups.
import sharp, { type Sharp } from 'sharp'
import { sha256 } from '../../src/core/hash.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import { describePicture } from '../../src/indexer/decode.ts'
import { type Clip, openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { likenessPage, pairLooks } from '../../src/search/duplicates.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { type Likeness, type Look, lookOf } from '../../src/search/likeness.ts'
import { type DatasetRow, readPictures, readRows } from './datasets.ts'
import { percent, printHeader, seededRandom } from './report.ts'

/** Photographs that no model was trained on, and some of series, of which the built-in one was. */
const SET = 'flickr8k-dev'
const SERIES_SET = 'flickr8k-train'
const ANGLE = 2
/** Flickr numbers photographs as they come in: those of one upload are close together. */
const MAX_ID_GAP = 20_000
/** Likeness of all that people said of both, from which two of one upload show one scene. */
const MIN_CAPTION_LIKENESS = 0.2

/** Null where nothing is changed. */
type Change = (picture: Sharp, side: number, random: () => number) => Sharp | Promise<Sharp> | null

const CHANGES: Readonly<Record<string, Change>> = {
  'the same file': () => null,
  'half the size': (picture, side) => picture.resize(side / 2),
  'JPEG, quality 30': async (picture) => sharp(await picture.jpeg({ quality: 30 }).toBuffer()),
  'a tenth cut off, both ways': (picture, side, random) => cut(picture, side, 0.9, 0.9, random),
  'a tenth cut off one side': (picture, side, random) => cut(picture, side, 0.9, 1, random),
  'turned by 2°, straight edges': turn,
  'hue 20°, more colour, lighter': (picture) =>
    picture.modulate({ hue: 20, saturation: 1.3, brightness: 1.1 }),
  mirrored: (picture) => picture.flop(),
  'mirrored, cut, JPEG 30': async (picture, side, random) => {
    const flopped = sharp(await picture.flop().png().toBuffer())
    return sharp(await cut(flopped, side, 0.9, 0.9, random).jpeg({ quality: 30 }).toBuffer())
  },
}

interface Photo {
  readonly id: string
  readonly look: Look
  readonly vector: UnitVector
}

/** Runs the benchmark. */
export async function run(): Promise<void> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  printHeader(
    'duplicates',
    clip.model.name,
    `${SET}: 1,000 photographs, squashed to 112 px at the source; no model has seen them`,
  )
  const pictures = [...(await readPictures(SET)).values()]
  const originals = await Promise.all(pictures.map((bytes) => sharp(bytes).png().toBuffer()))
  const photos = await readPhotos(clip, originals)
  const random = seededRandom(7)
  console.log('each photograph beside one copy of it: found as')
  console.log(`${''.padEnd(30)}  exact     near      look-alike   precision: near    look-alike`)
  for (const [name, change] of Object.entries(CHANGES)) {
    const copies = []
    for (const original of originals) {
      const { width } = await sharp(original).metadata()
      const changed = await change(sharp(original), width, random)
      copies.push(changed === null ? original : await changed.png().toBuffer())
    }
    await printChange(name, photos, await readPhotos(clip, copies))
  }
  await compareScenes(clip, photos)
  await clip.close()
}

async function printChange(
  name: string,
  originals: readonly Photo[],
  copies: readonly Photo[],
): Promise<void> {
  const made = originals.map(({ id }, i) => pairKey(id, copies[i]!.id))
  const exact = originals.filter(({ id }, i) => id === copies[i]!.id).length
  const near = await findPairs([...originals, ...copies], 'near')
  const alike = await findPairs([...originals, ...copies], 'look-alike')
  const found = ({ together }: Found) => percent(share(made, (pair) => together.has(pair)))
  const precision = ({ shown }: Found) =>
    `${percent(share([...shown], (pair) => made.includes(pair)))} of ${shown.size}`
  const columns = [percent(exact / made.length), found(near), found(alike)]
  console.log(
    `${name.padEnd(30)} ${columns.map((text) => text.padStart(9)).join(' ')}   ` +
      `${precision(near).padStart(16)}  ${precision(alike).padStart(16)}`,
  )
}

/** Pairs that the pages of groups show: with the first of a group, and all that are in one. */
interface Found {
  readonly shown: ReadonlySet<string>
  readonly together: ReadonlySet<string>
}

async function findPairs(
  photos: readonly Photo[],
  kind: Likeness['kind'],
  minScore?: number,
): Promise<Found> {
  const byId = new Map(photos.map((photo) => [photo.id, photo]))
  const dimension = photos[0]!.vector.length
  const index = await openExactIndex({
    identity: { storeId: '', model: '', recipe: '', dimension },
  })
  await index.apply(
    [...byId.values()].map(({ id, vector }) => ({ content: id, vector })),
    1,
  )
  const looks = await pairLooks(new Map([...byId].map(([id, { look }]) => [id, look])))
  const options = { kind, limit: Infinity, minScore }
  const { groups } = await likenessPage([...byId.keys()].sort(), index, looks, options)
  await index.close()
  const shown = groups.flatMap(({ contents: [first, ...rest] }) =>
    rest.map((other) => pairKey(first!, other)),
  )
  const together = groups.flatMap(({ contents }) =>
    contents.flatMap((a, i) => contents.slice(i + 1).map((b) => pairKey(a, b))),
  )
  return { shown: new Set(shown), together: new Set(together) }
}

/** Different photographs of one scene, which are no copies, at several thresholds. */
async function compareScenes(clip: Clip, others: readonly Photo[]): Promise<void> {
  const rows = await readRows(SERIES_SET)
  const files = await readPictures(SERIES_SET)
  const pairs = findScenes(rows)
  const bytes = pairs.flat().map((row) => files.get(rows[row]!.file)!)
  const photos = await readPhotos(clip, bytes)
  const scenes = pairs.map((_, i) => pairKey(photos[2 * i]!.id, photos[2 * i + 1]!.id))
  const all = [...others, ...photos]
  console.log(
    `\n${scenes.length} pairs of one scene (${SERIES_SET}, on which the model was trained), ` +
      `among ${all.length} photographs`,
  )
  const near = await findPairs(all, 'near')
  console.log(`near: ${percent(share(scenes, (pair) => near.together.has(pair)))} of them`)
  for (const minScore of [0.95, 0.9, 0.85, 0.8]) {
    const { shown, together } = await findPairs(all, 'look-alike', minScore)
    const found = share(scenes, (pair) => together.has(pair))
    const right = [...shown].filter((pair) => scenes.includes(pair)).length
    console.log(
      `look-alike from ${minScore.toFixed(2)}: ${percent(found).padStart(8)} of them, ` +
        `beside ${shown.size - right} other pairs`,
    )
  }
}

/**
 * Pairs of rows by what is known beside the pixels: two photographs that came to Flickr in one
 * upload, and of which people said the same. Each photograph is in one pair at most.
 */
function findScenes(rows: readonly DatasetRow[]): [number, number][] {
  const words = rows.map(({ captions = [] }) =>
    captions
      .join(' ')
      .toLowerCase()
      .match(/[a-z]+/g),
  )
  const documents = words.map((list) => new Set(list))
  const frequency = new Map<string, number>()
  for (const document of documents) {
    for (const word of document) frequency.set(word, (frequency.get(word) ?? 0) + 1)
  }
  const rarity = (word: string) => Math.log(rows.length / frequency.get(word)!) ** 2
  const length = (document: Set<string>) =>
    Math.sqrt([...document].reduce((sum, word) => sum + rarity(word), 0))
  const likeness = (a: Set<string>, b: Set<string>) =>
    [...a].reduce((sum, word) => sum + (b.has(word) ? rarity(word) : 0), 0) /
    (length(a) * length(b))

  const order = rows
    .map(({ id = '' }, row) => ({ row, number: Number.parseInt(id, 10) }))
    .sort((a, b) => a.number - b.number)
  const candidates = order.slice(1).flatMap((one, i) => {
    const before = order[i]!
    const alike = likeness(documents[before.row]!, documents[one.row]!)
    const isOne = one.number - before.number < MAX_ID_GAP && alike >= MIN_CAPTION_LIKENESS
    return isOne ? [{ pair: [before.row, one.row] as [number, number], alike }] : []
  })
  const taken = new Set<number>()
  return candidates
    .sort((a, b) => b.alike - a.alike)
    .flatMap(({ pair }) => {
      if (pair.some((row) => taken.has(row))) return []
      for (const row of pair) taken.add(row)
      return [pair]
    })
}

async function readPhotos(clip: Clip, files: readonly Buffer[]): Promise<Photo[]> {
  const photos: Photo[] = []
  for (const bytes of files) {
    const id = sha256(bytes)
    const picture = await openPicture(bytes)
    const [vector] = await clip.embedPixels([await clip.preprocess(picture)])
    photos.push({ id, look: lookOf(id, await describePicture(picture)), vector: vector! })
  }
  return photos
}

function cut(
  picture: Sharp,
  side: number,
  width: number,
  height: number,
  random: () => number,
): Sharp {
  const size = { width: Math.round(side * width), height: Math.round(side * height) }
  const left = Math.floor(random() * (side - size.width + 1))
  const top = Math.floor(random() * (side - size.height + 1))
  return picture.extract({ left, top, ...size })
}

/** Turned, and cut to the largest square without a corner missing. */
async function turn(picture: Sharp, side: number): Promise<Sharp> {
  const angle = (ANGLE * Math.PI) / 180
  const { data, info } = await picture.rotate(ANGLE).png().toBuffer({ resolveWithObject: true })
  const inner = Math.floor(side / (Math.cos(angle) + Math.sin(angle)))
  const left = Math.round((info.width - inner) / 2)
  return sharp(data).extract({ left, top: left, width: inner, height: inner })
}

/** Two that belong together, as a key. */
function pairKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}

function share<T>(items: readonly T[], passes: (item: T) => boolean): number {
  return items.filter(passes).length / items.length
}
