// What the page has drawn: what a search has not found, and what becomes of a picture.
import type { Term } from '../api/contract.ts'
import type { GenerationRequest } from '../api/generation-contract.ts'
import { fileName } from './describe.ts'
import type { Query } from './query.ts'
import type { Results, State } from './store.ts'
import { parseWords } from './words.ts'

/** An order, and what it is called on the page. */
export interface Order {
  readonly title: string
  readonly request: GenerationRequest
  /** From which a candidate is relevant; null where relevance says nothing. */
  readonly relevanceThreshold: number | null
}

/** Pictures of one round. */
const CANDIDATES = 4
/** Where nothing passes it is tried again. */
const ROUNDS = 3
const SEEDS = 2 ** 32

/**
 * Whether an answer says that no picture shows what was described. Of pictures in a sum, relevance
 * says nothing.
 */
export function isNotFound(
  { words, pictures }: Query,
  { phase, items, relevanceThreshold }: Results,
): boolean {
  const isDescribed = pictures.length === 0 && parseWords(words).some(({ weight }) => weight > 0)
  if (!isDescribed || phase !== 'ready') return false
  return items.every(({ relevance }) => (relevance ?? 0) < (relevanceThreshold ?? 0))
}

/** Drawing changes the collection, and whoever may only look may not. */
export function mayDraw({ session }: Pick<State, 'session'>): boolean {
  return session?.scope === 'write' || session?.scope === 'admin'
}

/** What was looked for. It is kept where it is relevant and better than what is there. */
export function orderOfWords(words: string, relevanceThreshold: number | null): Order {
  const terms = parseWords(words)
  const [only] = terms
  const isPlain = terms.length === 1 && only!.weight === 1
  const how = { keep: 'accepted', rounds: ROUNDS, candidates: CANDIDATES } as const
  return {
    title: `Developing “${words.trim()}”`,
    request: isPlain ? { text: only!.text, ...how } : { terms, ...how },
    relevanceThreshold,
  }
}

/** The same again, from other seeds: without one the server returns what it has kept before. */
export function otherwise({ request, ...order }: Order, random = Math.random): Order {
  return { ...order, request: { ...request, seed: Math.floor(random() * SEEDS) } }
}

/** A picture of this page, by its id and what it is called. */
export interface Named {
  readonly id: string
  readonly path: string
}

/** The same picture drawn anew; `variation` 0 stays close, 1 strays far. */
export function orderOfVariations({ id, path }: Named, variation: number): Order {
  return {
    title: `Variations of ${fileName(path)}`,
    request: { terms: [{ id }], variation, candidates: CANDIDATES },
    relevanceThreshold: null,
  }
}

/** What lies between a picture (`at` 0) and words or another picture (`at` 1). */
export function orderOfBlend({ id, path }: Named, other: Term, at: number): Order {
  const what = 'text' in other ? `“${other.text}”` : 'another picture'
  return {
    title: `Between ${fileName(path)} and ${what}`,
    request: { between: [{ id }, other], at, candidates: CANDIDATES },
    relevanceThreshold: null,
  }
}

/** A picture with more of one thing, and less of another where that is said. */
export function orderOfChange({ id, path }: Named, more: string, less: string): Order {
  return {
    title: `${fileName(path)} with more “${more}”`,
    request: { change: { id }, to: more, ...(less && { from: less }), candidates: CANDIDATES },
    relevanceThreshold: null,
  }
}
