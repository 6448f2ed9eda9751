// What an order says is to be drawn, and what to stay away from: texts are encoded, and the prior finds
// embeddings for them.
import { fromUnit } from './embedding-space.ts'
import type { Graphs } from './graphs.ts'
import { Noise } from './noise.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'
import { imagine, skipImagining } from './prior.ts'
import type { EncodeText } from './text-encoder.ts'
import { type Telling, vector } from './told.ts'
import type { Condition, DrawOrder } from './types.ts'

/** An open pipeline's parts. */
export interface Studio {
  readonly spec: PipelineSpec
  readonly graphs: Graphs
  readonly encodeText: EncodeText
}

/** One side of an order. */
export interface Meaning {
  /** What is known of its text, or of none. */
  readonly text: Telling
  /** Plain, for each picture, where the pipeline draws from embeddings. */
  readonly embeddings: readonly Float32Array[] | undefined
}

export interface Meanings {
  readonly wanted: Meaning
  readonly unwanted: Meaning | undefined
  /** What is known of no text at all; empty where nobody asks. */
  readonly nothing: Telling
}

/** Takes from the noise of each picture what the prior needs. */
export async function understand(
  order: DrawOrder,
  noises: readonly Noise[],
  studio: Studio,
): Promise<Meanings> {
  const { condition, negative, seeds, signal } = order
  // All texts first: then large networks follow each other, and none is loaded twice.
  const nothing = needsNothing(studio.spec) ? await studio.encodeText('') : {}
  const read = async (condition: Condition): Promise<Telling> => {
    signal?.throwIfAborted()
    if ('meaning' in condition) return { text: vector(condition.meaning) }
    return 'text' in condition ? studio.encodeText(condition.text) : nothing
  }
  const wanted = await read(condition)
  const unwanted = negative && (await read(negative))

  const { spec, graphs } = studio
  const { prior, embedding: space } = spec
  const mean = async (condition: Condition, text: Telling, noises: readonly Noise[]) => {
    if (!prior || !space) return { text, embeddings: undefined }
    if ('embedding' in condition) {
      skipImagining(prior, space.dimension, noises)
      return { text, embeddings: noises.map(() => fromUnit(condition.embedding, space)) }
    }
    const options = { spec, prior, space, graphs, nothing, signal }
    return { text, embeddings: await imagine(text, noises, options) }
  }
  return {
    wanted: await mean(condition, wanted, noises),
    // With noise of its own, so that what is wanted begins with the same noise in any case.
    unwanted: negative && (await mean(negative, unwanted!, noisesOf(seeds))),
    nothing,
  }
}

export const noisesOf = (seeds: readonly number[]) => seeds.map((seed) => new Noise(seed))

/** Whether the encoding of an empty text may be asked for. */
function needsNothing({ prior, decoder, project }: PipelineSpec): boolean {
  const concat = [prior, decoder].some((net) => {
    return net && 'guidance' in net && net.guidance.mode === 'concat'
  })
  const readers = [decoder.inputs, project?.inputs]
  return concat || readers.some((inputs) => inputs?.text || inputs?.hidden)
}
