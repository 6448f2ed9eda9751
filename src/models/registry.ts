// Which models there are: those in models/, which travel with the program, and those that were pulled
// or imported, by name.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { isAbsolute, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LucidaError } from '../core/errors.ts'
import { MODEL_MANIFEST, type ModelSpec, readModel } from './manifest.ts'
import { knownModel } from './names.ts'

export const BUILT_IN_MODELS = fileURLToPath(new URL('../../models', import.meta.url))

/** The one that is used where no other is asked for. */
export const DEFAULT_MODEL = 'lucida-clip-1'

/** All models at hand: the built-in ones, then those in `directory` that can be read. */
export async function listModels(directory?: string): Promise<ModelSpec[]> {
  const builtIn = (await modelFolders(BUILT_IN_MODELS)).map(readModel)
  const added = (await modelFolders(directory)).map((at) => readModel(at).catch(() => undefined))
  const models = await Promise.all([...builtIn, ...added])
  return models.filter((model) => model !== undefined)
}

/**
 * Finds a model by name, in any of the styles in which its name is written, or by folder. `directory`
 * holds those that were pulled. Throws `model_missing`.
 */
export async function findModel(nameOrFolder: string, directory?: string): Promise<ModelSpec> {
  const name = nameOrFolder.trim()
  const isPath = isAbsolute(name) || /^\.{0,2}\//.test(name) || name.includes(sep)
  const known = knownModel(name)
  // `ViT-B-32/openai` may be a folder as well as a name: a folder that is there is meant.
  const folder = resolve(name)
  if (isPath && (!known || existsSync(join(folder, MODEL_MANIFEST)))) return readModel(folder)
  for (const place of [BUILT_IN_MODELS, directory]) {
    for (const candidate of [name.toLowerCase(), known?.name]) {
      if (place === undefined || !candidate) continue
      const at = join(place, candidate)
      if (isModelName(candidate) && existsSync(join(at, MODEL_MANIFEST))) return readModel(at)
    }
  }
  if (known) {
    throw new LucidaError(
      'model_missing',
      `The model ${known.name} is not here yet: lucida models pull ${known.name}`,
    )
  }
  const atHand = (await listModels(directory)).map((model) => model.name).join(', ')
  throw new LucidaError(
    'model_missing',
    `No model is called ${nameOrFolder}; there is ${atHand}, and more can be pulled (lucida models list --all)`,
  )
}

/** Names become folder names, so nothing else may look like one. */
function isModelName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]*$/.test(name)
}

/** Folders in `directory` that a manifest makes models, readable or not. */
export async function modelFolders(directory: string | undefined): Promise<string[]> {
  if (directory === undefined) return []
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  return entries
    .filter(({ name }) => isModelName(name))
    .map(({ name }) => join(directory, name))
    .filter((at) => existsSync(join(at, MODEL_MANIFEST)))
    .sort()
}
