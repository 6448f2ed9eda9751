// Starts the thread that runs models, for whoever has some to run.
import { startWorker, type WorkerClient } from '../core/worker.ts'
import { fallbackText } from '../core/provider.ts'
import type { InferenceMethods } from './inference-worker.ts'
import type { SessionOptions } from './session.ts'

export type Inference = WorkerClient<InferenceMethods>

export function startInference(): Inference {
  return startWorker<InferenceMethods>(import.meta.url, 'inference-worker')
}

const told = new Set<string>()

/** Opens a graph in the thread; warns, once a process, where it runs on less than was asked for. */
export async function openGraph(inference: Inference, path: string, options: SessionOptions) {
  const opened = await inference.call('open', [path, options])
  const text = fallbackText(opened.provider)
  if (text !== undefined && !told.has(text)) {
    told.add(text)
    process.emitWarning(text, 'LucidaWarning')
  }
  return opened
}

/** Frees all sessions, then ends the thread. */
export async function endInference(inference: Inference | undefined): Promise<void> {
  await inference?.end('close', [])
}
