// The pipeline that draws in tests which need a real one: LUCIDA_GENERATOR, or the one of the project.
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const BUILT_IN = join(import.meta.dirname, '../../models/lucida-unclip-1')

/** Its folder; undefined where there is none. */
export const GENERATOR = [process.env.LUCIDA_GENERATOR, BUILT_IN].find(
  (folder) => folder && existsSync(join(folder, 'pipeline.json')),
)

/** Why what draws is skipped; empty where it is not. */
export const NO_GENERATOR = GENERATOR
  ? ''
  : ' (skipped: there is no models/lucida-unclip-1; LUCIDA_GENERATOR may name a pipeline)'
