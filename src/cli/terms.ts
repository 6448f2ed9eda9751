// The little language of `lucida search`: words, pictures, + and -.
import { existsSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import { conceptOf } from '../core/concept-name.ts'
import { LucidaError } from '../core/errors.ts'
import { isBucketPath, placeOf } from '../core/place.ts'
import type { AnyTerm, SearchTerm } from '../lucida.ts'

/** Extensions that make a bare word a file, where such a file exists. */
const PICTURE_NAME =
  /^\.(jpe?g|png|webp|avif|gif|tiff?|svg|heic|heif|hif|jxl|bmp|p[bgpn]m|arw|cr[23]|dng|nef|orf|pef|raf|rw2)$/i

/**
 * Parses the words after `lucida search`. Words up to a lone `+` or `-` are one term, so that
 * `lucida search a red car + 2:night - snow` needs no quotes. Only a term after `+` or `-` may
 * carry a weight prefix. Throws `bad_input` for a sign without a term.
 */
export function parseTerms(words: readonly string[], cwd: string): AnyTerm[] {
  const terms: AnyTerm[] = []
  let sign: '+' | '-' | null = null
  let current: string[] = []
  const finish = () => {
    const text = current.join(' ').trim()
    current = []
    if (text === '') {
      if (sign) throw new LucidaError('bad_input', `Expected a term after ${sign}`)
      return
    }
    terms.push(sign ? signedTerm(sign, text, cwd) : parseTerm(text, cwd))
  }
  for (const word of words) {
    if (word === '+' || word === '-') {
      finish()
      sign = word
    } else {
      current.push(word)
    }
  }
  finish()
  if (terms.length === 0) throw new LucidaError('bad_input', 'Expected something to search for')
  return terms
}

function signedTerm(sign: '+' | '-', text: string, cwd: string): AnyTerm {
  const prefix = /^(\d+(?:\.\d+)?|\.\d+):(?=.)/.exec(text)
  const weight = prefix ? Number(prefix[1]) : 1
  const source = parseTerm(prefix ? text.slice(prefix[0].length) : text, cwd)
  return { ...source, weight: sign === '+' ? weight : -weight }
}

/** `concept:NAME`, or a source. */
function parseTerm(text: string, cwd: string): AnyTerm {
  const concept = conceptOf(text)
  return concept === null ? parseSource(text, cwd) : { concept }
}

/** A URL, a picture file (a path, or the name of one that exists), or text. */
export function parseSource(text: string, cwd: string): SearchTerm {
  if (/^https?:\/\//i.test(text)) return { url: text }
  const path = placeOf(text, cwd)
  if (isBucketPath(text) || /^(\.{0,2}|~)[/\\]/.test(text) || /^[a-z]:[/\\]/i.test(text))
    return { path }
  const isFile = PICTURE_NAME.test(extname(text)) && existsSync(path) && statSync(path).isFile()
  return isFile ? { path } : { text }
}
