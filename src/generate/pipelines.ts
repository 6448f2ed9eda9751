// Which pipelines there are: those in models/, which travel with the program, and those that somebody
// has put into the models folder, by name.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { isAbsolute, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LucidaError } from '../core/errors.ts'
import { PIPELINE_MANIFEST, type PipelineSpec, readPipeline } from './pipeline-manifest.ts'

const BUILT_IN = fileURLToPath(new URL('../../models', import.meta.url))

/** All pipelines at hand: the built-in ones, then those in `directory` that can be read. */
export async function listPipelines(directory?: string): Promise<PipelineSpec[]> {
  const builtIn = (await foldersIn(BUILT_IN)).map(readPipeline)
  const added = (await foldersIn(directory)).map((at) => readPipeline(at).catch(() => undefined))
  const pipelines = await Promise.all([...builtIn, ...added])
  return pipelines.filter((pipeline) => pipeline !== undefined)
}

async function foldersIn(directory: string | undefined): Promise<string[]> {
  if (directory === undefined) return []
  const names = await readdir(directory).catch(() => [])
  const folders = names.map((name) => join(directory, name)).sort()
  return folders.filter((at) => existsSync(join(at, PIPELINE_MANIFEST)))
}

/**
 * Finds a pipeline by name, also among those in `directory`, or, when it has a path separator in it,
 * by folder. Throws `model_missing`.
 */
export async function findPipeline(
  nameOrFolder: string,
  directory?: string,
): Promise<PipelineSpec> {
  if (isAbsolute(nameOrFolder) || nameOrFolder.includes('/') || nameOrFolder.includes(sep)) {
    return readPipeline(resolve(nameOrFolder))
  }
  const pipelines = await listPipelines(directory)
  const found = pipelines.find(({ name }) => name === nameOrFolder.trim().toLowerCase())
  if (found) return found
  const known = pipelines.map(({ name }) => name).join(', ') || 'none'
  throw new LucidaError('model_missing', `No pipeline is called ${nameOrFolder}; there is ${known}`)
}
