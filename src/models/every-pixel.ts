// Pictures without shrinking them while they are decoded: a choice of whoever indexes, and a recipe of
// its own, since these vectors differ a little from the usual ones and are never mixed with them.
import { sha256 } from '../core/hash.ts'
import type { ModelSpec } from './manifest.ts'
import { findModel } from './registry.ts'

/** The model as it is, or one whose pixel rule wants every pixel of a picture. */
export function withShrinkOnLoad(model: ModelSpec, shrinkOnLoad: boolean): ModelSpec {
  if (shrinkOnLoad) return model
  const recipe = sha256(`${model.recipe},every-pixel`).slice(0, 16)
  return { ...model, recipe, pixels: { ...model.pixels, everyPixel: true } }
}

/** A model by its name or folder, as the settings want it. Throws what `findModel` throws. */
export async function findModelFor(
  { modelsDir, shrinkOnLoad }: { readonly modelsDir: string; readonly shrinkOnLoad: boolean },
  nameOrFolder: string,
): Promise<ModelSpec> {
  return withShrinkOnLoad(await findModel(nameOrFolder, modelsDir), shrinkOnLoad)
}
