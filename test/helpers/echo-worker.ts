// A worker thread for tests of `startWorker`.
import { setTimeout } from 'node:timers/promises'
import { LucidaError } from '../../src/core/errors.ts'
import { serveWorker } from '../../src/core/worker.ts'

const methods = {
  echo: (value: unknown) => value,
  later: async (value: string, ms: number) => {
    await setTimeout(ms)
    return value
  },
  sum: (numbers: Float32Array) => numbers.reduce((a, b) => a + b, 0),
  refuse: () => {
    throw new LucidaError('model_invalid', 'The graph has no output')
  },
  break: () => {
    throw new TypeError('x is not a function')
  },
  end: () => process.exit(),
}

export type EchoMethods = typeof methods

serveWorker(methods)
