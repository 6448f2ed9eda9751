// A folder of model files that somebody brought here -> one of our models, for machines that reach no
// hub. The files are copied; the folder stays as it is.
import { createHash, randomBytes } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { moveDurably, replaceFile, syncFile } from '../core/durable-file.ts'
import { explainFullDisk, LucidaError, systemCode } from '../core/errors.ts'
import { openClip } from './clip.ts'
import {
  type Manifest,
  manifestSchema,
  MODEL_MANIFEST,
  type ModelSpec,
  modelName,
  readJson,
  readModel,
  verifyModel,
} from './manifest.ts'
import { type ModelParts, partsOf, withData } from './model-parts.ts'
import { knownModel } from './names.ts'

export interface ImportOptions {
  /** Folder that holds a folder for each model. */
  readonly directory: string
  /** Name it gets; that of the folder by default. */
  readonly name?: string | undefined
}

/**
 * Copies a model folder to the others and runs it once. Throws `model_invalid` when files are missing
 * or do not fit together, `bad_input` when the name is taken or none.
 */
export async function importModel(folder: string, options: ImportOptions): Promise<ModelSpec> {
  const known = knownModel(options.name ?? '') ?? knownModel(basename(folder))
  const name = options.name?.trim().toLowerCase() ?? known?.name ?? nameFrom(basename(folder))
  if (!modelName.safeParse(name).success) {
    throw new LucidaError(
      'bad_input',
      `Expected small letters, digits, dots and hyphens for the name of a model but received ${name}; choose one with --name`,
    )
  }
  const place = join(options.directory, name)
  if (await exists(place)) {
    throw new LucidaError(
      'bad_input',
      `There is a model ${name} already; remove it, or choose another name with --name`,
    )
  }
  const names = await filesBelow(folder)
  const parts = partsOf(names)
  const own = await ownManifest(folder, names)
  const listed = Object.keys(own?.files ?? {})
  const needed = parts ? [...new Set([...filesOf(parts, names), ...listed])] : []
  const missing = parts ? needed.filter((file) => !names.includes(file)) : EXPECTED
  if (missing.length > 0) {
    throw new LucidaError('model_invalid', `${folder} is no model: it lacks ${missing.join(', ')}`)
  }
  const draft = join(options.directory, `.import-${randomBytes(6).toString('hex')}`)
  try {
    const files: Manifest['files'] = {}
    for (const file of needed) {
      await mkdir(dirname(join(draft, file)), { recursive: true })
      await copyFile(join(folder, file), join(draft, file), constants.COPYFILE_FICLONE)
      await syncFile(join(draft, file))
      files[file] = await digestOf(join(draft, file))
    }
    const manifest = {
      title: known?.title ?? name,
      languages: known?.languages ?? [],
      license: known?.license ?? 'not known: imported from a folder',
      ...(known && { dimension: known.dimension, contextLength: known.contextLength }),
      ...(known?.padTexts !== undefined && { padTexts: known.padTexts }),
      ...own,
      name,
      files,
    }
    const text = `${JSON.stringify(manifest, null, 2)}\n`
    await replaceFile(join(draft, MODEL_MANIFEST), text)
    await runOnce(await readModel(draft))
    await moveDurably(draft, place)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw explainFullDisk(error, options.directory)
  }
  return readModel(place)
}

/** What a folder says that was one of our models before. Throws `checksum_mismatch`. */
async function ownManifest(
  folder: string,
  names: readonly string[],
): Promise<Manifest | undefined> {
  if (!names.includes(MODEL_MANIFEST)) return undefined
  const manifest = await readJson(folder, MODEL_MANIFEST, manifestSchema)
  await verifyModel({ directory: folder, files: manifest.files })
  return manifest
}

/** What a folder of neither layout is told to have. */
const EXPECTED = [
  'onnx/vision_model.onnx and onnx/text_model.onnx (or one variant of each, or one onnx/model.onnx)',
]

/** Both towers are loaded and asked, so that a model that cannot be run is refused now. */
async function runOnce(model: ModelSpec): Promise<void> {
  const clip = openClip(model, { threads: 1 })
  try {
    await clip.embedTexts(['a photo'])
    const { heightPx, widthPx } = model.pixels
    await clip.embedPixels([new Float32Array(3 * heightPx * widthPx).fill(1)])
  } finally {
    await clip.close()
  }
}

function filesOf(parts: ModelParts, names: readonly string[]): string[] {
  const graphs = [parts.vision, parts.text].flatMap((graph) => withData(graph, names))
  return ['config.json', parts.preprocessor, ...parts.tokenizer, ...graphs]
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (cause: unknown) => {
      throw new LucidaError('not_found', `Cannot read the folder ${folder}`, { cause })
    },
  )
  // Files of the hub's own cache are links, and are as good.
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(folder, sep).length))
    .map((path) => path.replaceAll(sep, '/'))
    .sort()
}

async function digestOf(path: string): Promise<Manifest['files'][string]> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return { sizeBytes: (await stat(path)).size, sha256: hash.digest('hex') }
}

function nameFrom(folderName: string): string {
  return folderName
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|-+$/g, '')
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => systemCode(error) !== 'ENOENT',
  )
}
