// One encoder of a model: finds its tensors by what the graph itself declares, and gives it what it
// takes, whatever the export.
import { join } from 'node:path'
import { LucidaError } from '../core/errors.ts'
import { normalize, type UnitVector } from '../core/vector.ts'
import type { ProviderChoice } from '../core/provider.ts'
import { type Cells, toCells } from './cells.ts'
import { type Inference, openGraph } from './inference.ts'
import { type ModelSpec, verifyModel } from './manifest.ts'
import { withData } from './model-parts.ts'
import type { PixelTensor } from './preprocess.ts'
import type { FloatTensor, SessionOptions, TensorData, TensorInfo } from './session.ts'

export interface Tower {
  readonly provider: ProviderChoice
  /** Ids, padded to the longest of them, to `length`, or to what the graph takes. */
  runTexts(
    texts: readonly (readonly number[])[],
    padId: number,
    length: number,
  ): Promise<UnitVector[]>
  runPictures(pictures: readonly PixelTensor[]): Promise<UnitVector[]>
  /** What each part of a picture adds to its vector. Throws `model_invalid` without such an output. */
  runCells(picture: PixelTensor): Promise<Cells>
  /** Frees it, once what it was asked before is answered. */
  release(): Promise<void>
}

/** Loads one tower, once its checksum is verified. */
export async function openTower(
  worker: Inference,
  model: ModelSpec,
  file: string,
  how: Omit<SessionOptions, 'config'>,
): Promise<Tower> {
  await verifyModel(model, withData(file, Object.keys(model.files)))
  const path = join(model.directory, file)
  const config = { ...model.sessionConfig, ...(HALF.test(file) && WITHOUT_BLOCKS) }
  const session = await openGraph(worker, path, { ...how, config })
  const roles = rolesOf(path, session.inputs)
  const [rows, columns] = roles.ids?.dims ?? []
  const fill = fillers(model, fixed(rows) ?? 1, fixed(columns))
  const runGraph = async (
    output: string,
    tensorFor: (input: TensorInfo) => TensorData | undefined,
  ): Promise<FloatTensor> => {
    const feeds = session.inputs.map((input) => [input.name, tensorFor(input) ?? fill(input)])
    const [tensor] = await worker.call('run', [session.id, Object.fromEntries(feeds), [output]])
    return tensor!
  }
  const runWith = async (
    output: string,
    tensorFor: (input: TensorInfo) => TensorData | undefined,
  ): Promise<UnitVector[]> => {
    const { data, dims } = await runGraph(output, tensorFor)
    return splitRows(data, dims, model)
  }
  const underWay = new Set<Promise<unknown>>()
  /** A graph that takes a row at a time is asked several times. */
  const noted = <T>(run: Promise<T>): Promise<T> => {
    const ended = run.catch(() => {}).finally(() => underWay.delete(ended))
    underWay.add(ended)
    return run
  }
  return {
    provider: session.provider,
    runTexts: (texts, padId, length) => {
      const run = inSlices(texts, fixed(rows), (slice) => {
        const { ids, mask } = padTokens(slice, padId, fixed(columns) ?? length)
        const output = pickOutput(path, session.outputs, TEXT_OUTPUTS)
        return runWith(output, (input) => {
          if (input === roles.ids) return castIds(ids, input)
          return input === roles.mask ? castIds(mask, input) : undefined
        })
      })
      return noted(run)
    },
    runPictures: (pictures) => {
      const run = inSlices(pictures, fixed(roles.pixels?.dims[0]), (slice) => {
        const pixels = stackPixels(slice, model)
        const output = pickOutput(path, session.outputs, PICTURE_OUTPUTS)
        return runWith(output, (input) => (input === roles.pixels ? pixels : undefined))
      })
      return noted(run)
    },
    async runCells(picture) {
      const name = model.cells?.output ?? ''
      if (!session.outputs.some((each) => each.name === name)) {
        throw new LucidaError('model_invalid', `${path} has no output ${name || 'for its cells'}`)
      }
      const rowsOf = Array<PixelTensor>(fixed(roles.pixels?.dims[0]) ?? 1).fill(picture)
      const pixels = stackPixels(rowsOf, model)
      const cells = await runGraph(name, (input) => (input === roles.pixels ? pixels : undefined))
      return toCells(cells, model)
    },
    async release() {
      await Promise.all(underWay)
      await worker.call('release', [session.id])
    },
  }
}

/** Variants with 16-bit weights, by their usual names. */
const HALF = /_(fp16|q4f16)\.onnx$/

/** onnxruntime 1.30 crashes where it rearranges a 16-bit convolution into blocks of channels. */
const WITHOUT_BLOCKS = { 'optimization.disable_specified_optimizers': 'NchwcTransformer' }

/** What each input takes. A tower has pixels or ids; a graph of both towers has all. */
interface Roles {
  readonly pixels: TensorInfo | undefined
  readonly ids: TensorInfo | undefined
  readonly mask: TensorInfo | undefined
}

function rolesOf(path: string, inputs: readonly TensorInfo[]): Roles {
  const pixels = inputs.find(({ dims }) => dims.length === 4)
  const rest = inputs.filter((input) => input !== pixels)
  const mask = rest.find(({ name }) => name.includes('mask'))
  // What tells segments or places of tokens is not the tokens.
  const ids = rest.find((input) => input !== mask && !/type|position/.test(input.name))
  if (!(pixels || ids)) {
    throw new LucidaError('model_invalid', `${path} takes neither pictures nor texts`)
  }
  return { pixels, ids, mask }
}

/**
 * What goes into inputs that a run does not need: onnxruntime wants all of them. A picture of zeros
 * and a text of one token for the other tower of a graph that has both; zeros for types of tokens.
 */
function fillers(model: ModelSpec, rows: number, columns: number | undefined) {
  const length = columns ?? (model.text.padded ? model.text.contextLength : 2)
  const text = padTokens(
    Array.from({ length: rows }, () => [0]),
    0,
    length,
  )
  return (input: TensorInfo): TensorData => {
    if (input.dims.length !== 4)
      return castIds(input.name.includes('mask') ? text.mask : text.ids, input)
    const { heightPx, widthPx } = model.pixels
    const one = new Float32Array(3 * heightPx * widthPx)
    return stackPixels(
      Array.from({ length: fixed(input.dims[0]) ?? 1 }, () => one),
      model,
    )
  }
}

/** A side that the graph fixes. */
function fixed(side: number | string | undefined): number | undefined {
  return typeof side === 'number' && side > 0 ? side : undefined
}

/** Some exports take so many rows at once, neither more nor fewer; nearly always one. */
async function inSlices<T>(
  items: readonly T[],
  rows: number | undefined,
  run: (slice: readonly T[]) => Promise<UnitVector[]>,
): Promise<UnitVector[]> {
  if (rows === undefined || items.length === rows) return run(items)
  const vectors: UnitVector[] = []
  for (let at = 0; at < items.length; at += rows) {
    const slice = items.slice(at, at + rows)
    const filled = [...slice, ...Array<T>(rows - slice.length).fill(slice[0]!)]
    vectors.push(...(await run(filled)).slice(0, slice.length))
  }
  return vectors
}

/** Names of the pooled, projected embedding, the surest first; a sole output needs no name. */
const TEXT_OUTPUTS = ['text_embeds', 'embedding', 'pooler_output']
const PICTURE_OUTPUTS = ['image_embeds', 'embedding', 'pooler_output']

function pickOutput(
  path: string,
  outputs: readonly TensorInfo[],
  names: readonly string[],
): string {
  const named = names.map((name) => outputs.find((output) => output.name === name))
  const output = named.find((found) => found !== undefined) ?? outputs[0]!
  if (output.type === 'float32' || output.type === 'float16') return output.name
  const message = `${path} gives ${output.name} as ${output.type}, which is no vector; use another variant of the model`
  throw new LucidaError('model_invalid', message)
}

/** Right-pads to the longest text, and at least to `atLeast`: ids and mask, int64 [n, length]. */
function padTokens(
  texts: readonly (readonly number[])[],
  padId: number,
  atLeast: number,
): { ids: TensorData; mask: TensorData } {
  const length = Math.max(atLeast, ...texts.map((ids) => ids.length))
  const dims = [texts.length, length]
  const ids = new BigInt64Array(texts.length * length).fill(BigInt(padId))
  const mask = new BigInt64Array(texts.length * length)
  texts.forEach((tokens, row) => {
    tokens.forEach((id, column) => {
      ids[row * length + column] = BigInt(id)
      mask[row * length + column] = 1n
    })
  })
  return { ids: { type: 'int64', data: ids, dims }, mask: { type: 'int64', data: mask, dims } }
}

/** Some exports take int32 ids. */
function castIds(tensor: TensorData, info: TensorInfo): TensorData {
  if (info.type !== 'int32' || tensor.type !== 'int64') return tensor
  return { type: 'int32', data: Int32Array.from(tensor.data, Number), dims: tensor.dims }
}

/** n × [3, h, w] -> [n, 3, h, w]. */
function stackPixels(pictures: readonly PixelTensor[], model: ModelSpec): TensorData {
  const { heightPx, widthPx } = model.pixels
  const size = 3 * heightPx * widthPx
  const data = new Float32Array(pictures.length * size)
  pictures.forEach((pixels, row) => data.set(pixels, row * size))
  return { type: 'float32', data, dims: [pictures.length, 3, heightPx, widthPx] }
}

/** [n, d] -> n unit vectors. */
function splitRows(data: Float32Array, dims: readonly number[], model: ModelSpec): UnitVector[] {
  const dimension = dims.at(-1)!
  if (dims.length !== 2 || dimension !== model.dimension) {
    throw new LucidaError(
      'model_invalid',
      `${model.name} gave a tensor of shape [${dims.join(', ')}] where [n, ${model.dimension}] was expected`,
    )
  }
  return Array.from({ length: dims[0]! }, (_, row) =>
    normalize(data.subarray(row * dimension, (row + 1) * dimension)),
  )
}
