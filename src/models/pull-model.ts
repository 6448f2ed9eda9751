// A model of the catalogue -> a folder like that of a built-in one.
import type { CatalogueModel } from './catalogue.ts'
import { LucidaError } from '../core/errors.ts'
import { type Manifest, MODEL_MANIFEST, type ModelSpec, readModel } from './manifest.ts'
import { type PullOptions, pullFolder } from './pull.ts'

export interface PullModelOptions extends PullOptions {
  /** That the licence was accepted, where one must be. */
  readonly licenseAccepted?: boolean
}

/**
 * Pulls what is missing of a model. Throws `forbidden` where its licence must be accepted first, and
 * what `pullFolder` throws.
 */
export async function pullModel(
  model: CatalogueModel,
  options: PullModelOptions,
): Promise<ModelSpec> {
  const { acceptLicense } = model
  if (acceptLicense !== undefined && !options.licenseAccepted) {
    throw new LucidaError(
      'forbidden',
      `${model.name} comes under a licence that must be accepted: ${model.license} (${acceptLicense}). ` +
        'Read it, then pull with --accept-licence',
    )
  }
  const { name, title, languages, license, dimension, contextLength, padTexts } = model
  const at = new Date().toISOString()
  const directory = await pullFolder(
    {
      name,
      files: model.files,
      manifest: MODEL_MANIFEST,
      read: readModel,
      describe: (files, pulledFrom): Omit<Manifest, 'sessionConfig'> => ({
        name,
        title,
        languages: [...languages],
        license,
        files,
        dimension,
        contextLength,
        ...(padTexts === undefined ? {} : { padTexts }),
        pulledFrom,
        ...(acceptLicense === undefined ? {} : { accepted: { license: acceptLicense, at } }),
      }),
    },
    options,
  )
  return readModel(directory)
}
