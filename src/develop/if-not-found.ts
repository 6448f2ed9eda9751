// What is drawn where a search finds nothing. "Nothing" is known for texts only: for them there is
// relevance.
import type { SearchOptions, SearchTerm } from '../answer.ts'
import { LucidaError } from '../core/errors.ts'
import type { Idea } from './idea.ts'
import type { GenerateOptions } from './order.ts'

const ROUNDS = 3

type TextTerm = Extract<SearchTerm, { readonly text: string }>

/** The order for what a search has not found. Throws `bad_input` where that cannot be known. */
export function orderIfNotFound(terms: readonly object[]): GenerateOptions {
  const texts = terms.filter((term): term is TextTerm => 'text' in term)
  if (terms.length === 0 || texts.length < terms.length) {
    throw new LucidaError(
      'bad_input',
      'terms: Expected texts only; whether something was not found is known for texts only',
    )
  }
  return { idea: ideaOf(texts), keep: 'accepted', rounds: ROUNDS }
}

/**
 * Whether anything on a first page is relevant; without calibration, whatever there is. By date, all
 * that is there is relevant, or scores as much as was asked for.
 */
export function isAnythingFound(
  { results, relevanceThreshold }: FirstPage,
  orderBy: SearchOptions['orderBy'] = 'score',
): boolean {
  if (orderBy === 'takenAt') return results.length > 0
  return results.some(({ relevance }) => (relevance ?? 0) >= (relevanceThreshold ?? 0))
}

interface FirstPage {
  readonly results: readonly { readonly relevance: number | null }[]
  readonly relevanceThreshold: number | null
}

function ideaOf(terms: readonly TextTerm[]): Idea {
  const [only] = terms
  const isPlain = terms.length === 1 && (only!.weight ?? 1) > 0
  return isPlain ? { text: only!.text } : { mix: terms }
}
