// Which idea the words and flags of `lucida generate` describe.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Idea, SearchTerm } from '../lucida.ts'
import { parseSource, parseTerms } from './terms.ts'

/** What the flags of the ideas give. */
export interface IdeaFlags {
  like?: string[]
  hits?: number | true
  between?: string
  and?: string
  at: number
  change?: string
  to?: string
  from?: string
  by?: number
}

const ID = /^[0-9a-f]{64}$/

/** The one idea; with none, or with several, the command ends with an error of usage. */
export function ideaOf(
  command: Command,
  words: readonly string[],
  flags: IdeaFlags,
  cwd: string,
): Idea {
  const { like = [], hits, between, and, at, change, to, from, by } = flags
  const fail = (message: string) => command.error(`error: ${message}`)
  const isSum = words.length > 0 || like.length > 0
  if ([isSum, between !== undefined, change !== undefined].filter(Boolean).length !== 1) {
    return fail('expected one of: words or pictures to draw, --between, --change')
  }
  if (change === undefined && [to, from, by].some((value) => value !== undefined)) {
    return fail("options '--to', '--from' and '--by' need '--change'")
  }
  if (!isSum && hits !== undefined) return fail("option '--hits' needs words to search for")
  if (between !== undefined) {
    if (and === undefined) return fail("option '--between' needs '--and'")
    return { between: [termOf(between, cwd), termOf(and, cwd)], at }
  }
  if (and !== undefined) return fail("option '--and' needs '--between'")
  if (change !== undefined) {
    if (to === undefined) return fail("option '--change' needs '--to'")
    return { change: pictureOf(change, cwd), to, from, by }
  }
  const terms = (words.length > 0 ? parseTerms(words, cwd) : []).map((term) =>
    'concept' in term ? fail('a concept cannot be drawn; draw from its examples: --like') : term,
  )
  const mix = [...terms, ...like.map((picture) => pictureOf(picture, cwd))]
  if (hits !== undefined) return { hitsOf: mix, ...(hits !== true && { count: hits }) }
  const [only] = mix
  const isText = mix.length === 1 && 'text' in only! && only.weight === undefined
  return isText ? { text: only.text } : { mix }
}

/** A picture by its id, its file or its address. */
export function pictureOf(
  text: string,
  cwd: string,
): { id: string } | { url: string } | { path: string } {
  const term = termOf(text, cwd)
  if ('id' in term || 'url' in term || 'path' in term) return term
  return { path: resolve(cwd, text) }
}

function termOf(text: string, cwd: string): SearchTerm {
  return ID.test(text) ? { id: text } : parseSource(text, cwd)
}
