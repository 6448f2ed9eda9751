// Which models there are: those in models/, which travel with the program, by name.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { isAbsolute, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LucidaError } from '../core/errors.ts'
import { type ModelSpec, readModel } from './manifest.ts'

const BUILT_IN = fileURLToPath(new URL('../../models', import.meta.url))

/** All built-in models. */
export async function listModels(): Promise<ModelSpec[]> {
  const entries = await readdir(BUILT_IN, { withFileTypes: true })
  const folders = entries.map(({ name }) => join(BUILT_IN, name)).sort()
  return Promise.all(folders.filter((at) => existsSync(join(at, 'manifest.json'))).map(readModel))
}

/** Finds a model by name or, when it has a path separator in it, by folder. Throws `model_missing`. */
export async function findModel(nameOrFolder: string): Promise<ModelSpec> {
  if (isAbsolute(nameOrFolder) || nameOrFolder.includes('/') || nameOrFolder.includes(sep)) {
    return readModel(resolve(nameOrFolder))
  }
  const models = await listModels()
  const model = models.find(({ name }) => name === nameOrFolder.trim().toLowerCase())
  if (model) return model
  const known = models.map(({ name }) => name).join(', ')
  throw new LucidaError('model_missing', `No model is called ${nameOrFolder}; there is ${known}`)
}
