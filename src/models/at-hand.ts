// The models that were pulled or imported: checked and removed.
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LucidaError, messageOf } from '../core/errors.ts'
import { MODEL_MANIFEST, readModel, verifyModel } from './manifest.ts'
import { knownModel } from './names.ts'
import { UNFINISHED } from './pull.ts'
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

/**
 * Deletes a pulled or imported model, or what an interrupted pull of it has left; returns its name.
 * Throws `bad_input` for one that travels with the program.
 */
export async function removeModel(directory: string, name: string): Promise<string> {
  const known = knownModel(name)?.name
  if (known !== undefined) {
    const draft = join(directory, UNFINISHED, known)
    const drafted = await stat(draft).catch(() => undefined)
    await rm(draft, { recursive: true, force: true })
    if (drafted && !(await findModel(name, directory).catch(() => undefined))) return known
  }
  const model = await findModel(name, directory)
  if (join(directory, model.name) !== model.directory) {
    throw new LucidaError(
      'bad_input',
      `${model.name} lies in ${model.directory}, not among the models that were pulled or imported; it stays`,
    )
  }
  // Without its manifest it is no model any more, whatever else remains of it.
  await rm(join(model.directory, MODEL_MANIFEST))
  await rm(model.directory, { recursive: true, force: true })
  return model.name
}
