// A CLIP-like dual encoder (Radford et al. 2021): texts and pictures -> unit vectors in one space.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { once } from '../core/once.ts'
import type { Provider, ProviderChoice } from '../core/provider.ts'
import type { UnitVector } from '../core/vector.ts'
import type { OpenedPicture } from '../pictures/open-picture.ts'
import type { Cells } from './cells.ts'
import { endInference, type Inference, startInference } from './inference.ts'
import { type ModelSpec, verifyModel } from './manifest.ts'
import { type PixelTensor, preprocess } from './preprocess.ts'
import { openTokenizer } from './tokenizer.ts'
import { openTower } from './tower.ts'

/** Texts -> unit vectors, in order. */
export type EmbedTexts = (texts: readonly string[]) => Promise<UnitVector[]>
/** Preprocessed pictures -> unit vectors, in order. None of them only loads the model. */
export type EmbedPixels = (pictures: readonly PixelTensor[]) => Promise<UnitVector[]>

/** Both encoders of one model. */
export interface Clip {
  readonly model: ModelSpec
  readonly embedTexts: EmbedTexts
  readonly embedPixels: EmbedPixels
  /** What each part of a picture adds to its vector; absent where the model does not tell. */
  readonly embedCells?: (picture: PixelTensor) => Promise<Cells>
  /** Picture, opened or encoded -> what `embedPixels` takes. As `preprocess` in preprocess.ts. */
  readonly preprocess: (
    picture: OpenedPicture | Uint8Array,
    pathHint?: string,
  ) => Promise<PixelTensor>
  /** What the image tower runs on; loads it. */
  provider(): Promise<ProviderChoice>
  /** From now on the image tower runs on so many threads. */
  useThreads(threads: number): Promise<void>
  close(): Promise<void>
}

/** Texts per run: long enough to fill the cores, short enough to keep padding and memory small. */
const TEXT_BATCH = 32

/** How a model is run. */
export interface ClipOptions {
  /** For onnxruntime; 0 takes one per core. */
  readonly threads: number
  /** The CPU by default. */
  readonly providers?: readonly Provider[]
}

/** Prepares a model; its towers load at first use, each after its checksum is verified. */
export function openClip(model: ModelSpec, options: ClipOptions): Clip {
  const { providers = ['cpu'] } = options
  let threads = options.threads || availableParallelism()
  let worker: Inference | undefined
  const open = (file: string) => {
    worker ??= startInference()
    return openTower(worker, model, file, { threads, providers })
  }
  // One graph may be both towers, and is loaded once.
  const joint = model.parts.vision === model.parts.text
  let vision = once(() => open(model.parts.vision))
  const ownText = once(() => open(model.parts.text))
  const text = () => (joint ? vision() : ownText())
  const tokenizer = once(async () => {
    const { tokenizer: files, tokenizerFolder } = model.parts
    await verifyModel(model, files)
    return openTokenizer({ directory: join(model.directory, tokenizerFolder), text: model.text })
  })

  return {
    model,
    async embedTexts(texts) {
      const [, tokenize] = await Promise.all([text(), tokenizer()])
      const vectors: UnitVector[] = []
      for (let at = 0; at < texts.length; at += TEXT_BATCH) {
        const ids = texts.slice(at, at + TEXT_BATCH).map(tokenize)
        const length = model.text.padded ? model.text.contextLength : 0
        const tower = await text()
        const padId = model.text.padWith ?? tokenize.padId
        vectors.push(...(await tower.runTexts(ids, padId, length)))
      }
      return vectors
    },
    async embedPixels(pictures) {
      const tower = await vision()
      if (pictures.length === 0) return []
      return tower.runPictures(pictures)
    },
    provider: async () => (await vision()).provider,
    ...(model.cells && { embedCells: async (picture) => (await vision()).runCells(picture) }),
    preprocess: (picture, pathHint) => preprocess(picture, model.pixels, pathHint),
    async useThreads(wanted) {
      if (wanted === threads) return
      threads = wanted
      const before = vision
      vision = once(() => open(model.parts.vision))
      await (await before()).release()
    },
    close: () => endInference(worker),
  }
}
