// Vectors with the shape of a CLIP's, from a seed: pictures in clusters of clusters on one cone, texts
// on another, drawn to words that pictures have too. `likeness.ts` compares them with real ones.
import { mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { UnitVector } from '../../../src/core/vector.ts'
import { seededRandom } from '../report.ts'
import { axesOf, logNormal, normals, zipf } from './draws.ts'

/** Dimensions: those of CLIP ViT-B/32. */
export const DIMENSION = 512
/** Texts that are searched for. */
export const QUERIES = 1000

/** Raised with every change of what comes out. */
const VERSION = 1
const SEED = 20_261_123
const CACHE = join(import.meta.dirname, '../../../.cache/bench')
/** Rows made and written at once. */
const BLOCK = 10_000

/**
 * Fitted by random search to 12,091 pictures of flickr8k and COCO and 1,000 captions, embedded by
 * lucida-clip-1. Shares are of the squared length, so that a vector has about length 1 before it is
 * normalised.
 */
const SHAPE = {
  /** Clusters, and what these lie around. */
  clusters: 200,
  groups: 30,
  /** Sizes fall with this power of the rank: pictures per cluster, clusters per group. */
  clusterZipf: 0.6,
  groupZipf: 0.9,
  /** Share of groups and of clusters in what tells pictures apart; the rest is the picture's own. */
  groupShare: 0.39,
  clusterShare: 0.3,
  /** How much (log-normal) the spread of pictures differs from cluster to cluster, and within one. */
  clusterSpread: 0.1,
  pictureSpread: 0.25,
  /** The variance of axis j falls as (1 + j / 60)^-steepness. */
  steepness: 4.4,
  /** Length of what all pictures have in common, and all texts; the cosine between the two. */
  pictureMean: 0.25,
  textMean: 0.45,
  meanCosine: 0.7,
  /** What a text takes from its picture (of that, the cluster's share), and from another cluster. */
  own: 0.42,
  ownCluster: 0.8,
  other: 0.56,
  /** Squared length of what texts do not have in common. */
  textRest: 0.74,
} as const

/** Where the files of a size lie; the first `n` vectors of a larger size are those of a smaller one. */
export function folderOf(count: number): string {
  return join(CACHE, `million-${count}x${DIMENSION}-v${VERSION}`)
}

/** The folder, with `vectors.f32`, `queries.f32` and `own.f32` (the queries' pictures) in it. */
export async function makeVectors(count: number): Promise<string> {
  const folder = folderOf(count)
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'vectors.f32')
  const known = await open(path).catch(() => null)
  if (known) {
    await known.close()
    return folder
  }
  console.error(`making ${count} vectors`)
  const world = makeWorld()
  const { texts, own } = drawTexts(world, QUERIES)
  await writeWhole(join(folder, 'queries.f32'), [texts])
  await writeWhole(join(folder, 'own.f32'), [own])
  await writeWhole(path, drawPictures(world, count))
  return folder
}

async function writeWhole(path: string, blocks: Iterable<Float32Array>): Promise<void> {
  const file = await open(`${path}.tmp`, 'w')
  for (const block of blocks) await file.writeFile(bytesOf(block))
  await file.close()
  await rename(`${path}.tmp`, path)
}

/** Some rows of a file of vectors, one after another. */
export async function readVectors(path: string, start: number, end: number): Promise<Float32Array> {
  const vectors = new Float32Array((end - start) * DIMENSION)
  const bytes = bytesOf(vectors)
  const file = await open(path)
  try {
    for (let at = 0; at < bytes.length; ) {
      const from = start * DIMENSION * 4 + at
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, from)
      if (bytesRead === 0) throw new Error(`${path} ends before row ${end}; remove it`)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
  return vectors
}

/** The single rows of a block; nothing is copied. */
export function rowsOf(vectors: Float32Array): UnitVector[] {
  const rows = vectors.length / DIMENSION
  return Array.from(
    { length: rows },
    (_, row) => vectors.subarray(row * DIMENSION, (row + 1) * DIMENSION) as UnitVector,
  )
}

function bytesOf(vectors: Float32Array): Uint8Array {
  return new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength)
}

/** What pictures and texts share. */
interface World {
  readonly centres: Float32Array // [clusters, d]
  readonly spreads: Float32Array // [clusters]
  readonly chooseCluster: (random: () => number) => number
}

function makeWorld(): World {
  const { clusters, groups, groupShare, clusterShare, clusterSpread } = SHAPE
  const random = seededRandom(SEED)
  const normal = normals(random)
  const axes = axesOf(DIMENSION, SHAPE.steepness)
  const groupCentres = new Float32Array(groups * DIMENSION)
  for (let i = 0; i < groupCentres.length; i++) groupCentres[i] = normal() * axes[i % DIMENSION]!
  const chooseGroup = zipf(groups, SHAPE.groupZipf)
  const centres = new Float32Array(clusters * DIMENSION)
  const spreads = new Float32Array(clusters)
  const [around, apart] = [Math.sqrt(groupShare), Math.sqrt(clusterShare)]
  for (let c = 0; c < clusters; c++) {
    const group = chooseGroup(random) * DIMENSION
    for (let j = 0; j < DIMENSION; j++) {
      centres[c * DIMENSION + j] = around * groupCentres[group + j]! + apart * normal() * axes[j]!
    }
    spreads[c] = logNormal(normal(), clusterSpread)
  }
  return { centres, spreads, chooseCluster: zipf(clusters, SHAPE.clusterZipf) }
}

/** Blocks of pictures, the same for every `count` up to its end. */
function* drawPictures(world: World, count: number): Generator<Float32Array> {
  const random = seededRandom(SEED + 1)
  const draw = pictureDrawer(world, random)
  for (let start = 0; start < count; start += BLOCK) {
    const rows = Math.min(BLOCK, count - start)
    const block = new Float32Array(rows * DIMENSION)
    for (let row = 0; row < rows; row++) {
      const picture = block.subarray(row * DIMENSION, (row + 1) * DIMENSION)
      draw(picture, world.chooseCluster(random))
      asPicture(picture)
    }
    yield block
  }
}

/** Texts, each beside a picture that it describes and that is in no collection. */
function drawTexts(world: World, count: number): { texts: Float32Array; own: Float32Array } {
  const random = seededRandom(SEED + 2)
  const normal = normals(random)
  const draw = pictureDrawer(world, random)
  const { own: fromOwn, ownCluster, other: fromOther, textRest, textMean, meanCosine } = SHAPE
  const axes = axesOf(DIMENSION, SHAPE.steepness)
  const free = Math.sqrt(textRest - fromOwn ** 2 - fromOther ** 2)
  const texts = new Float32Array(count * DIMENSION)
  const own = new Float32Array(count * DIMENSION)
  for (let i = 0; i < count; i++) {
    const text = texts.subarray(i * DIMENSION, (i + 1) * DIMENSION)
    const picture = own.subarray(i * DIMENSION, (i + 1) * DIMENSION)
    const cluster = world.chooseCluster(random)
    const other = world.chooseCluster(random)
    draw(picture, cluster)
    for (let j = 0; j < DIMENSION; j++) {
      const centre = world.centres[cluster * DIMENSION + j]!
      text[j] =
        fromOwn * (ownCluster * centre + (1 - ownCluster) * picture[j]!) +
        fromOther * world.centres[other * DIMENSION + j]! +
        free * normal() * axes[j]!
    }
    text[DIMENSION - 1]! += textMean * meanCosine
    text[DIMENSION - 2]! += textMean * Math.sqrt(1 - meanCosine ** 2)
    toUnit(text)
    asPicture(picture)
  }
  return { texts, own }
}

/** Writes what tells one picture of a cluster from all others into `out`. */
function pictureDrawer({ centres, spreads }: World, random: () => number) {
  const normal = normals(random)
  const axes = axesOf(DIMENSION, SHAPE.steepness)
  const share = Math.sqrt(1 - SHAPE.groupShare - SHAPE.clusterShare)
  return (out: Float32Array, cluster: number) => {
    const spread = share * spreads[cluster]! * logNormal(normal(), SHAPE.pictureSpread)
    const at = cluster * DIMENSION
    for (let j = 0; j < DIMENSION; j++) out[j] = centres[at + j]! + spread * normal() * axes[j]!
  }
}

function asPicture(vector: Float32Array): void {
  vector[DIMENSION - 1]! += SHAPE.pictureMean
  toUnit(vector)
}

function toUnit(vector: Float32Array): void {
  let sum = 0
  for (const value of vector) sum += value * value
  const scale = 1 / Math.sqrt(sum)
  for (let j = 0; j < vector.length; j++) vector[j]! *= scale
}
