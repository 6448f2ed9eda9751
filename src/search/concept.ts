// A concept of somebody's own, from a few pictures that are one and perhaps some that are not: a
// linear head on the model's vectors, fitted against a sample of the collection. What it is worth is
// told by leaving out each example in turn.
import { LucidaError } from '../core/errors.ts'
import { normalize, type UnitVector } from '../core/vector.ts'
import { type Example, fitRidge } from './ridge.ts'

/** What a concept is fitted to. */
export interface ConceptExamples {
  readonly positives: readonly UnitVector[]
  readonly negatives: readonly UnitVector[]
  /** Pictures of the collection, taken for what is not it though a few may be. */
  readonly background: readonly UnitVector[]
  /** The vector of its words, toward which the head is drawn. */
  readonly text?: UnitVector | undefined
}

/** Tells how likely a picture is one: the logistic function of weights · vector + bias. */
export interface ConceptHead {
  readonly weights: Float32Array
  readonly bias: number
  /** How far the examples are above the collection, in its standard deviations. */
  readonly separation: number
}

/** What leaving out each example in turn says. */
export interface ConceptQuality {
  /** Of the examples left out, ranked among the background and the counter-examples. */
  readonly averagePrecision: number
  /** Chance that an example left out is above one of those; 0.5 is none. */
  readonly auc: number
}

/** A head, and its quality where there are two examples at least. */
export interface TaughtHead {
  readonly head: ConceptHead
  readonly quality: ConceptQuality | null
}

/** All examples together count as much as a ninth of the background (`npm run bench -- teach`). */
const EXAMPLES_WEIGHT = 0.1
const BACKGROUND_WEIGHT = 0.9
const PENALTY = 0.03
/** How much of the words' vector is in the head beside one picture; beside more it is less. */
const TEXT_WEIGHT = 3
/** Probabilities are for a collection in which one picture in so many is one. */
const ASSUMED_RARITY = 100
/** A head that separates less than this is no use, but must not turn round. */
const MIN_SEPARATION = 0.1

/** Fits a head. Throws `bad_input` without an example, or with nothing to tell it from. */
export async function fitConcept(examples: ConceptExamples): Promise<TaughtHead> {
  const { positives, negatives, background, text } = examples
  const first = positives[0]
  if (!first) throw new LucidaError('bad_input', 'Expected at least one picture that is one')
  if (background.length + negatives.length === 0) {
    throw new LucidaError(
      'bad_input',
      'There is nothing to tell it from: index some pictures, or name some that are not one',
    )
  }
  const counterWeight = EXAMPLES_WEIGHT / Math.max(positives.length, negatives.length)
  const rows: Example[] = [
    ...weighted(positives, 1, EXAMPLES_WEIGHT / positives.length),
    ...weighted(negatives, 0, counterWeight),
    ...weighted(background, 0, BACKGROUND_WEIGHT / Math.max(1, background.length)),
  ]
  const ofText = TEXT_WEIGHT / Math.sqrt(positives.length)
  const toward = Float64Array.from(first, (_, i) => (text ? ofText * text[i]! : 0))
  const { weights, bias, leftOut } = await fitRidge(rows, toward, PENALTY)

  const others = Array.from(leftOut.subarray(positives.length))
  const level = mean(others)
  const spread = Math.max(deviation(others, level), 1e-6)
  const own = Array.from(leftOut.subarray(0, positives.length))
  // The only example cannot be left out: half of what it comes to is believed.
  const reached = positives.length > 1 ? mean(own) : (level + score({ weights, bias }, first)) / 2
  const separation = Math.max(MIN_SEPARATION, (reached - level) / spread)
  // Two normal distributions of one width, the examples' `separation` above the others'.
  const slope = separation / spread
  const middle = level + (separation * spread) / 2
  const odds = -Math.log(ASSUMED_RARITY - 1)
  return {
    head: {
      weights: Float32Array.from(weights, (weight) => slope * weight),
      bias: slope * (bias - middle) + odds,
      separation,
    },
    quality: positives.length > 1 ? qualityOf(own, others) : null,
  }
}

/** In [0, 1]. */
export function conceptProbability(head: ConceptHead, picture: UnitVector): number {
  return 1 / (1 + Math.exp(-score(head, picture)))
}

/** How far above the ordinary pictures of the collection one is, in their standard deviations. */
export function conceptDeviation(head: ConceptHead, picture: UnitVector): number {
  const { separation } = head
  const logit = score(head, picture) + Math.log(ASSUMED_RARITY - 1)
  return logit / separation + separation / 2
}

/** Pictures ranked by their cosine to it are ranked by their probability. */
export function conceptDirection({ weights }: ConceptHead): UnitVector {
  return normalize(weights)
}

/** The cosine to the direction from which the probability is `atLeast`. */
export function conceptThreshold({ weights, bias }: ConceptHead, atLeast: number): number {
  const logit = Math.log(atLeast / (1 - atLeast))
  return (logit - bias) / Math.hypot(...weights)
}

function weighted(
  vectors: readonly UnitVector[],
  target: number,
  weight: number,
): readonly Example[] {
  return vectors.map((vector) => ({ vector, target, weight }))
}

function score(
  { weights, bias }: { weights: Float32Array | Float64Array; bias: number },
  picture: Float32Array,
): number {
  let sum = bias
  for (let i = 0; i < picture.length; i++) sum += weights[i]! * picture[i]!
  return sum
}

/** Ties count against the examples in the precision, and half in the area. */
function qualityOf(own: readonly number[], others: readonly number[]): ConceptQuality {
  const sorted = own.toSorted((a, b) => b - a)
  let precision = 0
  let above = 0
  for (const [i, value] of sorted.entries()) {
    const higher = others.filter((other) => other >= value).length
    const tied = others.filter((other) => other === value).length
    precision += (i + 1) / (i + 1 + higher)
    above += others.length - higher + tied / 2
  }
  return {
    averagePrecision: precision / own.length,
    auc: above / (own.length * others.length),
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function deviation(values: readonly number[], about: number): number {
  return Math.sqrt(mean(values.map((value) => (value - about) ** 2)))
}
