// What a decoder is told about each picture, and about what to stay away from.
import type { FloatTensor } from '../models/session.ts'
import type { Graphs } from './graphs.ts'
import type { Side } from './guidance.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'
import type { Project } from './pipeline-parts.ts'
import { feedsOf, joined, number, rowsOf, type Telling, vector, vectors } from './told.ts'

/** What is known about one side of all pictures. */
export interface Known {
  readonly text: Telling
  /** As the decoder takes them, where it takes any. */
  readonly embeddings: readonly Float32Array[] | undefined
  /** How much noise these were given. */
  readonly noise: number
}

interface TellOptions {
  readonly spec: PipelineSpec
  readonly graphs: Graphs
  readonly pictures: number
  /** Of guidance. */
  readonly scale: number
  /** What is known of no text at all. */
  readonly nothing: Telling
}

/** Without anything unwanted, it is nothing that is stayed away from. */
export async function tellDecoder(
  wanted: Known,
  unwanted: Known | undefined,
  options: TellOptions,
): Promise<Record<Side, Telling>> {
  const { mode, nothing: zero } = options.spec.decoder.guidance
  const wantedTold = await tell(wanted, 1, options)
  if (mode !== 'keep' && mode !== 'concat') return { wanted: wantedTold, unwanted: wantedTold }
  if (unwanted) return { wanted: wantedTold, unwanted: await tell(unwanted, 1, options) }
  if (mode === 'keep') return { wanted: wantedTold, unwanted: await tell(wanted, 0, options) }
  const nothing: Known = {
    text: options.nothing,
    embeddings: wanted.embeddings?.map((one) => Float32Array.from(zero ?? one.map(() => 0))),
    noise: 0,
  }
  return { wanted: wantedTold, unwanted: await tell(nothing, 0, options) }
}

async function tell(
  { text, embeddings, noise }: Known,
  keep: number,
  options: TellOptions,
): Promise<Telling> {
  const { spec, scale } = options
  const known = {
    ...text,
    ...(embeddings && { embedding: vectors(embeddings) }),
    noise: number(noise),
    keep: number(keep),
    guidance: vector(waves(scale, spec.decoder.guidance.dimension ?? 256)),
  }
  if (!spec.project) return known
  return { ...known, ...(await runProject(spec.project, known, options)) }
}

async function runProject(
  project: Project,
  known: Telling,
  { spec, graphs, pictures }: TellOptions,
): Promise<Telling> {
  const graph = await graphs.load(project)
  const outputs = Object.entries(project.outputs).filter((pair): pair is [string, string] => {
    return pair[1] !== undefined
  })
  const names = outputs.map(([, name]) => name)
  const answers: FloatTensor[][] = []
  for (let from = 0; from < pictures; from += spec.batch) {
    const rows = Math.min(spec.batch, pictures - from)
    const who = Array.from({ length: rows }, (_, i) => ({ telling: known, picture: from + i }))
    answers.push(
      await graph.run(feedsOf(project.inputs, Object.keys(project.inputs), who), rows, names),
    )
  }
  const told = outputs.map(([role], i) => {
    const data = joined(answers.map((answer) => answer[i]!.data))
    return [role, rowsOf({ data, dims: [pictures, ...answers[0]![i]!.dims.slice(1)] })] as const
  })
  return Object.fromEntries(told)
}

/**
 * The scale as latent consistency models take it (Luo et al. 2023, section 4.2): sines and cosines of
 * falling frequencies, of 1000 times what it exceeds 1 by.
 */
function waves(scale: number, dimension: number): Float32Array {
  const half = dimension / 2
  return new Float32Array(dimension).map((_, i) => {
    const angle = 1000 * (scale - 1) * Math.exp((-Math.log(10_000) * (i % half)) / (half - 1))
    return i < half ? Math.sin(angle) : Math.cos(angle)
  })
}
