// The version of this program, read from the package it runs from.
import { readFileSync } from 'node:fs'

/** As in package.json. The file lies two folders above both src/core/ and dist/core/. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
).version
