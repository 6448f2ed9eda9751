// The prior of unCLIP (Ramesh et al. 2022, section 2.2): from the embedding of a text to embeddings of
// pictures that it may describe.
import { dot, type UnitVector } from '../core/vector.ts'
import { unstandardise } from './embedding-space.ts'
import type { Graphs } from './graphs.ts'
import { guidanceOf, withGuidance } from './guidance.ts'
import { joined, networkOf, number, vector } from './network.ts'
import type { Noise } from './noise.ts'
import type { DiffusionPrior, PipelineSpec } from './pipeline-manifest.ts'
import { planSampler } from './plan.ts'

interface Order {
  readonly spec: PipelineSpec
  readonly graphs: Graphs
  /** One for each picture. */
  readonly noises: readonly Noise[]
  readonly signal: AbortSignal | undefined
}

/** For each picture an embedding that goes with the text. */
export async function imagine(text: UnitVector, order: Order): Promise<UnitVector[]> {
  const { spec, noises } = order
  if (spec.prior.kind === 'diffusion') return sample(text, spec.prior, order)
  const graph = await order.graphs.load(spec.prior)
  const { inputs, output } = spec.prior
  const feeds = [{ input: inputs.text, row: [text.length], data: text }]
  const [answer] = await graph.run(feeds, 1, [output])
  const embedding = unstandardise(answer!.data, spec.embedding)
  return noises.map(() => embedding)
}

/**
 * Takes the noise that `imagine` would, for pictures whose embedding is given: so their decoder
 * begins with the same noise, and a picture can be drawn again from its embedding and its seed.
 */
export function skipImagining({ prior, embedding }: PipelineSpec, noises: readonly Noise[]): void {
  if (prior.kind !== 'diffusion') return
  const { draws } = planSampler(prior.schedule, prior.prediction, prior.schedule.steps)
  for (const noise of noises) {
    for (let i = 0; i <= draws; i++) noise.normals(prior.samples * embedding.dimension)
  }
}

/** Several samples for each picture; the one nearest to the text is taken. */
async function sample(
  text: UnitVector,
  prior: DiffusionPrior,
  order: Order,
): Promise<UnitVector[]> {
  const { spec, graphs, noises, signal } = order
  const { dimension } = spec.embedding
  const told = { text: vector(text), keep: number(1) }
  const ask = networkOf(await graphs.load(prior), {
    inputs: prior.inputs,
    output: prior.output,
    row: [dimension],
    perPicture: prior.samples,
    told: { wanted: told, unwanted: { ...told, keep: number(0) } },
    batch: spec.batch,
    signal,
  })
  const { schedule } = prior
  const plan = planSampler(schedule, prior.prediction, schedule.steps)
  const noise = () => joined(noises.map((one) => one.normals(prior.samples * dimension)))
  let x: Float32Array = noise().map((value) => plan.initial * value)
  const predict = withGuidance(ask, guidanceOf(prior.guidance, schedule))
  for await (const place of plan.sample({ x, predict, noise })) x = place.x

  return noises.map((_, picture) => {
    const samples = Array.from({ length: prior.samples }, (_, i) => {
      const at = (picture * prior.samples + i) * dimension
      return unstandardise(x.subarray(at, at + dimension), spec.embedding)
    })
    return samples.reduce((best, one) => (dot(one, text) > dot(best, text) ? one : best))
  })
}
