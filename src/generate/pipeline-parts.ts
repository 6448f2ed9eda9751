// The parts of pipeline.json: which tensor of a graph plays which role, and how a network is sampled.
// Element types and ranks are what the graphs themselves declare.
import { z } from 'zod'

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

export const schedule = z.discriminatedUnion('type', [
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

export const guidance = z.strictObject({
  /**
   * `keep`: an input of the graph chooses what it learned for "nothing". `concat`: "nothing" is other
   * values of the same inputs. `w-embed`: the scale is an input, and one row suffices.
   */
  mode: z.enum(['keep', 'concat', 'w-embed', 'none']),
  scale: z.number().min(0).max(50),
  /** `concat`: the embedding that stands for nothing; zeros where it is not given. */
  nothing: z.array(z.number()).optional(),
  /** `w-embed`: how many sines and cosines; 256 when not given. */
  dimension: z.number().int().positive().multipleOf(2).optional(),
  /** Guided between these times only (Kynkäänniemi et al. 2024); parts of the way, 0 to 1. */
  interval: z.tuple([z.number(), z.number()]).optional(),
})

/** What an encoder says about a text. */
const textRoles = {
  /** One vector for the whole. */
  text: input.optional(),
  /** One for each token, and which of them are tokens of the text. */
  hidden: input.optional(),
  mask: input.optional(),
}

export const prior = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('diffusion'),
    ...graph,
    inputs: z.strictObject({ sample: input, time: input, ...textRoles, keep: input.optional() }),
    output,
    prediction,
    schedule,
    /** A number is the scale of `keep`. */
    guidance: z
      .union([z.number().min(0).max(50), guidance])
      .transform((it) =>
        typeof it === 'number' ? guidance.parse({ mode: 'keep', scale: it }) : it,
      )
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

/** What a decoder may be told about a picture. */
const toldRoles = {
  ...textRoles,
  embedding: input.optional(),
  /** How much noise the embedding was given, 0 to 1. */
  noise: input.optional(),
  keep: input.optional(),
  /** The scale of guidance, where that is an input: its sines and cosines. */
  guidance: input.optional(),
}

export const decoder = z.object({
  ...graph,
  inputs: z.strictObject({ sample: input, time: input, ...toldRoles, labels: input.optional() }),
  output,
  prediction,
  schedule,
  guidance,
})

/** Makes of what is known what the decoder is told, once for each picture. */
export const project = z.object({
  ...graph,
  inputs: z.strictObject(toldRoles),
  outputs: z.strictObject({
    hidden: output.optional(),
    mask: output.optional(),
    labels: output.optional(),
  }),
})

/** A diffusion model of its own that draws the picture again, larger. */
export const upsampler = z.object({
  ...graph,
  /** For the last step, where it has another network. */
  last: z.object(graph).optional(),
  /** `sample` is given noise and, behind it, the enlarged picture. */
  inputs: z.strictObject({ sample: input, time: input }),
  output,
  prediction,
  schedule,
  factor: z.number().int().min(2).max(16),
})

export const text = z.object({
  ...graph,
  inputs: z.strictObject({ ids: input, mask: input.optional() }),
  outputs: z.strictObject({ text: output.optional(), hidden: output.optional() }),
  tokenizer: z.object({
    /** Holds tokenizer.json and tokenizer_config.json. */
    folder: z.string(),
    contextLength: z.number().int().min(2),
    endId: z.number().int().min(0),
    padId: z.number().int().min(0),
  }),
})

export const codec = z.object({
  /** Without it the latent is the picture. */
  decode: z.object({ ...graph, input, output }).optional(),
  /** Of twice as many channels it is taken for mean and variance, and the mean is used. */
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

export const embedding = z.object({
  /** The model whose vectors these are, and their recipe. */
  space: z.string(),
  recipe: z.string().optional(),
  dimension: z.number().int().positive(),
  /** The networks see (e - mean) / std. */
  mean: z.array(z.number()),
  std: z.array(z.number().positive()),
  /** Whether all of them have length 1. */
  unit: z.boolean().default(true),
  /** How the decoder takes them. */
  decoder: z.enum(['standardised', 'plain']).default('standardised'),
})

export type Schedule = z.infer<typeof schedule>
export type Guidance = z.infer<typeof guidance>
export type GraphInput = z.infer<typeof input>
export type Prior = z.infer<typeof prior>
export type DiffusionPrior = Extract<Prior, { kind: 'diffusion' }>
export type Project = z.infer<typeof project>
export type Graph = z.infer<z.ZodObject<typeof graph>>
export type TextEncoder = z.infer<typeof text>
export type EmbeddingSpace = z.infer<typeof embedding>
export type Upsampler = z.infer<typeof upsampler>
