// The networks of a pipeline, in a thread of their own: each is loaded at first use, after its files
// have been checked, and given what its graph declares to take.
import { join } from 'node:path'
import { LucidaError } from '../core/errors.ts'
import { endInference, type Inference, openGraph, startInference } from '../models/inference.ts'
import { verifyModel } from '../models/manifest.ts'
import type { FloatTensor, SessionOptions, TensorData, TensorInfo } from '../models/session.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'
import type { Graph, GraphInput } from './pipeline-parts.ts'

/** What an input is given. */
export interface Feed {
  readonly input: GraphInput
  /** Shape of one row; none for a number. */
  readonly row: readonly number[]
  /** All rows, one after the other. */
  readonly data: Float32Array
}

/** A loaded network. */
export interface LoadedGraph {
  /** Throws `model_invalid` where the graph is not as the manifest says. */
  run(feeds: readonly Feed[], rows: number, outputs: readonly string[]): Promise<FloatTensor[]>
}

export interface Graphs {
  load(graph: Graph): Promise<LoadedGraph>
  close(): Promise<void>
}

interface Opened {
  readonly id: number
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
}

export function openGraphs(spec: PipelineSpec, how: Omit<SessionOptions, 'config'>): Graphs {
  let worker: Inference | undefined
  const opened = new Map<string, Opened>()
  const verified = new Set<string>()
  let closed = false

  async function open({ file, external }: Graph): Promise<Opened> {
    const known = opened.get(file)
    if (known) return known
    if (spec.sequential) {
      for (const [name, { id }] of opened) {
        opened.delete(name)
        await worker?.call('release', [id])
      }
    }
    for (const name of [file, ...external]) {
      if (!verified.has(name)) await verifyModel(spec, [name])
      verified.add(name)
    }
    if (closed) throw new LucidaError('internal', `${spec.name} is closed`)
    worker ??= startInference()
    const path = join(spec.directory, file)
    const session = await openGraph(worker, path, { ...how, config: spec.sessionConfig })
    opened.set(file, session)
    return session
  }

  return {
    async load(graph) {
      const session = await open(graph)
      const invalid = (what: string) =>
        new LucidaError('model_invalid', `${graph.file} of ${spec.name} ${what}`)
      return {
        async run(feeds, rows, outputs) {
          for (const name of outputs) {
            if (!session.outputs.some((info) => info.name === name)) {
              throw invalid(`has no output ${name}`)
            }
          }
          const tensors = feeds.map(({ input, row, data }) => {
            const { name, shared } =
              typeof input === 'string' ? { name: input, shared: false } : input
            const info = session.inputs.find((info) => info.name === name)
            if (!info) throw invalid(`has no input ${name}`)
            const one = row.length === 0 && (shared || info.dims.length === 0)
            const dims = info.dims.length === 0 && one ? [] : [one ? 1 : rows, ...row]
            if (info.dims.length !== dims.length) {
              throw invalid(
                `takes ${name} as [${info.dims.join(', ')}], not as [${dims.join(', ')}]`,
              )
            }
            const tensor = cast(one ? data.subarray(0, 1) : data, dims, info.type)
            if (!tensor) throw invalid(`takes ${name} as ${info.type}, which is not supported`)
            return [name, tensor] as const
          })
          return worker!.call('run', [session.id, Object.fromEntries(tensors), outputs])
        },
      }
    },
    close() {
      closed = true
      return endInference(worker)
    },
  }
}

function cast(data: Float32Array, dims: readonly number[], type: string): TensorData | undefined {
  switch (type) {
    case 'float32':
      return { type, data, dims }
    case 'int64':
      return { type, data: BigInt64Array.from(data, (value) => BigInt(Math.round(value))), dims }
    case 'int32':
      return { type, data: Int32Array.from(data, Math.round), dims }
    case 'bool':
      return { type, data: Uint8Array.from(data, Math.round), dims }
    default:
      return undefined
  }
}
