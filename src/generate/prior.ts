// The prior of unCLIP (Ramesh et al. 2022, section 2.2): from a text to embeddings of pictures that it
// may describe.
import { dot } from '../core/vector.ts'
import { toUnit, unstandardise } from './embedding-space.ts'
import type { Graphs } from './graphs.ts'
import { guidanceOf, withGuidance } from './guidance.ts'
import { networkOf } from './network.ts'
import type { Noise } from './noise.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'
import type { DiffusionPrior, EmbeddingSpace, Prior } from './pipeline-parts.ts'
import { planSampler } from './plan.ts'
import { divided, feedsOf, joined, number, type Telling } from './told.ts'

export interface PriorOptions {
  readonly spec: PipelineSpec
  readonly prior: Prior
  readonly space: EmbeddingSpace
  readonly graphs: Graphs
  /** What is known of no text at all. */
  readonly nothing: Telling
  readonly signal: AbortSignal | undefined
}

/** For each picture, each with its own noise, an embedding that goes with the text. */
export async function imagine(
  text: Telling,
  noises: readonly Noise[],
  options: PriorOptions,
): Promise<Float32Array[]> {
  const { prior, space, graphs } = options
  if (prior.kind === 'diffusion') return sample(text, noises, prior, options)
  const graph = await graphs.load(prior)
  const feeds = feedsOf(prior.inputs, ['text'], [{ telling: text, picture: 0 }])
  const [answer] = await graph.run(feeds, 1, [prior.output])
  const embedding = unstandardise(answer!.data, space)
  return noises.map(() => embedding)
}

/**
 * Takes the noise that `imagine` would, for pictures whose embedding is given: so their decoder
 * begins with the same noise, and a picture can be drawn again from its embedding and its seed.
 */
export function skipImagining(prior: Prior, dimension: number, noises: readonly Noise[]): void {
  if (prior.kind !== 'diffusion') return
  const { draws } = planSampler(prior.schedule, prior.prediction, prior.schedule.steps)
  for (const noise of noises) {
    for (let i = 0; i <= draws; i++) noise.normals(prior.samples * dimension)
  }
}

/** Several samples for each picture; the one nearest to the text is taken. */
async function sample(
  text: Telling,
  noises: readonly Noise[],
  prior: DiffusionPrior,
  { spec, space, graphs, nothing, signal }: PriorOptions,
): Promise<Float32Array[]> {
  const { schedule, prediction, guidance, samples } = prior
  const without = guidance.mode === 'concat' ? nothing : text
  const ask = networkOf(await graphs.load(prior), {
    inputs: prior.inputs,
    output: prior.output,
    row: [space.dimension],
    perPicture: samples,
    told: { wanted: { ...text, keep: number(1) }, unwanted: { ...without, keep: number(0) } },
    batch: spec.batch,
    signal,
  })
  const plan = planSampler(schedule, prediction, schedule.steps)
  const noise = () => joined(noises.map((one) => one.normals(samples * space.dimension)))
  let x: Float32Array = noise().map((value) => plan.initial * value)
  const predict = withGuidance(ask, guidanceOf(guidance, schedule))
  for await (const place of plan.sample({ x, predict, noise })) x = place.x

  return divided(x, noises.length).map((standardised) => {
    const found = divided(standardised, samples).map((one) => unstandardise(one, space))
    if (!text.text) return found[0]!
    const aim = text.text.of(0)
    const nearness = (one: Float32Array) => dot(toUnit(one, space), aim)
    return found.reduce((best, one) => (nearness(one) > nearness(best) ? one : best))
  })
}
