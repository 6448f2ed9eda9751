// Pictures drawn again by a diffusion model that sees them enlarged (Ramesh et al. 2022, section 2.1).
import type { CodecOptions } from './codec.ts'
import { codecSize } from './codec.ts'
import { enlarge } from './enlarge.ts'
import { networkOf } from './network.ts'
import type { Noise } from './noise.ts'
import type { Graph, Upsampler } from './pipeline-parts.ts'
import { planSampler } from './plan.ts'
import { clip, type Predict } from './prediction.ts'
import { divided, joined } from './told.ts'

/** [3, h, w] each, between -1 and 1 → so many times larger, as they are after each step. */
export async function* upsample(
  planes: readonly Float32Array[],
  noises: readonly Noise[],
  upsampler: Upsampler,
  { spec, graphs, signal }: CodecOptions,
): AsyncGenerator<Float32Array[], void> {
  const { schedule, prediction, factor, last } = upsampler
  const { widthPx, heightPx } = codecSize(spec)
  const row = [3, heightPx * factor, widthPx * factor]
  const large = planes.map((one) => enlarge(clip(one.slice(), 1), widthPx, heightPx, factor))
  const told = { wanted: {}, unwanted: {} }
  const behind = { row, of: (picture: number) => large[picture]! }
  const { inputs, output } = upsampler
  const common = { inputs, output, row, behind, perPicture: 1, told, batch: spec.batch, signal }
  const askOf = async (graph: Graph) => networkOf(await graphs.load(graph), common)

  const plan = planSampler(schedule, prediction, schedule.steps)
  const predict: Predict = async (x, time, step) => {
    const ask = await askOf(last && step === plan.levels.length - 2 ? last : upsampler)
    return (await ask(x, time, ['wanted']))[0]!
  }
  const noise = () => joined(noises.map((one) => one.normals(large[0]!.length)))
  const x = noise().map((value) => plan.initial * value)
  for await (const place of plan.sample({ x, predict, noise })) {
    yield divided(place.x, planes.length)
  }
}
