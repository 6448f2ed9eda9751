// A few worker threads for foreign formats, started when needed and ended when idle. A thread whose
// decoder takes too long or breaks is ended, and the next picture gets a new one.
import { availableParallelism } from 'node:os'
import { LucidaError } from '../core/errors.ts'
import { startWorker, type WorkerClient } from '../core/worker.ts'
import type { Decoded, DecodeLimits, DecodeMethods } from './decode-worker.ts'
import { decodeError, TIMEOUT_MS, tooSlow } from './picture-error.ts'
import type { ForeignFormat } from './sniff.ts'

/** More would not be quicker: the model's own threads want the same cores. */
const MAX_THREADS = Math.min(4, availableParallelism())

/** A decoder never gives memory back, so an idle thread is ended. */
const IDLE_MS = 10_000

interface Thread {
  readonly worker: WorkerClient<DecodeMethods>
  idleTimer?: NodeJS.Timeout
}

const idle: Thread[] = []
const waiting: (() => void)[] = []
let running = 0

/**
 * Decodes in a thread of its own, at most `MAX_THREADS` at a time. Throws what the decoder throws,
 * `internal` when the thread dies, and `too_large` when it takes longer than `timeoutMs`.
 */
export async function decodeInThread(
  format: ForeignFormat,
  bytes: Uint8Array,
  limits: DecodeLimits,
  timeoutMs = TIMEOUT_MS,
): Promise<Decoded> {
  while (running >= MAX_THREADS) await new Promise<void>((resolve) => waiting.push(resolve))
  running++
  const thread = idle.pop() ?? start()
  clearTimeout(thread.idleTimer)
  let isSound = true
  try {
    // A copy that is moved, since moving the caller's would take it away.
    const copy = Uint8Array.from(bytes)
    const call = thread.worker.call('decode', [format, copy, limits], [copy.buffer])
    const decoded = await beforeDeadline(call, timeoutMs, () => (isSound = false))
    if (!('trap' in decoded)) return decoded
    isSound = false
    throw decodeError(decoded.trap, format)
  } catch (error) {
    if (error instanceof LucidaError && error.code === 'internal') isSound = false
    throw error
  } finally {
    if (isSound) rest(thread)
    else await thread.worker.close()
    running--
    waiting.shift()?.()
  }
}

function start(): Thread {
  return { worker: startWorker<DecodeMethods>(import.meta.url, 'decode-worker') }
}

function rest(thread: Thread): void {
  idle.push(thread)
  thread.idleTimer = setTimeout(() => {
    idle.splice(idle.indexOf(thread), 1)
    void thread.worker.close()
  }, IDLE_MS).unref()
}

/** `work`, or `too_large` when it takes too long. */
export async function beforeDeadline<T>(
  work: Promise<T>,
  timeoutMs: number,
  onLate: () => void = () => {},
): Promise<T> {
  // Whatever becomes of it later, nobody waits for it any more.
  work.catch(() => {})
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      onLate()
      reject(tooSlow(undefined, timeoutMs))
    }, timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
