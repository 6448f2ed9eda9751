// A process with one worker thread, for tests of what keeps a process alive. Never closes it.
import { startWorker } from '../../src/core/worker.ts'
import type { EchoMethods } from './echo-worker.ts'

const worker = startWorker<EchoMethods>(import.meta.url, 'echo-worker')

// Nothing but the call keeps the process alive until its answer is there.
console.log(await worker.call('later', ['answered', 50]))
if (process.argv[2] === 'uncloneable') {
  // A function cannot be sent to a thread.
  await worker.call('echo', [() => 1]).catch((error: unknown) => console.log(String(error)))
}
