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
import { type PixelRule, pixelRule, preprocessorSchema, PIXEL_CONVENTIONS } from './pixel-rule.ts'

/** Files every model has, relative to its folder. */
export const VISION_MODEL = 'onnx/vision_model.onnx'
export const TEXT_MODEL = 'onnx/text_model.onnx'

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

const manifestSchema = z.object({
  name: modelName,
  title: z.string(),
  languages: z.array(z.string()),
  license: z.string(),
  files: fileDigests,
  /** onnxruntime session configuration entries, such as `session.disable_quant_qdq`. */
  sessionConfig: z.record(z.string(), z.string()).default({}),
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

const configSchema = z.object({
  projection_dim: z.number().int().positive(),
  /** Temperature as a factor on the cosine; CLIP's own is 100. */
  logit_scale: z.number().positive().default(100),
  text_config: z.object({
    max_position_embeddings: z.number().int().min(2).default(77),
    eos_token_id: z.number().int(),
    pad_token_id: z.number().int(),
  }),
})

/** Parsed manifest.json. */
export type Manifest = z.infer<typeof manifestSchema>

/** Everything needed to run one CLIP-like dual encoder. */
export interface ModelSpec extends Omit<Manifest, 'files'> {
  /** Absolute folder that holds the files. */
  readonly directory: string
  readonly files: Manifest['files']
  /** Length of its vectors. */
  readonly dimension: number
  /** Factor on the cosine before a softmax over labels. */
  readonly logitScale: number
  readonly pixels: PixelRule
  readonly text: { readonly contextLength: number; readonly endId: number; readonly padId: number }
  /**
   * 16 hexadecimal digits over everything that decides an image vector: weights and preprocessing.
   * Vectors of different recipes are never mixed, even under one model name.
   */
  readonly recipe: string
}

/**
 * Reads a model folder. Throws `model_missing` without a manifest and `model_invalid` when a file
 * does not say what it must.
 */
export async function readModel(directory: string): Promise<ModelSpec> {
  const manifest = await readJson(directory, 'manifest.json', manifestSchema)
  const config = await readJson(directory, 'config.json', configSchema)
  const pixels = pixelRule(
    await readJson(directory, 'preprocessor_config.json', preprocessorSchema),
  )
  const vision = manifest.files[VISION_MODEL]
  if (!vision || !manifest.files[TEXT_MODEL]) {
    throw new LucidaError(
      'model_invalid',
      `The manifest of ${directory} must list ${VISION_MODEL} and ${TEXT_MODEL}`,
    )
  }
  const recipe = sha256(JSON.stringify([vision.sha256, pixels, PIXEL_CONVENTIONS])).slice(0, 16)
  return {
    ...manifest,
    directory,
    dimension: config.projection_dim,
    logitScale: config.logit_scale,
    pixels,
    text: {
      contextLength: config.text_config.max_position_embeddings,
      endId: config.text_config.eos_token_id,
      padId: config.text_config.pad_token_id,
    },
    recipe,
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
