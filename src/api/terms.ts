// Terms as clients write them -> terms as a search takes them.
import type { Context } from 'hono'
import { normalize } from '../core/vector.ts'
import { LucidaError } from '../core/errors.ts'
import type { SearchTerm } from '../lucida.ts'
import type { ApiContext, ApiEnv, Caller } from './context.ts'
import type { PictureSource, QueryTerm } from './contract.ts'
import { RequestError } from './errors.ts'

/** Who asks, and until when they wait. */
export interface Asking {
  readonly caller: Caller
  readonly signal: AbortSignal
}

/** The part of a request that reading its terms needs. */
export function askingOf(c: Context<ApiEnv>): Asking {
  return { caller: c.get('caller'), signal: c.req.raw.signal }
}

/** Decodes and fetches what the terms point at. Throws `bad_input` and whatever a fetch throws. */
export function readTerms(
  context: ApiContext,
  terms: readonly (QueryTerm | PictureSource)[],
  field: string,
  asking: Asking,
): Promise<SearchTerm[]> {
  return Promise.all(terms.map((term, i) => readTerm(context, term, `${field}.${i}`, asking)))
}

async function readTerm(
  context: ApiContext,
  term: QueryTerm | PictureSource,
  field: string,
  { caller, signal }: Asking,
): Promise<SearchTerm> {
  const weight = 'weight' in term && term.weight !== undefined ? { weight: term.weight } : {}
  if ('text' in term) {
    if (term.text.trim() === '') throw new LucidaError('bad_input', `${field}.text: Expected words`)
    return { text: term.text, ...weight }
  }
  if ('concept' in term) {
    return context.lucida.concepts.resolve({ concept: term.concept, ...weight })
  }
  if ('id' in term) return { id: term.id, ...weight }
  if ('vector' in term) {
    const expected = context.lucida.model.dimension
    if (term.vector.length !== expected) {
      const message = `${field}.vector: Expected ${expected} numbers but received ${term.vector.length}`
      throw new RequestError('dimension_mismatch', message)
    }
    return { vector: normalize(term.vector), ...weight }
  }
  if ('url' in term) return { picture: await context.fetchPicture(term.url, signal), ...weight }
  if ('path' in term) {
    if (caller.isOwner) return { path: term.path, ...weight }
    throw new RequestError('forbidden', `${field}.path: Files are read for the shell only`)
  }
  return { picture: decodePicture(term.image, `${field}.image`), ...weight }
}

/** Base64, with or without `data:…;base64,` before it. */
export function decodePicture(base64: string, field: string): Uint8Array {
  const comma = base64.startsWith('data:') ? base64.indexOf(',') + 1 : 0
  const bytes = Buffer.from(base64.slice(comma), 'base64')
  if (bytes.length === 0) {
    throw new LucidaError('bad_input', `${field}: Expected a picture in base64`)
  }
  return bytes
}
