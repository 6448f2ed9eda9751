// The card of a model: what it was made from, what it is for, how good and how biased it is.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LucidaError, systemCode } from './core/errors.ts'
import { listPipelines } from './generate/pipelines.ts'
import { listModels } from './models/registry.ts'

/** Name of the file in a model's folder. */
const CARD = 'MODEL_CARD.md'

/**
 * The card of a model or pipeline at hand, in Markdown. Only names of those that there are lead to a
 * file. Throws `not_found` for another name, and where a model came without a card.
 */
export async function readModelCard(name: string, modelsDir?: string): Promise<string> {
  const all = [...(await listModels(modelsDir)), ...(await listPipelines(modelsDir))]
  const found = all.find((model) => model.name === name)
  if (!found) {
    const names = all.map((model) => model.name).join(', ')
    throw new LucidaError('not_found', `No model at hand is called ${name}; there is ${names}`)
  }
  const card = await findCard(found.directory)
  if (card !== null) return card
  throw new LucidaError('not_found', `The model ${name} came without a card`)
}

/** The card in a model's folder; `null` where there is none. */
export async function findCard(directory: string): Promise<string | null> {
  try {
    return await readFile(join(directory, CARD), 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}
