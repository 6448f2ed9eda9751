// One encoder of a model: finds its tensors by what the graph itself declares, and gives it what it
// takes, whatever the export.
import { join } from 'node:path'
import { LucidaError } from '../core/errors.ts'
import { normalize, type UnitVector } from '../core/vector.ts'
import { type Cells, toCells } from './cells.ts'
import type { Inference } from './inference.ts'
import { type ModelSpec, verifyModel } from './manifest.ts'
import { withData } from './model-parts.ts'
import type { PixelTensor } from './preprocess.ts'
import type { FloatTensor, TensorData, TensorInfo } from './session.ts'

export interface Tower {
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
  threads: number,
): Promise<Tower> {
  await verifyModel(model, withData(file, Object.keys(model.files)))
  const path = join(model.directory, file)
  const session = await worker.call('open', [path, { threads, config: model.sessionConfig }])
  const output = pickOutput(session.outputs)
  if (output.type !== 'float32' || session.inputs.some(({ type }) => type === 'float16')) {
    const message = `${path} takes or gives numbers of another type than float32, which cannot be run here; use another variant of the model`
    throw new LucidaError('model_invalid', message)
  }
  const [rows, columns] = session.inputs[0]?.dims ?? []
  const runGraph = async (
    name: string,
    tensorFor: (input: TensorInfo) => TensorData,
  ): Promise<FloatTensor> => {
    const feeds = Object.fromEntries(session.inputs.map((info) => [info.name, tensorFor(info)]))
    const [tensor] = await worker.call('run', [session.id, feeds, [name]])
    return tensor!
  }
  const run = async (tensorFor: (input: TensorInfo) => TensorData): Promise<UnitVector[]> => {
    const { data, dims } = await runGraph(output.name, tensorFor)
    return splitRows(data, dims, model)
  }
  return {
    runTexts: (texts, padId, length) =>
      inSlices(texts, fixed(rows), (slice) => {
        const { ids, mask } = padTokens(slice, padId, fixed(columns) ?? length)
        return run((info) => castIds(info.name.includes('mask') ? mask : ids, info))
      }),
    runPictures: (pictures) =>
      inSlices(pictures, fixed(rows), (slice) => {
        const pixels = stackPixels(slice, model)
        return run(() => pixels)
      }),
    async runCells(picture) {
      const name = model.cells?.output ?? ''
      if (!session.outputs.some((each) => each.name === name)) {
        throw new LucidaError('model_invalid', `${path} has no output ${name || 'for its cells'}`)
      }
      const rowsOf = Array<PixelTensor>(fixed(rows) ?? 1).fill(picture)
      const pixels = stackPixels(rowsOf, model)
      return toCells(await runGraph(name, () => pixels), model)
    },
    release: () => worker.call('release', [session.id]),
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
const OUTPUTS = ['image_embeds', 'text_embeds', 'embedding', 'pooler_output']

function pickOutput(outputs: readonly TensorInfo[]): TensorInfo {
  const named = OUTPUTS.map((name) => outputs.find((output) => output.name === name))
  return named.find((output) => output !== undefined) ?? outputs[0]!
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
