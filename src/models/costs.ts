// What models cost: measured on one machine (models/costs.json, made by `npm run bench -- model-costs`),
// and for others estimated from there by published counts of operations.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { CatalogueModel } from './catalogue.ts'
import { BUILT_IN_MODELS } from './registry.ts'

const costSchema = z.object({
  /** Pictures that the image tower encodes in a second, in batches of `batch`. */
  perSecond: z.number().positive(),
  batch: z.number().int().positive(),
  /** Milliseconds from a new text of usual length to its vector. */
  textMs: z.number().positive(),
  /** Peak memory of a process that did both. */
  memoryMb: z.number().positive(),
})

const costsSchema = z.object({
  machine: z.string(),
  /** What made the figures less than they could be. */
  remark: z.string().optional(),
  node: z.string(),
  models: z.record(z.string(), costSchema),
})

/** What one model costs. */
export type ModelCost = z.infer<typeof costSchema>
/** What models cost on one machine. */
export type ModelCosts = z.infer<typeof costsSchema>

export const COSTS_FILE = join(BUILT_IN_MODELS, 'costs.json')

export async function readCosts(): Promise<ModelCosts> {
  return costsSchema.parse(JSON.parse(await readFile(COSTS_FILE, 'utf8')))
}

/** By whose cost others are estimated. */
const REFERENCE = 'clip-vit-b-32'

/**
 * Pictures a second of `wanted` on a machine that encodes `perSecond` of them with the model
 * `measured`; `undefined` where nothing is known to go by.
 */
export function estimateSpeed(
  costs: ModelCosts,
  catalogue: readonly CatalogueModel[],
  measured: { readonly model: string; readonly perSecond: number },
  wanted: string,
): number | undefined {
  const there = (name: string): number | undefined => {
    const known = costs.models[name]?.perSecond
    if (known !== undefined) return known
    const operations = (of: string) => catalogue.find((model) => model.name === of)?.gflops?.image
    const [reference, others] = [operations(REFERENCE), operations(name)]
    const speed = costs.models[REFERENCE]?.perSecond
    return reference && others && speed ? (speed * reference) / others : undefined
  }
  const [measuredThere, wantedThere] = [there(measured.model), there(wanted)]
  if (measuredThere === undefined || wantedThere === undefined) return undefined
  return (measured.perSecond / measuredThere) * wantedThere
}
