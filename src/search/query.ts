// Query algebra: texts, pictures and vectors, added and subtracted with weights -> one unit vector.
import { invalidInput, LucidaError } from '../core/errors.ts'
import { type ContentHash, sha256InTurns } from '../core/hash.ts'
import { type UnitVector, type WeightedVector, weightedSum } from '../core/vector.ts'
import type { Clip } from '../models/clip.ts'

/** What a term points at. */
export type TermSource =
  | { readonly text: string }
  /** An encoded picture of any supported format; its path tells a camera's raw file from TIFF. */
  | { readonly picture: Uint8Array; readonly pathHint?: string }
  /** An indexed picture, by its id. */
  | { readonly id: ContentHash }
  /** A unit vector of the model's dimension. */
  | { readonly vector: UnitVector }

/** One term of a query; a negative weight subtracts it. Weight 1 by default. */
export type QueryTerm = TermSource & { readonly weight?: number }

/** A query ready for an index. */
export interface EncodedQuery {
  readonly vector: UnitVector
  /** True when every term is a text: only then is relevance defined (see relevance.ts). */
  readonly isText: boolean
  /** Contents that the query itself is made of. */
  readonly ownContents: ReadonlySet<ContentHash>
}

/** The terms of a query, before they are summed. */
export interface EncodedTerms extends Omit<EncodedQuery, 'vector'> {
  /** In the order of the terms. */
  readonly terms: readonly WeightedVector[]
}

/** Weights beyond this only drown the other terms. */
const MAX_WEIGHT = 100

/** Encodes the terms together and sums them, normalised once at the end. As `encodeTerms`. */
export async function encodeQuery(
  clip: Clip,
  findVector: (hash: ContentHash) => Promise<UnitVector | undefined>,
  terms: readonly QueryTerm[],
): Promise<EncodedQuery> {
  const { terms: weighted, ...encoded } = await encodeTerms(clip, findVector, terms)
  return { ...encoded, vector: weightedSum(weighted) }
}

/**
 * Encodes each of the terms. `findVector` gives the stored vector of an indexed picture, so that it is not encoded again.
 * Throws `bad_input` (no terms, an empty text, a bad weight, terms that cancel out), `not_found`
 * (unknown id), `corrupt_image`, `unsupported_format`, `too_large`, `dimension_mismatch`.
 */
export async function encodeTerms(
  clip: Clip,
  findVector: (hash: ContentHash) => Promise<UnitVector | undefined>,
  terms: readonly QueryTerm[],
): Promise<EncodedTerms> {
  for (const term of terms) checkTerm(term)
  const ownContents = new Set<ContentHash>()
  const texts = terms.flatMap((term) => ('text' in term ? [term.text.trim()] : []))
  const textVectors = (texts.length > 0 ? await clip.embedTexts(texts) : []).values()
  const weighted = []
  for (const term of terms) {
    const vector =
      'text' in term
        ? textVectors.next().value!
        : await encodePicture(clip, findVector, term, ownContents)
    weighted.push({ vector, weight: term.weight ?? 1 })
  }
  return { terms: weighted, isText: texts.length === terms.length, ownContents }
}

function checkTerm(term: QueryTerm): void {
  const { weight = 1 } = term
  if (!Number.isFinite(weight) || weight === 0 || Math.abs(weight) > MAX_WEIGHT) {
    throw invalidInput(
      'weight',
      `a number other than 0 between -${MAX_WEIGHT} and ${MAX_WEIGHT}`,
      weight,
    )
  }
  if ('text' in term && term.text.trim() === '') {
    throw invalidInput('query text', 'some words', term.text)
  }
}

async function encodePicture(
  clip: Clip,
  findVector: (hash: ContentHash) => Promise<UnitVector | undefined>,
  term: Exclude<TermSource, { text: string }>,
  ownContents: Set<ContentHash>,
): Promise<UnitVector> {
  if ('vector' in term) return term.vector
  const hash = 'id' in term ? term.id : await sha256InTurns(term.picture)
  ownContents.add(hash)
  const stored = await findVector(hash)
  if (stored) return stored
  if ('id' in term) throw new LucidaError('not_found', `No indexed picture has the id ${term.id}`)
  const [vector] = await clip.embedPixels([await clip.preprocess(term.picture, term.pathHint)])
  return vector!
}
