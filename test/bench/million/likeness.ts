// What makes vectors easy or hard to search, of real pictures and captions and of made ones: means,
// spectrum, distances to the nearest, local dimension, and whether few pictures answer many texts.
import { dot, type UnitVector } from '../../../src/core/vector.ts'
import { quantile } from '../report.ts'

/** Pictures that spectrum and mean cosine are taken from, pictures whose neighbours are looked for. */
const SOME = 3000
const ASKING = 500
/** Neighbours that a local dimension is estimated from. */
const NEAR = 100

/** Pictures, texts, and for each text the picture that it describes. */
export interface Collection {
  readonly pictures: readonly UnitVector[]
  readonly texts: readonly UnitVector[]
  readonly own: readonly UnitVector[]
}

/** Named figures, in an order to print them. */
export function describe({ pictures, texts, own }: Collection): Map<string, number> {
  const some = pictures.slice(0, SOME)
  const between = texts.map((text) => pictures.map((picture) => dot(text, picture)))
  const among = pictures
    .slice(0, ASKING)
    .map((one) => pictures.filter((other) => other !== one).map((other) => dot(one, other)))
  return new Map([
    ['mean cosine, picture and picture', meanCosine(some)],
    ['mean cosine, text and text', meanCosine(texts)],
    ['mean cosine, text and picture', mean(between.map(mean))],
    ['mean cosine, text and its own picture', mean(texts.map((text, i) => dot(text, own[i]!)))],
    ['deviation of a text’s cosines', mean(between.map(deviation))],
    ['effective dimensions of pictures', effectiveDimensions(some)],
    ['effective dimensions of texts', effectiveDimensions(texts)],
    ...nearest('picture', among),
    ...nearest('text', between),
    ['places in first tens that 1 % of pictures take', hubShare(between)],
  ])
}

function nearest(name: string, cosines: readonly (readonly number[])[]): [string, number][] {
  const best = cosines.map((row) => Float64Array.from(row).sort().slice(-NEAR).reverse())
  const at = (rank: number) => mean(best.map((row) => row[rank - 1]!))
  return [
    [`cosine of the nearest picture to a ${name}`, at(1)],
    [`cosine of the 10th picture to a ${name}`, at(10)],
    [`cosine of the 100th picture to a ${name}`, at(NEAR)],
    [`local dimension around a ${name}`, quantile(best.map(localDimension), 0.5)],
  ]
}

/** Levina and Bickel 2004, from the distances to the nearest. */
function localDimension(cosines: Float64Array): number {
  const distances = Array.from(cosines, (cosine) => Math.sqrt(Math.max(2 - 2 * cosine, 1e-9)))
  const farthest = distances.at(-1)!
  return -1 / mean(distances.slice(0, -1).map((distance) => Math.log(distance / farthest)))
}

/** (trace of the covariance)² / (sum of its squares): d where all axes vary alike. */
function effectiveDimensions(vectors: readonly UnitVector[]): number {
  const d = vectors[0]!.length
  const centre = Float64Array.from({ length: d }, (_, j) => mean(vectors.map((v) => v[j]!)))
  const columns = Array.from(centre, (middle, j) =>
    Float32Array.from(vectors, (vector) => vector[j]! - middle),
  )
  let trace = 0
  let squares = 0
  for (const [i, column] of columns.entries()) {
    trace += dot(column, column)
    for (let j = 0; j <= i; j++) squares += (j < i ? 2 : 1) * dot(column, columns[j]!) ** 2
  }
  return trace ** 2 / squares
}

/** Of all pairs, without comparing them: the length of the sum says it. */
function meanCosine(vectors: readonly UnitVector[]): number {
  const n = vectors.length
  const sum = new Float64Array(vectors[0]!.length)
  for (const vector of vectors) for (let j = 0; j < sum.length; j++) sum[j]! += vector[j]!
  return (sum.reduce((total, value) => total + value * value, 0) - n) / (n * (n - 1))
}

function hubShare(cosines: readonly (readonly number[])[]): number {
  const places = new Uint32Array(cosines[0]!.length)
  for (const row of cosines) {
    const order = Array.from(row.keys()).sort((a, b) => row[b]! - row[a]!)
    for (const picture of order.slice(0, 10)) places[picture]!++
  }
  const most = places
    .sort()
    .reverse()
    .subarray(0, Math.round(places.length / 100))
  return most.reduce((a, b) => a + b, 0) / (10 * cosines.length)
}

function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}

function deviation(values: readonly number[]): number {
  const middle = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)))
}
