// Starts the thread that runs models, for whoever has some to run.
import { startWorker, type WorkerClient } from '../core/worker.ts'
import type { InferenceMethods } from './inference-worker.ts'

export type Inference = WorkerClient<InferenceMethods>

export function startInference(): Inference {
  return startWorker<InferenceMethods>(import.meta.url, 'inference-worker')
}

/** Frees all sessions, then ends the thread. */
export async function endInference(inference: Inference | undefined): Promise<void> {
  await inference?.call('close', []).catch(() => {})
  await inference?.close()
}
