// The models that were pulled or imported: checked and removed.
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LucidaError, messageOf } from '../core/errors.ts'
import { MODEL_MANIFEST, type ModelSpec, readModel, verifyModel } from './manifest.ts'
import { BUILT_IN_MODELS, findModel, modelFolders } from './registry.ts'

/** Whether a model's files are what its manifest says. */
export interface ModelCheck {
  readonly directory: string
  /** What is wrong; nothing when all is well. */
  readonly problem?: string
}

/** Compares every file of one model, or of all, with its checksum. */
export async function checkModels(
  directory: string,
  name: string | undefined,
): Promise<ModelCheck[]> {
  const folders = name
    ? [(await findModel(name, directory)).directory]
    : [...(await modelFolders(BUILT_IN_MODELS)), ...(await modelFolders(directory))]
  const checks: ModelCheck[] = []
  for (const folder of folders) {
    const problem = await readModel(folder)
      .then((model) => verifyModel(model))
      .then(() => undefined, messageOf)
    checks.push({ directory: folder, ...(problem !== undefined && { problem }) })
  }
  return checks
}

/** Deletes a pulled or imported model. Throws `bad_input` for one that travels with the program. */
export async function removeModel(directory: string, name: string): Promise<ModelSpec> {
  const model = await findModel(name, directory)
  if (join(directory, model.name) !== model.directory) {
    throw new LucidaError(
      'bad_input',
      `${model.name} lies in ${model.directory}, not among the models that were pulled or imported; it stays`,
    )
  }
  // Without its manifest it is no model any more, whatever else remains of it.
  await rm(join(model.directory, MODEL_MANIFEST))
  const aside = join(directory, `.removed-${model.name}`)
  await rename(model.directory, aside).catch(() => {})
  await rm(aside, { recursive: true, force: true })
  await rm(model.directory, { recursive: true, force: true })
  return model
}
