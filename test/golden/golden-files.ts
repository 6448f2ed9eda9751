// What training/export/golden.py recorded, and the small models that it made.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

export const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url))

/** Reads a file of test/golden. */
export function readGolden(name: string): unknown {
  return JSON.parse(gunzipSync(readFileSync(new URL(name, import.meta.url))).toString())
}

/** `test/golden/clip-models.json.gz` */
export interface ModelsGolden {
  readonly texts: readonly string[]
  readonly models: Readonly<Record<string, ModelGolden>>
  /** Mean and deviation of each channel, by the name of the rule. */
  readonly rules: Readonly<Record<string, { mean: readonly number[]; std: readonly number[] }>>
  /** By rule and picture: bytes [h, w, 3] in base64, before they are normalised. */
  readonly pixels: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export interface ModelGolden {
  readonly rule: string
  readonly ids: readonly (readonly number[])[]
  /** Unit vectors. */
  readonly texts: readonly (readonly number[])[]
  readonly pictures: Readonly<Record<string, readonly number[]>>
}
