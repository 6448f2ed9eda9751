// What is said to a server and what it says, in this process's words: terms and errors.
import type { QueryTerm, Term } from '../api/contract.ts'
import { ApiError } from '../client/client.ts'
import { type ErrorCode, LucidaError } from '../core/errors.ts'
import { placeOf } from '../core/place.ts'
import type { AnyTerm, SearchTerm } from '../lucida.ts'

/** A term of a search. */
export function toQueryTerm(term: AnyTerm): QueryTerm {
  return 'concept' in term ? { ...term } : toTerm(term)
}

export function toTerm(term: SearchTerm): Term {
  const weight = term.weight === undefined ? {} : { weight: term.weight }
  if ('text' in term) return { text: term.text, ...weight }
  if ('id' in term) return { id: term.id, ...weight }
  if ('vector' in term) return { vector: [...term.vector], ...weight }
  if ('url' in term) return { url: term.url, ...weight }
  if ('path' in term) return { path: placeOf(term.path), ...weight }
  return { image: Buffer.from(term.picture).toString('base64'), ...weight }
}

/** Codes that say what is wrong with a picture, in words that do not name it. */
const UNREADABLE_PICTURE = new Set(['corrupt_image', 'unsupported_format', 'too_large'])

/** The server's errors as if they had been thrown here; `name` is the picture that it was about. */
export async function translated<T>(answer: Promise<T>, name?: string): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw translate(error, name)
  }
}

export function translate(error: unknown, name?: string): unknown {
  if (!(error instanceof ApiError)) return error
  const prefix = name !== undefined && UNREADABLE_PICTURE.has(error.code) ? `${name}: ` : ''
  return lucidaError({ code: error.code, message: prefix + error.message })
}

export function lucidaError({ code, message }: { code: string; message: string }): LucidaError {
  return new LucidaError(code as ErrorCode, message)
}
