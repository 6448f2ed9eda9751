// onnxruntime sessions: open, run, close. The only file that imports onnxruntime-node.
import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node'
import { LucidaError, messageOf } from '../core/errors.ts'
import { fromHalf, toHalf } from '../core/half.ts'
import { openWithFallback, type Provider, type ProviderChoice } from '../core/provider.ts'

/** A named input or output of a model. */
export interface TensorInfo {
  readonly name: string
  /** onnxruntime's element type, such as `float32` or `int64`. */
  readonly type: string
  /** A name where a side is not fixed; none for a scalar. */
  readonly dims: readonly (number | string)[]
}

/** A tensor that can cross a thread boundary. */
export type TensorData =
  | { readonly type: 'float32'; readonly data: Float32Array; readonly dims: readonly number[] }
  | { readonly type: 'int64'; readonly data: BigInt64Array; readonly dims: readonly number[] }
  | { readonly type: 'int32'; readonly data: Int32Array; readonly dims: readonly number[] }
  | { readonly type: 'bool'; readonly data: Uint8Array; readonly dims: readonly number[] }

/** What a graph answers with. */
export interface FloatTensor {
  readonly data: Float32Array
  readonly dims: readonly number[]
}

export interface SessionOptions {
  /** What to run on, the first choice first; the CPU takes what the others do not. */
  readonly providers: readonly Provider[]
  /** Threads inside one operator; 0 lets onnxruntime choose (one per physical core). */
  readonly threads: number
  readonly config: Readonly<Record<string, string>>
}

/** One loaded ONNX graph. */
export interface Session {
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
  readonly provider: ProviderChoice
  /**
   * Runs the graph and returns these outputs. Floats are float32 on both sides, also where the graph
   * takes or gives 16 bits. Throws `model_invalid` when it cannot be run.
   */
  run(
    feeds: Readonly<Record<string, TensorData>>,
    outputs: readonly string[],
  ): Promise<FloatTensor[]>
  close(): Promise<void>
}

/** Opens a model file. Throws `model_invalid` with onnxruntime's words. */
export async function openSession(path: string, options: SessionOptions): Promise<Session> {
  const built = listSupportedBackends().map(({ name }) => name)
  const { opened: session, choice } = await openWithFallback(options.providers, built, (provider) =>
    InferenceSession.create(path, {
      executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      // A thread that spins between two batches takes a core from the decoders.
      extra: nestConfig({ 'session.intra_op.allow_spinning': '0', ...options.config }),
    }),
  ).catch((cause: unknown) => {
    throw new LucidaError('model_invalid', `Cannot open ${path}: ${messageOf(cause)}`, { cause })
  })
  const declared = session.inputMetadata.map(describe)
  const typeOf = new Map(declared.map(({ name, type }) => [name, type]))
  return {
    provider: choice,
    inputs: declared,
    outputs: session.outputMetadata.map(describe),
    async run(feeds, outputs) {
      const inputs = Object.entries(feeds).map(
        ([name, tensor]) => [name, toTensor(tensor, typeOf.get(name))] as const,
      )
      const results = await session
        .run(Object.fromEntries(inputs), [...outputs])
        .catch((cause: unknown) => {
          const message = `Cannot run ${path}: ${messageOf(cause)}`
          throw new LucidaError('model_invalid', message, { cause })
        })
      return outputs.map((output) => toFloats(results[output]!))
    },
    close: () => session.release(),
  }
}

function toTensor({ type, data, dims }: TensorData, wanted: string | undefined): Tensor {
  if (type === 'float32' && wanted === 'float16') return new Tensor(wanted, toHalf(data), dims)
  return new Tensor(type, data, dims)
}

function toFloats({ type, data, dims }: Tensor): FloatTensor {
  if (type !== 'float16') return { data: data as Float32Array, dims }
  // A Float16Array where JavaScript has one, else its bits.
  const { buffer, byteOffset, length } = data as Uint16Array
  return { data: fromHalf(new Uint16Array(buffer, byteOffset, length)), dims }
}

function describe(info: InferenceSession.ValueMetadata): TensorInfo {
  if (!info.isTensor) return { name: info.name, type: 'sequence', dims: [] }
  return { name: info.name, type: info.type, dims: info.shape }
}

/** onnxruntime-node takes `a.b.c = v` as nested objects: { a: { b: { c: v } } }. */
function nestConfig(config: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(config)) {
    const parts = key.split('.')
    const leaf = parts.pop()!
    let node = root
    for (const part of parts) node = (node[part] ??= {}) as Record<string, unknown>
    node[leaf] = value
  }
  return root
}
