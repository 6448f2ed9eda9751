// A CLIP-like dual encoder (Radford et al. 2021): texts and pictures -> unit vectors in one space.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { LucidaError } from '../core/errors.ts'
import { once } from '../core/once.ts'
import { normalize, type UnitVector } from '../core/vector.ts'
import type { OpenedPicture } from '../pictures/open-picture.ts'
import { endInference, type Inference, startInference } from './inference.ts'
import { type ModelSpec, TEXT_MODEL, verifyModel, VISION_MODEL } from './manifest.ts'
import { type PixelTensor, preprocess } from './preprocess.ts'
import type { TensorData, TensorInfo } from './session.ts'
import { openTokenizer } from './tokenizer.ts'

/** Texts -> unit vectors, in order. */
export type EmbedTexts = (texts: readonly string[]) => Promise<UnitVector[]>
/** Preprocessed pictures -> unit vectors, in order. None of them only loads the model. */
export type EmbedPixels = (pictures: readonly PixelTensor[]) => Promise<UnitVector[]>

/** Both encoders of one model. Unit vectors leave it, nothing else. */
export interface Clip {
  readonly model: ModelSpec
  readonly embedTexts: EmbedTexts
  readonly embedPixels: EmbedPixels
  /** Picture, opened or encoded -> what `embedPixels` takes. As `preprocess` in preprocess.ts. */
  readonly preprocess: (
    picture: OpenedPicture | Uint8Array,
    pathHint?: string,
  ) => Promise<PixelTensor>
  /** From now on the image tower runs on so many threads. */
  useThreads(threads: number): Promise<void>
  close(): Promise<void>
}

/** Texts per run: long enough to fill the cores, short enough to keep padding and memory small. */
const TEXT_BATCH = 32

/**
 * Prepares a model; its towers load at first use, each after its checksum is verified.
 * `threads` is for onnxruntime; 0 takes one per core.
 */
export function openClip(model: ModelSpec, options: { threads: number }): Clip {
  let threads = options.threads || availableParallelism()
  let worker: Inference | undefined
  const open = (file: string) => {
    worker ??= startInference()
    return openTower(worker, model, file, threads)
  }
  let vision = once(() => open(VISION_MODEL))
  const text = once(() => open(TEXT_MODEL))
  const tokenizer = once(async () => {
    await verifyModel(model, ['tokenizer.json', 'tokenizer_config.json'])
    return openTokenizer(model)
  })

  return {
    model,
    async embedTexts(texts) {
      const [tower, tokenize] = await Promise.all([text(), tokenizer()])
      const vectors: UnitVector[] = []
      for (let at = 0; at < texts.length; at += TEXT_BATCH) {
        const ids = texts.slice(at, at + TEXT_BATCH).map(tokenize)
        vectors.push(...(await tower.run(padTokens(ids, model.text.padId))))
      }
      return vectors
    },
    async embedPixels(pictures) {
      const tower = await vision()
      if (pictures.length === 0) return []
      return tower.run({ pixels: stackPixels(pictures, model) })
    },
    preprocess: (picture, pathHint) => preprocess(picture, model.pixels, pathHint),
    async useThreads(wanted) {
      if (wanted === threads) return
      threads = wanted
      const before = vision
      vision = once(() => open(VISION_MODEL))
      await (await before()).release()
    },
    close: () => endInference(worker),
  }
}

interface Tower {
  run(inputs: { ids: TensorData; mask: TensorData } | { pixels: TensorData }): Promise<UnitVector[]>
  /** Frees it, once what it was asked before is answered. */
  release(): Promise<void>
}

/** Loads one tower and finds its tensors by what the graph itself declares. */
async function openTower(
  worker: Inference,
  model: ModelSpec,
  file: string,
  threads: number,
): Promise<Tower> {
  await verifyModel(model, [file])
  const path = join(model.directory, file)
  const session = await worker.call('open', [path, { threads, config: model.sessionConfig }])
  const output = pickOutput(session.outputs)
  return {
    async run(inputs) {
      const feeds: Record<string, TensorData> = {}
      for (const info of session.inputs) {
        if ('pixels' in inputs) feeds[info.name] = inputs.pixels
        else feeds[info.name] = castIds(info.name.includes('mask') ? inputs.mask : inputs.ids, info)
      }
      const [embeds] = await worker.call('run', [session.id, feeds, [output]])
      return splitRows(embeds!.data, embeds!.dims, model)
    },
    release: () => worker.call('release', [session.id]),
  }
}

/** The pooled, projected embedding is the output named *_embeds; a sole output needs no name. */
function pickOutput(outputs: readonly TensorInfo[]): string {
  const named = outputs.find(({ name }) => name === 'image_embeds' || name === 'text_embeds')
  return (named ?? outputs[0]!).name
}

/** Right-pads to the longest text: ids and mask, int64 [n, length]. */
function padTokens(
  texts: readonly (readonly number[])[],
  padId: number,
): { ids: TensorData; mask: TensorData } {
  const length = Math.max(...texts.map((ids) => ids.length))
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
