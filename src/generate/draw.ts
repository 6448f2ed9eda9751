// One order drawn: condition → embeddings → latents, step by step → pictures. All pictures take each
// step together, and a signal ends the drawing before the next run of a network. What is random comes
// from each picture's own noise, in this order: the prior's noise, the noise that the drawing begins
// with, that of the variation, that of the steps, the upsampler's.
import { type Canvas, freeCells, keepCells, paste, resize, stretch } from './canvas.ts'
import { codecSize, decodeLatents, encodePicture, latentRow, toRaster } from './codec.ts'
import { type Meanings, noisesOf, type Studio, understand } from './conditions.ts'
import { forDecoder, toUnit } from './embedding-space.ts'
import { guidanceOf, type Side, withGuidance } from './guidance.ts'
import { networkOf } from './network.ts'
import type { Noise } from './noise.ts'
import { planSampler } from './plan.ts'
import { mix } from './prediction.ts'
import type { Place } from './sampler.ts'
import { tellDecoder } from './tell.ts'
import { divided, joined, type Telling } from './told.ts'
import type { DrawEvent, Drawing, DrawOrder, Start } from './types.ts'
import { upsample } from './upsample.ts'

/** Steps from one preview to the next. */
const PREVIEW_EVERY = 4

/** Draws an order that has been checked. */
export async function* drawPictures(
  studio: Studio,
  order: DrawOrder,
): AsyncGenerator<DrawEvent, Drawing[]> {
  const { spec, graphs } = studio
  const { seeds, signal } = order
  const { size, upsampler, embedding, codec } = spec
  const noises = noisesOf(seeds)
  const meanings = await understand(order, noises, studio)
  const canvas = order.start && (await prepare(order.start, studio))

  const decode = (latents: Float32Array) =>
    decodeLatents(divided(latents, seeds.length), { spec, graphs, signal })
  const finish = (planes: readonly Float32Array[]) => {
    const pictures = planes.map((one) => toRaster(one, size, codec.range))
    return canvas ? pictures.map((picture) => paste(picture, canvas)) : pictures
  }

  const walk = await begin(order, meanings, noises, canvas, studio)
  const total = walk.steps + (upsampler?.schedule.steps ?? 0)
  let x: Float32Array = new Float32Array()
  let step = 0
  for await (const place of walk.places) {
    x = place.x
    step++
    const isShown =
      step % PREVIEW_EVERY === 0 && step < walk.steps && !spec.sequential && !upsampler
    const previews = isShown ? { previews: finish(await decode(place.z)) } : {}
    yield { type: 'step', step, steps: total, ...previews }
  }

  let planes = await decode(x)
  if (upsampler) {
    for await (const larger of upsample(planes, noises, upsampler, { spec, graphs, signal })) {
      planes = larger
      step++
      yield { type: 'step', step, steps: total }
    }
  }
  return finish(planes).map((picture, i) => {
    const plain = meanings.wanted.embeddings?.[i]
    return { seed: seeds[i]!, picture, embedding: plain ? toUnit(plain, embedding!) : null }
  })
}

/** A canvas with what the decoder sees of it. */
interface PreparedCanvas extends Canvas {
  readonly strength: number
  readonly latent: Float32Array
  /** The cells in which anything is drawn anew, where some are kept. */
  readonly free: readonly boolean[] | undefined
}

async function prepare(start: Start, studio: Studio): Promise<PreparedCanvas> {
  const { size, codec, upsampler } = studio.spec
  const canvas = stretch(start, size)
  const small = resize(canvas.picture, codecSize(studio.spec), 'cubic')
  const cellPx = codec.downscale * (upsampler?.factor ?? 1)
  return {
    ...canvas,
    strength: start.strength,
    latent: await encodePicture(small, studio),
    free: canvas.mask && freeCells(canvas.mask, size, cellPx),
  }
}

/** The decoder's walk. */
async function begin(
  order: DrawOrder,
  meanings: Meanings,
  noises: readonly Noise[],
  canvas: PreparedCanvas | undefined,
  studio: Studio,
): Promise<{ steps: number; places: AsyncGenerator<Place, void> }> {
  const { spec, graphs } = studio
  const { inputs, output, schedule, prediction, guidance } = spec.decoder
  const row = latentRow(spec)
  const noise = () => joined(noises.map((one) => one.normals(row[0] * row[1] * row[2])))
  const epsilon = noise()
  const steps = order.steps ?? schedule.steps
  const plan = planSampler(schedule, prediction, steps, canvas?.strength)

  const z = canvas && joined(noises.map(() => canvas.latent))
  const keep = (x: Float32Array, step: number) => {
    if (z && canvas.free) keepCells(x, canvas.free, plan.levels[step]!, z, epsilon)
  }
  const x =
    z && canvas.strength < 1
      ? mix(plan.levels[0]!, z, epsilon)
      : epsilon.map((value) => plan.initial * value)
  keep(x, 0)

  const told = await tellSides(order, meanings, noises, studio)
  const { batch } = spec
  const { signal } = order
  const options = { inputs, output, row, perPicture: 1, told, batch, signal }
  const ask = networkOf(await graphs.load(spec.decoder), options)
  const predict = withGuidance(ask, guidanceOf(guidance, schedule, order.guidance))

  async function* places(): AsyncGenerator<Place, void> {
    let step = 0
    for await (const place of plan.sample({ x, predict, noise })) {
      keep(place.x, ++step)
      yield place
    }
  }
  return { steps: plan.levels.length - 1, places: places() }
}

/** What the decoder is told, with the embeddings as it takes them. */
function tellSides(
  { variation = 0, guidance, seeds }: DrawOrder,
  { wanted, unwanted, nothing }: Meanings,
  noises: readonly Noise[],
  { spec, graphs }: Studio,
): Promise<Record<Side, Telling>> {
  const taken = (plain: readonly Float32Array[] | undefined, amount: number) =>
    plain?.map((one, i) => {
      return forDecoder(one, spec.embedding!, amount, () => noises[i]!.normals(one.length))
    })
  const { decoder } = spec
  return tellDecoder(
    { text: wanted.text, embeddings: taken(wanted.embeddings, variation), noise: variation },
    unwanted && { text: unwanted.text, embeddings: taken(unwanted.embeddings, 0), noise: 0 },
    { spec, graphs, pictures: seeds.length, scale: guidance ?? decoder.guidance.scale, nothing },
  )
}
