// One order drawn: condition → embeddings → latents, step by step → pictures. All pictures take each
// step together; what is random comes from each one's own noise, in this order: the prior's noise, the
// noise that the drawing begins with, that of the variation, that of the steps.
import type { UnitVector } from '../core/vector.ts'
import type { EmbedTexts } from '../models/clip.ts'
import { type Canvas, freeCells, keepCells, paste, stretch } from './canvas.ts'
import { decodeLatents, encodePicture, latentRow, repeated } from './codec.ts'
import { standardise, stray } from './embedding-space.ts'
import type { Graphs } from './graphs.ts'
import { guidanceOf, type Side, withGuidance } from './guidance.ts'
import { joined, networkOf, number, type Telling, vectors } from './network.ts'
import { Noise } from './noise.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'
import { planSampler } from './plan.ts'
import { mix } from './prediction.ts'
import { imagine, skipImagining } from './prior.ts'
import type { Condition, DrawEvent, Drawing, DrawOrder } from './types.ts'

/** Steps from one preview to the next. */
const PREVIEW_EVERY = 4

export interface Studio {
  readonly spec: PipelineSpec
  readonly graphs: Graphs
  readonly embedTexts: EmbedTexts
}

/** Draws an order that has been checked. */
export async function* drawPictures(
  studio: Studio,
  order: DrawOrder,
): AsyncGenerator<DrawEvent, Drawing[]> {
  const { spec, graphs } = studio
  const { seeds, signal, start } = order
  const { schedule, prediction, guidance } = spec.decoder
  const steps = order.steps ?? schedule.steps
  const noises = noisesOf(seeds)
  const embeddings = await embeddingsOf(order.condition, noises, studio, signal)
  const unwanted =
    order.negative && (await embeddingsOf(order.negative, noisesOf(seeds), studio, signal))

  const canvas = start && stretch(start, spec.size)
  const z = canvas && repeated(await encodePicture(canvas.picture, studio), seeds.length)
  const free = canvas?.mask && freeCells(canvas.mask, spec.size, spec.codec.downscale)

  const row = latentRow(spec)
  const size = row[0] * row[1] * row[2]
  const noise = () => joined(noises.map((one) => one.normals(size)))
  const plan = planSampler(schedule, prediction, steps, start?.strength)
  const epsilon = noise()
  let x =
    z && start.strength < 1
      ? mix(plan.levels[0]!, z, epsilon)
      : epsilon.map((value) => plan.initial * value)
  if (z && free) keepCells(x, free, plan.levels[0]!, z, epsilon)

  const ask = networkOf(await graphs.load(spec.decoder), {
    inputs: spec.decoder.inputs,
    output: spec.decoder.output,
    row,
    perPicture: 1,
    told: tell(spec, embeddings, unwanted, order.variation ?? 0, noises),
    batch: spec.batch,
    signal,
  })
  const predict = withGuidance(ask, guidanceOf(guidance, schedule, order.guidance))
  const finish = (latents: Float32Array) => decodePictures(latents, canvas, studio, signal)

  let step = 0
  const total = plan.levels.length - 1
  for await (const place of plan.sample({ x, predict, noise })) {
    step++
    x = place.x
    if (z && free) keepCells(x, free, plan.levels[step]!, z, epsilon)
    const isPreviewed = step % PREVIEW_EVERY === 0 && step < total && !spec.sequential
    yield {
      type: 'step',
      step,
      steps: total,
      ...(isPreviewed && { previews: await finish(place.z) }),
    }
    signal?.throwIfAborted()
  }
  const pictures = await finish(x)
  return pictures.map((picture, i) => ({ seed: seeds[i]!, picture, embedding: embeddings[i]! }))
}

const noisesOf = (seeds: readonly number[]) => seeds.map((seed) => new Noise(seed))

/** What each picture is to show, before anything strays from it. */
async function embeddingsOf(
  condition: Condition,
  noises: readonly Noise[],
  { spec, graphs, embedTexts }: Studio,
  signal: AbortSignal | undefined,
): Promise<UnitVector[]> {
  if ('embedding' in condition) {
    skipImagining(spec, noises)
    return noises.map(() => condition.embedding)
  }
  signal?.throwIfAborted()
  const [meaning] = 'text' in condition ? await embedTexts([condition.text]) : [condition.meaning]
  return imagine(meaning!, { spec, graphs, noises, signal })
}

/** What the decoder is told about each picture, and about what to stay away from. */
function tell(
  spec: PipelineSpec,
  embeddings: readonly UnitVector[],
  unwanted: readonly UnitVector[] | undefined,
  variation: number,
  noises: readonly Noise[],
): Record<Side, Telling> {
  const seen = embeddings.map((embedding, i) => {
    const standardised = standardise(embedding, spec.embedding)
    if (variation === 0) return standardised
    return stray(standardised, variation, noises[i]!.normals(standardised.length))
  })
  const wanted = { embedding: vectors(seen), noise: number(variation), keep: number(1) }
  if (!unwanted) return { wanted, unwanted: { ...wanted, keep: number(0) } }
  const away = vectors(unwanted.map((embedding) => standardise(embedding, spec.embedding)))
  return { wanted, unwanted: { embedding: away, noise: number(0), keep: number(1) } }
}

async function decodePictures(
  latents: Float32Array,
  canvas: Canvas | undefined,
  studio: Studio,
  signal: AbortSignal | undefined,
) {
  const pictures = await decodeLatents(latents, { ...studio, signal })
  return canvas ? pictures.map((picture) => paste(picture, canvas)) : pictures
}
