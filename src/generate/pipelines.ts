// Which pipelines there are: those in models/, which travel with the program, by name.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { isAbsolute, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LucidaError } from '../core/errors.ts'
import { PIPELINE_MANIFEST, type PipelineSpec, readPipeline } from './pipeline-manifest.ts'

const BUILT_IN = fileURLToPath(new URL('../../models', import.meta.url))

/** All built-in pipelines. */
export async function listPipelines(): Promise<PipelineSpec[]> {
  const entries = await readdir(BUILT_IN, { withFileTypes: true })
  const folders = entries.map(({ name }) => join(BUILT_IN, name)).sort()
  return Promise.all(
    folders.filter((at) => existsSync(join(at, PIPELINE_MANIFEST))).map(readPipeline),
  )
}

/** Finds a pipeline by name or, when it has a path separator in it, by folder. Throws `model_missing`. */
export async function findPipeline(nameOrFolder: string): Promise<PipelineSpec> {
  if (isAbsolute(nameOrFolder) || nameOrFolder.includes('/') || nameOrFolder.includes(sep)) {
    return readPipeline(resolve(nameOrFolder))
  }
  const pipelines = await listPipelines()
  const found = pipelines.find(({ name }) => name === nameOrFolder.trim().toLowerCase())
  if (found) return found
  const known = pipelines.map(({ name }) => name).join(', ') || 'none'
  throw new LucidaError('model_missing', `No pipeline is called ${nameOrFolder}; there is ${known}`)
}
