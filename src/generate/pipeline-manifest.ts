// pipeline.json: which files a pipeline consists of, which tensor of a graph plays which role, and how
// it is sampled. Element types and ranks are what the graphs themselves declare.
import { z } from 'zod'
import { fileDigests, modelName, type ModelFiles, readJson } from '../models/manifest.ts'

export const PIPELINE_MANIFEST = 'pipeline.json'

/** A tensor's name; `shared` where the graph takes one value for all rows. */
const input = z.union([
  z.string().min(1),
  z.strictObject({ name: z.string().min(1), shared: z.boolean().default(false) }),
])
const output = z.string().min(1)

const graph = {
  file: z.string(),
  /** Weights beside the graph. */ external: z.array(z.string()).default([]),
}

const prediction = z.enum(['sample', 'epsilon', 'velocity', 'v_prediction'])

const betas = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.enum(['linear', 'scaled_linear']),
    start: z.number().positive(),
    end: z.number().positive().max(1),
  }),
  z.strictObject({ type: z.literal('cosine') }),
])

const steps = z.number().int().min(1).max(1000)

const schedule = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('flow'),
    solver: z.enum(['euler', 'heun', 'dpmpp2m']),
    steps,
    /** The time of pure noise; a little less than 1, where λ is infinite. */
    start: z.number().positive().max(1).default(0.999),
  }),
  z.strictObject({
    type: z.literal('diffusion'),
    solver: z.enum(['ddpm', 'unclip', 'ddim', 'dpmpp2m', 'euler', 'lcm']),
    steps,
    betas,
    trainSteps: z.number().int().min(2).default(1000),
    spacing: z.enum(['leading', 'linspace', 'trailing']).default('leading'),
    /** Added to the times of leading spacing. */
    offset: z.number().int().min(0).default(0),
    /** The predicted picture is kept within ± this. */
    clip: z.number().positive().nullable().default(null),
    variance: z.enum(['fixed_small', 'learned_range']).default('fixed_small'),
    /** DDIM: 0 adds no noise, 1 as much as DDPM. */
    eta: z.number().min(0).max(1).default(0),
    /** DDIM: ᾱ at the end. */
    finalAlphaBar: z.enum(['one', 'first']).default('one'),
    /** Euler and DPM++: where the levels lie. */
    sigmas: z.enum(['table', 'karras']).default('table'),
    /** LCM: the steps at which it was distilled. */
    originalSteps: z.number().int().positive().default(50),
  }),
])

const guidance = z.strictObject({
  /**
   * `keep`: an input of the graph chooses what it learned for "nothing". `concat`: "nothing" is other
   * values of the same inputs. `w-embed`: the scale is an input, and one row suffices.
   */
  mode: z.enum(['keep', 'concat', 'w-embed', 'none']),
  scale: z.number().min(0).max(50),
  /** Guided between these times only (Kynkäänniemi et al. 2024); parts of the way, 0 to 1. */
  interval: z.tuple([z.number(), z.number()]).optional(),
})

const prior = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('diffusion'),
    ...graph,
    inputs: z.strictObject({ sample: input, time: input, text: input, keep: input.optional() }),
    output,
    prediction,
    schedule,
    /** A number is the scale of `keep`. */
    guidance: z
      .union([z.number().min(0).max(50), guidance])
      .transform((it) => (typeof it === 'number' ? ({ mode: 'keep', scale: it } as const) : it))
      .default({ mode: 'none', scale: 1 }),
    /** Drawn for each picture; the one nearest to the text is taken. */
    samples: z.number().int().min(1).max(64).default(1),
  }),
  z.object({
    kind: z.literal('regression'),
    ...graph,
    inputs: z.strictObject({ text: input }),
    output,
  }),
])

const decoder = z.object({
  ...graph,
  inputs: z.strictObject({
    sample: input,
    time: input,
    embedding: input,
    /** How much noise the embedding was given. */
    noise: input.optional(),
    keep: input.optional(),
  }),
  output,
  prediction,
  schedule,
  guidance,
})

const codec = z.object({
  decode: z.object({ ...graph, input, output }),
  encode: z.object({ ...graph, input, output }).optional(),
  /** Of a latent. */
  channels: z.number().int().positive(),
  /** Pixels a side of a latent cell. */
  downscale: z.number().int().positive(),
  /** The decoder network works on (latent - shift) · scale. */
  scale: z.number().positive().default(1),
  shift: z.number().default(0),
  /** Of pixels. */
  range: z.tuple([z.number(), z.number()]).default([-1, 1]),
})

const embedding = z.object({
  /** The model whose vectors these are, and their recipe. */
  space: z.string(),
  recipe: z.string().optional(),
  dimension: z.number().int().positive(),
  /** The networks see (e - mean) / std. */
  mean: z.array(z.number()),
  std: z.array(z.number().positive()),
})

const side = z.number().int().positive().max(4096)

const manifest = z
  .object({
    schema: z.literal('lucida.pipeline/1'),
    name: modelName,
    title: z.string(),
    license: z.string(),
    files: fileDigests,
    /** onnxruntime session configuration entries, such as `session.disable_quant_qdq`. */
    sessionConfig: z.record(z.string(), z.string()).default({}),
    embedding,
    /** `search`: texts are embedded by the search engine's own CLIP. */
    text: z.literal('search'),
    prior,
    decoder,
    codec,
    size: z.object({ widthPx: side, heightPx: side }),
    /** Pictures a run of a network. */
    batch: z.number().int().min(1).max(8).default(8),
    /** One network in memory at a time. */
    sequential: z.boolean().default(false),
  })
  .superRefine((pipeline, context) => {
    for (const message of contradictions(pipeline)) context.addIssue({ code: 'custom', message })
  })

export type Manifest = z.infer<typeof manifest>
export type Schedule = z.infer<typeof schedule>
export type Guidance = z.infer<typeof guidance>
export type GraphInput = z.infer<typeof input>
export type Prior = z.infer<typeof prior>
export type DiffusionPrior = Extract<Prior, { kind: 'diffusion' }>
export type Graph = z.infer<z.ZodObject<typeof graph>>

/** Everything needed to draw with one pipeline. */
export interface PipelineSpec extends Manifest, ModelFiles {
  readonly files: Manifest['files']
}

/**
 * Reads a pipeline's folder. Throws `model_missing` without a manifest and `model_invalid` when it
 * does not say what it must.
 */
export async function readPipeline(directory: string): Promise<PipelineSpec> {
  return { ...(await readJson(directory, PIPELINE_MANIFEST, manifest)), directory }
}

/** The graphs that a pipeline runs. */
function graphsOf({ prior, decoder, codec }: Manifest): Graph[] {
  return [prior, decoder, codec.decode, ...(codec.encode ? [codec.encode] : [])]
}

/** What cannot be true at once. */
function* contradictions(pipeline: Manifest): Generator<string> {
  const { files, embedding, prior, decoder, codec, size } = pipeline
  for (const name of Object.keys(files)) {
    // Manifests may come from strangers, and files are read where they point.
    if (/^\/|\\|:|(^|\/)\.{0,2}(\/|$)/.test(name)) yield `files: ${name} must lie below the folder`
  }
  for (const { file, external } of graphsOf(pipeline)) {
    for (const name of [file, ...external]) if (!files[name]) yield `files must list ${name}`
  }
  for (const name of ['mean', 'std'] as const) {
    if (embedding[name].length !== embedding.dimension) {
      yield `embedding.${name} must have ${embedding.dimension} numbers`
    }
  }
  for (const [name, net] of [
    ['prior', prior],
    ['decoder', decoder],
  ] as const) {
    if (!('schedule' in net)) continue
    if (net.guidance.mode === 'keep' && net.guidance.scale !== 1 && !net.inputs.keep) {
      yield `${name}.guidance needs the input keep`
    }
    const flow = net.schedule.type === 'flow'
    if (net.prediction === 'velocity' ? !flow : flow && net.prediction !== 'sample') {
      yield `${name}.prediction cannot be ${net.prediction} on a ${net.schedule.type} schedule`
    }
  }
  if (size.widthPx % codec.downscale !== 0 || size.heightPx % codec.downscale !== 0) {
    yield `size must be a multiple of ${codec.downscale}`
  }
}
