// What Lucida knows about a model before running it: our manifest.json (identity, licence, digests)
// beside the Hugging Face files (config.json, preprocessor_config.json, tokenizer*.json, onnx/).
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { LucidaError, messageOf } from '../core/errors.ts'
import { sha256 } from '../core/hash.ts'
import {
  cleaningBy,
  contextOf,
  dimensionOf,
  isSiglip,
  modelConfig,
  padsToContext,
  padWith,
  usualContext,
} from './model-config.ts'
import { type ModelParts, partsOf, TEXT_MODEL, VISION_MODEL, withData } from './model-parts.ts'
import { type PixelRule, pixelRule, preprocessorConfig, PIXEL_CONVENTIONS } from './pixel-rule.ts'
import type { Cleaning } from './text-cleaning.ts'

export { TEXT_MODEL, VISION_MODEL } from './model-parts.ts'

export const MODEL_MANIFEST = 'manifest.json'

export const modelName = z.string().regex(/^[a-z0-9][a-z0-9.-]*$/)

/** Files by their path below the model's folder. */
export const fileDigests = z.record(
  z.string(),
  z.object({
    sizeBytes: z.number().int().positive(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
)

/** A folder of files whose digests are known. */
export interface ModelFiles {
  readonly directory: string
  readonly files: z.infer<typeof fileDigests>
}

export const manifestSchema = z.object({
  name: modelName,
  title: z.string(),
  languages: z.array(z.string()),
  license: z.string(),
  files: fileDigests,
  /** onnxruntime session configuration entries, such as `session.disable_quant_qdq`. */
  sessionConfig: z.record(z.string(), z.string()).default({}),
  /** How the image tower shows what it sees where. */
  cells: z
    .object({
      /** An output [n, cells, d], row by row, whose mean points where the picture's vector does. */
      output: z.string(),
    })
    .optional(),
  /** Length of its vectors and of its texts, where the model's own config.json does not say. */
  dimension: z.number().int().positive().optional(),
  contextLength: z.number().int().min(2).optional(),
  /** Token with which texts are filled up to the context, where its text tower sees padding. */
  padTexts: z.number().int().min(0).optional(),
  /** What the files were pulled from: repositories, each with the commit. */
  pulledFrom: z.record(z.string(), z.string()).optional(),
  /** The licence that was accepted before the pull, where one had to be. */
  accepted: z.object({ license: z.string(), at: z.string() }).optional(),
  /** How the percentile of `search/relevance.ts` was calibrated for this model. */
  relevance: z
    .object({
      /** Percentile from which a picture is called relevant to a text, in [0, 1]. */
      threshold: z.number().min(0).max(1),
      /** Share of true (caption, picture) pairs at or above it. */
      truePositiveRate: z.number().min(0).max(1),
      /** Share of mismatched pairs at or above it. */
      falsePositiveRate: z.number().min(0).max(1),
      /** What it was measured on. */
      measuredOn: z.string(),
    })
    .optional(),
})

/** Parsed manifest.json. */
export type Manifest = z.infer<typeof manifestSchema>

/** How texts are cut and padded. */
export interface TextRule {
  readonly contextLength: number
  /** Where the tokenizer names no padding token. */
  readonly padId: number
  /** Trained on texts padded to the whole context, and gives another vector without. */
  readonly padded: boolean
  /** What they are padded with, whatever the tokenizer says. */
  readonly padWith: number | undefined
  /** Its tokenizer leaves capital letters, which the model does not know, to its caller. */
  readonly lowerCase: boolean
  /** How texts are cleaned, where the model's settings say it; else its tokenizer tells. */
  readonly cleaning: Cleaning | undefined
}

/** Everything needed to run one CLIP-like dual encoder. */
export interface ModelSpec extends Omit<Manifest, 'files'> {
  /** Which of its files does what. */
  readonly parts: ModelParts
  /** Absolute folder that holds the files. */
  readonly directory: string
  readonly files: Manifest['files']
  /** Length of its vectors. */
  readonly dimension: number
  /** Factor on the cosine before a softmax over labels. */
  readonly logitScale: number
  readonly pixels: PixelRule
  readonly text: TextRule
  /**
   * 16 hexadecimal digits over everything that decides an image vector: weights and preprocessing.
   * Vectors of different recipes are never mixed, even under one model name.
   */
  readonly recipe: string
  /** The recipe with the usual decoding. Vectors that differ in decoding only mean the same. */
  readonly space: string
}

/**
 * Reads a model folder. Throws `model_missing` without a manifest and `model_invalid` when a file
 * does not say what it must.
 */
export async function readModel(directory: string): Promise<ModelSpec> {
  const manifest = await readJson(directory, MODEL_MANIFEST, manifestSchema)
  const parts = partsOf(Object.keys(manifest.files))
  if (!parts) {
    throw new LucidaError(
      'model_invalid',
      `The manifest of ${directory} must list ${VISION_MODEL} and ${TEXT_MODEL}, or one variant of each`,
    )
  }
  const config = await readJson(directory, 'config.json', modelConfig)
  const pixels = pixelRule(await readJson(directory, parts.preprocessor, preprocessorConfig))
  const dimension = dimensionOf(config) ?? manifest.dimension
  if (dimension === undefined) {
    const message = `${join(directory, 'config.json')} does not say the length of the vectors (projection_dim)`
    throw new LucidaError('model_invalid', message)
  }
  const [vision, ...data] = withData(parts.vision, Object.keys(manifest.files)).map(
    (name) => manifest.files[name]!.sha256,
  )
  const decides = [vision, pixels, PIXEL_CONVENTIONS, ...data]
  const recipe = sha256(JSON.stringify(decides)).slice(0, 16)
  return {
    ...manifest,
    directory,
    parts,
    dimension,
    logitScale: config.logit_scale,
    pixels,
    text: {
      contextLength: contextOf(config) ?? manifest.contextLength ?? usualContext(config),
      padId: config.text_config.pad_token_id ?? 0,
      padded: padsToContext(config) || manifest.padTexts !== undefined,
      padWith: manifest.padTexts ?? padWith(config),
      lowerCase: isSiglip(config),
      cleaning: cleaningBy(config),
    },
    recipe,
    space: recipe,
  }
}

/** Checks size and SHA-256 of the named files (all by default). Throws `checksum_mismatch`. */
export async function verifyModel(
  model: ModelFiles,
  names: readonly string[] = Object.keys(model.files),
): Promise<void> {
  for (const name of names) {
    const expected = model.files[name]
    const path = join(model.directory, name)
    const size = await stat(path).then(
      (s) => s.size,
      () => -1,
    )
    if (!expected || size !== expected.sizeBytes || (await sha256File(path)) !== expected.sha256) {
      throw new LucidaError(
        'checksum_mismatch',
        `${path} is not the file that its manifest names; restore it (reinstall Lucida, or pull the model again)`,
      )
    }
  }
}

async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Reads one of a model's JSON files. Throws `model_missing`, `model_invalid`. */
export async function readJson<T>(
  directory: string,
  name: string,
  schema: z.ZodType<T>,
): Promise<T> {
  const path = join(directory, name)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LucidaError('model_missing', `No model at ${directory}: cannot read ${name}`, {
      cause,
    })
  })
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new LucidaError('model_invalid', `${path} is not valid: ${messageOf(cause)}`, { cause })
  }
}
