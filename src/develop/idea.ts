// What somebody wants to see -> what the pipeline is given and what the result is judged by. Pictures
// enter as their embeddings; texts as their meaning, which the prior turns into an embedding where
// they are to be mixed with pictures (Ramesh et al. 2022, section 3).
import { loadTerm, type SearchTerm } from '../answer.ts'
import { invalidInput, LucidaError } from '../core/errors.ts'
import { type ContentHash, sha256, sha256InTurns } from '../core/hash.ts'
import { normalize, slerp, type UnitVector, weightedSum } from '../core/vector.ts'
import type { Condition } from '../generate/types.ts'
import type { Clip } from '../models/clip.ts'
import { encodeQuery, type QueryTerm } from '../search/query.ts'

/** What is to be drawn. */
export type Idea =
  /** What a text says. */
  | { readonly text: string }
  /** A sum of texts and pictures with weights; of one picture alone, variations. */
  | { readonly mix: readonly SearchTerm[] }
  /** What lies on the way from one to the other: `at` 0 is the first, 1 the second. */
  | { readonly between: readonly [SearchTerm, SearchTerm]; readonly at: number }
  /** A picture with more of `to` and less of `from` ("a photo", when not given), `by` 0 to 1. */
  | {
      readonly change: SearchTerm
      readonly to: string
      readonly from?: string | undefined
      readonly by?: number | undefined
    }
  /** More like the best hits of a search. */
  | { readonly hitsOf: readonly SearchTerm[]; readonly count?: number | undefined }

/** An idea, understood. */
export interface Direction {
  readonly condition: Condition
  /** What a picture of it should be near to. */
  readonly target: UnitVector
  /** Whether the target is made of texts alone, so that relevance is defined for it. */
  readonly isText: boolean
  /** The idea as a record shows it: texts as they are, pictures by their SHA-256. */
  readonly record: IdeaRecord
}

/** As JSON. */
export type IdeaRecord = { readonly [key: string]: unknown }

/** What understanding takes. */
export interface IdeaContext {
  readonly clip: Clip
  readonly findVector: (id: ContentHash) => Promise<UnitVector | undefined>
  /** Vectors of the best hits in the collection, best first. */
  readonly findHits: (
    query: UnitVector,
    count: number,
  ) => Promise<readonly { readonly id: ContentHash; readonly vector: UnitVector }[]>
  /** The prior: from what texts mean to what a picture of it might look like. */
  readonly imagine: (meaning: UnitVector) => Promise<UnitVector>
}

/** A tokenizer reads no more than the beginning of a longer text. */
const MAX_TEXT = 4000
const MAX_HITS = 20
const DEFAULT_HITS = 5
/** The paper turns by a quarter to half of the way. */
const DEFAULT_CHANGE = 0.35
const PLAIN = 'a photo'

/**
 * Understands an idea. Throws what `encodeQuery` throws, `bad_input` for texts that are too long and
 * numbers out of range, and `not_found` for hits of an empty collection.
 */
export async function understand(context: IdeaContext, idea: Idea): Promise<Direction> {
  if ('text' in idea) return fromMix(context, [{ text: idea.text }])
  if ('mix' in idea) return fromMix(context, await loadAll(idea.mix))
  if ('between' in idea) return fromBetween(context, idea)
  if ('change' in idea) return fromChange(context, idea)
  return fromHits(context, idea)
}

/** The texts that somebody wants to see: not what is subtracted, and not what there is to be less of. */
export function wantedTexts(idea: Idea): string[] {
  if ('text' in idea) return [idea.text]
  if ('change' in idea) return [idea.to]
  const terms = 'mix' in idea ? idea.mix : 'between' in idea ? idea.between : idea.hitsOf
  return terms.flatMap((term) => ('text' in term && (term.weight ?? 1) > 0 ? [term.text] : []))
}

/** The meaning of a text that is to be avoided. */
export async function meaningOf(clip: Clip, text: string): Promise<UnitVector> {
  checkText('avoid', text)
  return (await clip.embedTexts([text.trim()]))[0]!
}

async function fromMix(context: IdeaContext, terms: readonly QueryTerm[]): Promise<Direction> {
  if (terms.length === 0) throw invalidInput('idea', 'a text or a picture', undefined)
  const { vector: target, isText } = await encode(context, terms)
  const record = { mix: await Promise.all(terms.map(recordOf)) }
  const [only] = terms
  if (terms.length === 1 && 'text' in only! && (only.weight ?? 1) > 0) {
    const text = only.text.trim()
    return { condition: { text }, target, isText, record: { text } }
  }
  if (isText) return { condition: { meaning: target }, target, isText, record }
  const embedding = await embed(context, terms)
  return { condition: { embedding }, target, isText, record }
}

async function fromBetween(
  context: IdeaContext,
  { between, at }: Extract<Idea, { between: unknown }>,
): Promise<Direction> {
  checkShare('at', at)
  const [first, second] = (await loadAll(between)) as [QueryTerm, QueryTerm]
  const ends = await Promise.all([embed(context, [first]), embed(context, [second])])
  const targets = [await encode(context, [first]), await encode(context, [second])] as const
  return {
    condition: { embedding: slerp(...ends, at) },
    target: slerp(targets[0].vector, targets[1].vector, at),
    isText: targets.every(({ isText }) => isText),
    record: { between: [await recordOf(first), await recordOf(second)], at },
  }
}

async function fromChange(
  context: IdeaContext,
  { change, to, from = PLAIN, by = DEFAULT_CHANGE }: Extract<Idea, { change: unknown }>,
): Promise<Direction> {
  checkShare('by', by)
  checkText('to', to)
  checkText('from', from)
  const term = await loadTerm(change)
  if ('text' in term) throw invalidInput('change', 'a picture', term.text)
  const [after, before] = await context.clip.embedTexts([to.trim(), from.trim()])
  const difference = normalizeDifference(after!, before!)
  const embedding = slerp(await embed(context, [term]), difference, by)
  return {
    condition: { embedding },
    target: embedding,
    isText: false,
    record: { change: await recordOf(term), to, from, by },
  }
}

async function fromHits(
  context: IdeaContext,
  { hitsOf, count = DEFAULT_HITS }: Extract<Idea, { hitsOf: unknown }>,
): Promise<Direction> {
  if (!Number.isInteger(count) || count < 1 || count > MAX_HITS) {
    throw invalidInput('count', `integer between 1 and ${MAX_HITS}`, count)
  }
  const terms = await loadAll(hitsOf)
  const { vector: target, isText } = await encode(context, terms)
  const hits = await context.findHits(target, count)
  if (hits.length === 0) {
    throw new LucidaError('not_found', 'No picture is indexed that could be a model for others')
  }
  const embedding = weightedSum(hits.map(({ vector }) => ({ vector, weight: 1 })))
  return {
    condition: { embedding },
    target,
    isText,
    record: {
      hitsOf: await Promise.all(terms.map(recordOf)),
      hits: hits.map(({ id }) => id),
    },
  }
}

async function loadAll(terms: readonly SearchTerm[]): Promise<QueryTerm[]> {
  return Promise.all(terms.map(loadTerm))
}

async function encode({ clip, findVector }: IdeaContext, terms: readonly QueryTerm[]) {
  for (const term of terms) if ('text' in term) checkText('text', term.text)
  return encodeQuery(clip, findVector, terms)
}

/** Texts that are added as what they might look like; pictures, and what is subtracted, as it is. */
async function embed(context: IdeaContext, terms: readonly QueryTerm[]): Promise<UnitVector> {
  const weighted = await Promise.all(
    terms.map(async (term) => {
      const weight = term.weight ?? 1
      const { vector } = await encode(context, [{ ...term, weight: 1 }])
      const isImagined = 'text' in term && weight > 0
      return { vector: isImagined ? await context.imagine(vector) : vector, weight }
    }),
  )
  return weightedSum(weighted)
}

async function recordOf(term: QueryTerm): Promise<IdeaRecord> {
  const weight = term.weight === undefined || term.weight === 1 ? {} : { weight: term.weight }
  if ('text' in term) return { text: term.text.trim(), ...weight }
  if ('id' in term) return { picture: term.id, ...weight }
  if ('picture' in term) return { picture: await sha256InTurns(term.picture), ...weight }
  const { buffer, byteOffset, byteLength } = term.vector
  return { vector: sha256(new Uint8Array(buffer, byteOffset, byteLength)), ...weight }
}

function normalizeDifference(after: UnitVector, before: UnitVector): UnitVector {
  if (after.every((value, i) => value === before[i])) {
    throw new LucidaError('bad_input', 'Expected two texts that differ for a change')
  }
  return normalize(after.map((value, i) => value - before[i]!))
}

function checkText(name: string, text: string): void {
  if (text.trim() === '') throw invalidInput(name, 'some words', text)
  // The database could not keep it.
  if (text.includes('\0')) throw invalidInput(name, 'text without NUL characters', text)
  if (text.length > MAX_TEXT) {
    throw invalidInput(name, `at most ${MAX_TEXT} characters`, text.length)
  }
}

function checkShare(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) throw invalidInput(name, 'number between 0 and 1', value)
}
