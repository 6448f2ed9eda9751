// One order drawn: condition → embeddings → latents, step by step → pictures. All pictures take each
// step together; what is random comes from each one's own noise, in this order: the prior's noise, the
// noise that the drawing begins with, that of the variation, that of the steps, the upsampler's.
import { freeCells, keepCells, paste, resize, stretch } from './canvas.ts'
import { codecSize, decodeLatents, encodePicture, latentRow, toRaster } from './codec.ts'
import { type Meanings, noisesOf, type Studio, understand } from './conditions.ts'
import { forDecoder, toUnit } from './embedding-space.ts'
import { guidanceOf, type Side, withGuidance } from './guidance.ts'
import { networkOf } from './network.ts'
import type { Noise } from './noise.ts'
import { planSampler } from './plan.ts'
import { mix } from './prediction.ts'
import { tellDecoder } from './tell.ts'
import { divided, joined, type Telling } from './told.ts'
import type { DrawEvent, Drawing, DrawOrder } from './types.ts'
import { upsample } from './upsample.ts'

/** Steps from one preview to the next. */
const PREVIEW_EVERY = 4

/** Draws an order that has been checked. */
export async function* drawPictures(
  studio: Studio,
  order: DrawOrder,
): AsyncGenerator<DrawEvent, Drawing[]> {
  const { spec, graphs } = studio
  const { seeds, signal, start } = order
  const { decoder, size, upsampler, embedding } = spec
  const noises = noisesOf(seeds)
  const meanings = await understand(order, noises, studio)

  const canvas = start && stretch(start, size)
  const small = canvas && resize(canvas.picture, codecSize(spec), 'cubic')
  const latent = small && (await encodePicture(small, studio))
  const z = latent && joined(seeds.map(() => latent))
  const cellPx = spec.codec.downscale * (upsampler?.factor ?? 1)
  const free = canvas?.mask && freeCells(canvas.mask, size, cellPx)

  const row = latentRow(spec)
  const noise = () => joined(noises.map((one) => one.normals(row[0] * row[1] * row[2])))
  const epsilon = noise()
  const steps = order.steps ?? decoder.schedule.steps
  const plan = planSampler(decoder.schedule, decoder.prediction, steps, start?.strength)
  let x =
    z && start.strength < 1
      ? mix(plan.levels[0]!, z, epsilon)
      : epsilon.map((value) => plan.initial * value)
  if (z && free) keepCells(x, free, plan.levels[0]!, z, epsilon)

  const told = await tellSides(order, meanings, noises, studio)
  const ask = networkOf(await graphs.load(decoder), {
    ...{ inputs: decoder.inputs, output: decoder.output, row, perPicture: 1, told, signal },
    batch: spec.batch,
  })
  const predict = withGuidance(ask, guidanceOf(decoder.guidance, decoder.schedule, order.guidance))

  const decode = (latents: Float32Array) =>
    decodeLatents(divided(latents, seeds.length), { spec, graphs, signal })
  const finish = (planes: readonly Float32Array[]) => {
    const pictures = planes.map((one) => toRaster(one, size, spec.codec.range))
    return canvas ? pictures.map((picture) => paste(picture, canvas)) : pictures
  }

  let step = 0
  const drawn = plan.levels.length - 1
  const total = drawn + (upsampler?.schedule.steps ?? 0)
  for await (const place of plan.sample({ x, predict, noise })) {
    step++
    x = place.x
    if (z && free) keepCells(x, free, plan.levels[step]!, z, epsilon)
    const isShown = step % PREVIEW_EVERY === 0 && step < drawn && !spec.sequential && !upsampler
    const previews = isShown ? { previews: finish(await decode(place.z)) } : {}
    yield { type: 'step', step, steps: total, ...previews }
    signal?.throwIfAborted()
  }
  let planes = await decode(x)
  if (upsampler) {
    const larger = upsample(planes, noises, upsampler, { spec, graphs, signal })
    for (;;) {
      const next = await larger.next()
      step++
      yield { type: 'step', step, steps: total }
      signal?.throwIfAborted()
      if (!next.done) continue
      planes = next.value
      break
    }
  }
  return finish(planes).map((picture, i) => {
    const plain = meanings.wanted.embeddings?.[i]
    return { seed: seeds[i]!, picture, embedding: plain ? toUnit(plain, embedding!) : null }
  })
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
