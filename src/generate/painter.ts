// An open pipeline: orders are checked when they come and drawn one after the other.
import { availableParallelism } from 'node:os'
import { LucidaError } from '../core/errors.ts'
import { once } from '../core/once.ts'
import type { Provider } from '../core/provider.ts'
import type { EmbedTexts } from '../models/clip.ts'
import { checkOrder } from './check-order.ts'
import { noisesOf, understand } from './conditions.ts'
import { drawPictures } from './draw.ts'
import { toUnit } from './embedding-space.ts'
import { openGraphs } from './graphs.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'
import { openTextEncoder } from './text-encoder.ts'
import { openTrainingHashes } from './training-hashes.ts'
import type { DrawOrder, Painter, PainterSpec } from './types.ts'

export interface PainterOptions {
  /** For onnxruntime; 0 takes one per core. */
  readonly threads: number
  /** What the networks run on, the first choice first; the CPU by default. */
  readonly providers?: readonly Provider[]
  /** The search engine's own CLIP, of the pipeline's embedding space. */
  readonly embedTexts: EmbedTexts
}

/** Prepares a pipeline; its networks load at first use. */
export function openPainter(spec: PipelineSpec, options: PainterOptions): Painter {
  const graphs = openGraphs(spec, {
    threads: options.threads || availableParallelism(),
    providers: options.providers ?? ['cpu'],
  })
  const studio = { spec, graphs, encodeText: openTextEncoder(spec, graphs, options.embedTexts) }
  const takeTurn = openLine()
  const hashes = once(() => openTrainingHashes(spec))
  let closed = false
  const assertOpen = () => {
    if (closed) throw new LucidaError('internal', `${spec.name} is closed`)
  }
  return {
    spec: describe(spec),
    async *draw(order) {
      checkOrder(order, spec)
      const release = await takeTurn(order.signal)
      try {
        assertOpen()
        return yield* drawPictures(studio, order)
      } finally {
        release()
      }
    },
    recalls: async (perceptualHash) => (await hashes())(perceptualHash),
    async imagine(meaning, seed) {
      const order: DrawOrder = { condition: { meaning }, seeds: [seed] }
      checkOrder(order, spec)
      const release = await takeTurn(undefined)
      try {
        assertOpen()
        const { wanted } = await understand(order, noisesOf(order.seeds), studio)
        return toUnit(wanted.embeddings![0]!, spec.embedding!)
      } finally {
        release()
      }
    },
    async close() {
      closed = true
      await graphs.close()
    },
  }
}

function describe({ name, files, size, decoder, embedding, text }: PipelineSpec): PainterSpec {
  const isOurs = embedding && text === 'search'
  return {
    name,
    digests: Object.fromEntries(Object.entries(files).map(([file, { sha256 }]) => [file, sha256])),
    size,
    defaults: { steps: decoder.schedule.steps, guidance: decoder.guidance.scale },
    space: isOurs ? { model: embedding.space, recipe: embedding.recipe ?? null } : null,
  }
}

/** A line in which one waits for one's turn; the signal's reason ends the waiting. */
function openLine(): (signal: AbortSignal | undefined) => Promise<() => void> {
  let last = Promise.resolve()
  return async (signal) => {
    const before = last
    let release = () => {}
    const done = new Promise<void>((resolve) => (release = resolve))
    last = before.then(() => done)
    try {
      await orAborted(before, signal)
    } catch (error) {
      release()
      throw error
    }
    return release
  }
}

async function orAborted(turn: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason)
    signal?.addEventListener('abort', abort)
  })
  await Promise.race([turn, aborted]).finally(() => signal?.removeEventListener('abort', abort))
}
