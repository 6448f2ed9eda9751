// pipeline.json: the files of a pipeline, its parts, and what cannot be true of them at once.
import { z } from 'zod'
import { messageOf } from '../core/errors.ts'
import { fileDigests, modelName, type ModelFiles, readJson } from '../models/manifest.ts'
import * as parts from './pipeline-parts.ts'
import type { Graph, TextEncoder } from './pipeline-parts.ts'
import { planSampler } from './plan.ts'

export const PIPELINE_MANIFEST = 'pipeline.json'

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
    /** Where pictures are drawn from embeddings; without it, from texts alone. */
    embedding: parts.embedding.optional(),
    /** `search`: texts are embedded by the search engine's own CLIP. */
    text: z.union([z.literal('search'), parts.text]),
    prior: parts.prior.optional(),
    project: parts.project.optional(),
    decoder: parts.decoder,
    codec: parts.codec,
    upsampler: parts.upsampler.optional(),
    /** Of the pictures that come out. */
    size: z.object({ widthPx: side, heightPx: side }),
    /** Pictures a run of a network. */
    batch: z.number().int().min(1).max(8).default(8),
    /** One network in memory at a time. */
    sequential: z.boolean().default(false),
  })
  .superRefine((pipeline, context) => {
    for (const message of contradictions(pipeline)) context.addIssue({ code: 'custom', message })
  })

type Manifest = z.infer<typeof manifest>

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
function graphsOf({ text, prior, project, decoder, codec, upsampler }: Manifest): Graph[] {
  const encoder = text === 'search' ? undefined : text
  const all = [encoder, prior, project, decoder, codec.decode, codec.encode, upsampler]
  return [...all, upsampler?.last].filter((graph) => graph !== undefined)
}

export function tokenizerFiles({ tokenizer: { folder } }: TextEncoder): string[] {
  return ['tokenizer.json', 'tokenizer_config.json'].map((name) => `${folder}/${name}`)
}

/** What cannot be true at once. */
function* contradictions(pipeline: Manifest): Generator<string> {
  const { files, embedding, prior, decoder, codec, size, text, upsampler } = pipeline
  for (const name of Object.keys(files)) {
    // Manifests may come from strangers, and files are read where they point.
    if (/^\/|\\|:|(^|\/)\.{0,2}(\/|$)/.test(name)) yield `files: ${name} must lie below the folder`
  }
  for (const { file, external } of graphsOf(pipeline)) {
    for (const name of [file, ...external]) if (!files[name]) yield `files must list ${name}`
  }
  if (text !== 'search') {
    for (const name of tokenizerFiles(text)) if (!files[name]) yield `files must list ${name}`
  }
  const numbers = {
    'embedding.mean': embedding?.mean,
    'embedding.std': embedding?.std,
    'decoder.guidance.nothing': decoder.guidance.nothing,
  }
  for (const [name, list] of Object.entries(numbers)) {
    if (embedding && list && list.length !== embedding.dimension) {
      yield `${name} must have ${embedding.dimension} numbers`
    }
  }
  if (Boolean(embedding) !== Boolean(prior)) yield 'embedding and prior go together'
  const takers = [decoder, ...(pipeline.project ? [pipeline.project] : [])]
  if (takers.some(({ inputs }) => inputs.embedding) !== Boolean(embedding)) {
    yield 'what is drawn from embeddings needs an input embedding, and the other way round'
  }
  if (text === 'search' && !prior) yield 'text cannot be search without a prior'
  for (const [name, net] of Object.entries({ prior, decoder, upsampler })) {
    if (net && 'schedule' in net) yield* sampling(name, net)
  }
  yield* untold(pipeline)
  const cell = codec.downscale * (upsampler?.factor ?? 1)
  if (size.widthPx % cell !== 0 || size.heightPx % cell !== 0) {
    yield `size must be a multiple of ${cell}`
  }
}

/** What is wrong with how a network is sampled. */
function* sampling(
  name: string,
  { schedule, prediction }: Pick<Manifest['decoder'], 'schedule' | 'prediction'>,
): Generator<string> {
  const flow = schedule.type === 'flow'
  if (prediction === 'velocity' ? !flow : flow && prediction !== 'sample') {
    yield `${name}.prediction cannot be ${prediction} on a ${schedule.type} schedule`
    return
  }
  try {
    planSampler(schedule, prediction, schedule.steps)
  } catch (error) {
    yield `${name}.schedule: ${messageOf(error)}`
  }
}

/** Inputs about which nobody has anything to tell. */
function* untold({ text, prior, project, decoder }: Manifest): Generator<string> {
  const given = ({ outputs }: { outputs: object }) =>
    Object.entries(outputs).flatMap(([role, output]) => (output === undefined ? [] : [role]))
  const known = [
    'sample',
    'time',
    'keep',
    ...(text === 'search' ? ['text'] : ['mask', ...given(text)]),
  ]
  const more = [...known, 'embedding', 'noise', 'guidance']
  const readers = [
    ['prior', prior?.inputs, known],
    ['project', project?.inputs, more],
    ['decoder', decoder.inputs, project ? [...more, ...given(project)] : more],
  ] as const
  for (const [name, inputs = {}, told] of readers) {
    for (const [role, input] of Object.entries(inputs)) {
      if (input !== undefined && !told.includes(role))
        yield `${name}.inputs.${role} is told nothing`
    }
  }
  const isKept = decoder.inputs.keep ?? project?.inputs.keep
  if (decoder.guidance.mode === 'keep' && !isKept) yield 'decoder.guidance needs an input keep'
  const isPriorKept = prior?.kind !== 'diffusion' || prior.inputs.keep || prior.guidance.scale === 1
  if (!isPriorKept && prior.guidance.mode === 'keep') yield 'prior.guidance needs an input keep'
}
