// An open pipeline: orders are checked when they come and drawn one after the other.
import { availableParallelism } from 'node:os'
import type { EmbedTexts } from '../models/clip.ts'
import { checkOrder } from './check-order.ts'
import { drawPictures } from './draw.ts'
import { openGraphs } from './graphs.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'
import { openTextEncoder } from './text-encoder.ts'
import type { Painter } from './types.ts'

export interface PainterOptions {
  /** For onnxruntime; 0 takes one per core. */
  readonly threads: number
  /** The search engine's own CLIP, of the pipeline's embedding space. */
  readonly embedTexts: EmbedTexts
}

/** Prepares a pipeline; its networks load at first use. */
export function openPainter(spec: PipelineSpec, options: PainterOptions): Painter {
  const graphs = openGraphs(spec, options.threads || availableParallelism())
  const encodeText = openTextEncoder(spec, graphs, options.embedTexts)
  const takeTurn = openLine()
  return {
    async *draw(order) {
      checkOrder(order, spec)
      const release = await takeTurn(order.signal)
      try {
        return yield* drawPictures({ spec, graphs, encodeText }, order)
      } finally {
        release()
      }
    },
    close: () => graphs.close(),
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
