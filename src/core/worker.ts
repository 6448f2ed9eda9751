// Request/reply over a worker thread: calls are numbered, errors come back as LucidaError.
// onnxruntime and hnswlib are synchronous on the thread that calls them, so each lives in a worker.
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Transferable, Worker, parentPort } from 'node:worker_threads'
import { type ErrorCode, LucidaError, messageOf } from './errors.ts'

interface Call {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}
type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { code: ErrorCode; message: string } }

/** Methods offered by a worker: a plain object of (possibly async) functions. */
// oxlint-disable-next-line typescript/no-explicit-any -- arguments are typed by the caller's interface
export type WorkerMethods = Record<string, (...args: any[]) => unknown>

/** The caller's side of a worker thread. */
export interface WorkerClient<Methods extends WorkerMethods> {
  /** Calls a method; buffers in `transfer` are moved, not copied. */
  call<M extends keyof Methods & string>(
    method: M,
    args: Parameters<Methods[M]>,
    transfer?: readonly Transferable[],
  ): Promise<Awaited<ReturnType<Methods[M]>>>
  /**
   * Ends the thread once `last` and all calls before it are answered, and takes no more calls from now
   * on. For native libraries: a thread that is ended while it is inside one ends the process.
   */
  end<M extends keyof Methods & string>(last: M, args: Parameters<Methods[M]>): Promise<void>
  /** Ends the thread; calls under way are rejected. */
  close(): Promise<void>
}

/**
 * Starts `name` (a module beside `parentUrl`, without extension) as a worker thread.
 * Works from `dist/` (.js) and, through tsx, from `src/` (.ts).
 */
export function startWorker<Methods extends WorkerMethods>(
  parentUrl: string,
  name: string,
): WorkerClient<Methods> {
  const worker = openThread(parentUrl, name)
  const pending = new Map<
    number,
    { resolve: (value: never) => void; reject: (e: unknown) => void }
  >()
  let nextId = 0
  let failure: LucidaError | undefined

  const fail = (error: LucidaError) => {
    failure ??= error
    for (const { reject } of pending.values()) reject(failure)
    pending.clear()
    worker.unref()
  }
  worker.on('message', (reply: Reply) => {
    const waiting = pending.get(reply.id)
    if (!waiting) return
    pending.delete(reply.id)
    // An idle worker must not keep the process alive.
    if (pending.size === 0) worker.unref()
    if ('error' in reply) waiting.reject(new LucidaError(reply.error.code, reply.error.message))
    else waiting.resolve(reply.result as never)
  })
  worker.on('error', (error) =>
    fail(new LucidaError('internal', messageOf(error), { cause: error })),
  )
  const ended = () => new LucidaError('internal', `The ${name} thread has ended`)
  worker.on('exit', () => fail(ended()))
  worker.unref()

  const call: WorkerClient<Methods>['call'] = (method, args, transfer = []) => {
    if (failure) return Promise.reject(failure)
    return new Promise((resolve, reject) => {
      const id = nextId++
      // First, since it throws for what cannot be cloned, which then waits for no answer.
      worker.postMessage({ id, method, args } satisfies Call, transfer)
      pending.set(id, { resolve, reject })
      worker.ref()
    })
  }
  return {
    call,
    async end(last, args) {
      const answered = call(last, args)
      failure ??= ended()
      await answered.catch(() => {})
      await worker.terminate()
    },
    async close() {
      await worker.terminate()
    },
  }
}

function openThread(parentUrl: string, name: string): Worker {
  const extension = extname(new URL(parentUrl).pathname)
  const url = new URL(`./${name}${extension}`, parentUrl)
  // The process's own flags, such as --input-type, may not suit a worker's entry.
  const execArgv: string[] = []
  if (extension !== '.ts') return new Worker(url, { execArgv })
  // Node 20 applies no loader to a worker's entry file, so the entry is a line that registers tsx.
  const tsxPackage = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'))
  const tsx = new URL('./dist/esm/api/index.mjs', tsxPackage).href
  const entry = `import(${JSON.stringify(tsx)}).then(({ register }) => (register(), import(${JSON.stringify(url.href)})))`
  return new Worker(entry, { eval: true, execArgv })
}

/** The worker's side: answers each call, one at a time and in order. */
export function serveWorker(methods: WorkerMethods): void {
  const port = parentPort
  if (!port) throw new LucidaError('internal', 'This module runs only in a worker thread')
  let previous: Promise<void> = Promise.resolve()
  port.on('message', (call: Call) => {
    previous = previous.then(async () => port.postMessage(await answer(methods, call)))
  })
}

async function answer(methods: WorkerMethods, call: Call): Promise<Reply> {
  try {
    const method = methods[call.method]
    if (!method) throw new LucidaError('internal', `Unknown worker method ${call.method}`)
    return { id: call.id, result: await method(...call.args) }
  } catch (error) {
    const code = error instanceof LucidaError ? error.code : 'internal'
    return { id: call.id, error: { code, message: messageOf(error) } }
  }
}
