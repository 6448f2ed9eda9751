// The thread that runs the models: onnxruntime-node's run() is synchronous on its thread.
// One worker for all sessions; several were reported to crash (microsoft/onnxruntime #24486).
import { serveWorker } from '../core/worker.ts'
import { openSession, type Session, type SessionOptions, type TensorData } from './session.ts'

/** A released session leaves a gap, so that numbers stay valid. */
const sessions: (Session | undefined)[] = []

const methods = {
  async open(path: string, options: SessionOptions) {
    const session = await openSession(path, options)
    const id = sessions.push(session) - 1
    const { inputs, outputs, provider } = session
    return { id, inputs, outputs, provider }
  },
  run: (id: number, feeds: Record<string, TensorData>, outputs: readonly string[]) =>
    sessions[id]!.run(feeds, outputs),
  async release(id: number) {
    await sessions[id]?.close()
    sessions[id] = undefined
  },
  async close() {
    for (const session of sessions.splice(0)) await session?.close()
  },
}

export type InferenceMethods = typeof methods

serveWorker(methods)
