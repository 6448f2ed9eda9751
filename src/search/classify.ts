// Zero-shot classification (Radford et al. 2021, section 3.1): labels become captions by a template,
// and the picture's cosine to each caption decides.
import { invalidInput } from '../core/errors.ts'
import { dot, normalize, type UnitVector } from '../core/vector.ts'
import type { EmbedTexts } from '../models/clip.ts'
import { conceptDeviation, type ConceptHead, conceptProbability } from './concept.ts'
import { percentile, type NeutralBank } from './relevance.ts'
import { TEMPLATE_SETS } from './templates.ts'

/** The template of the CLIP paper. */
export const DEFAULT_TEMPLATE = 'a photo of a {}'

const SETS = Object.keys(TEMPLATE_SETS).join(' or ')

/**
 * `single`: exactly one label is right; scores are a softmax and sum to 1.
 * `multi`: each label stands alone; its score is the relevance of its caption (see relevance.ts).
 */
export type ClassifyMode = 'single' | 'multi'

/** A label with its score in [0, 1]. */
export interface LabelScore {
  readonly label: string
  readonly score: number
}

/**
 * One direction per label. Several templates are averaged after normalising, as open_clip does; the
 * name of a published set (see templates.ts) stands for all of its templates.
 * Throws `bad_input` for no or repeated labels and for a template without `{}`.
 */
export async function embedLabels(
  embedTexts: EmbedTexts,
  labels: readonly string[],
  namesAndTemplates: readonly string[],
): Promise<UnitVector[]> {
  const templates = namesAndTemplates.flatMap((text) => TEMPLATE_SETS[text] ?? [text])
  if (labels.length === 0 || labels.some((label) => label.trim() === '')) {
    throw invalidInput('labels', 'one or more names separated by commas', labels.join(','))
  }
  if (new Set(labels).size < labels.length) {
    throw invalidInput('labels', 'each name once', labels.join(','))
  }
  if (templates.length === 0) throw invalidInput('template', 'at least one text', 'none')
  for (const template of templates) {
    if (!template.includes('{}'))
      throw invalidInput('template', `a text with {} in it, or ${SETS}`, template)
  }
  const prompts = labels.flatMap((label) => templates.map((t) => t.replaceAll('{}', () => label)))
  const vectors = await embedTexts(prompts)
  return labels.map((_, i) =>
    average(vectors.slice(i * templates.length, (i + 1) * templates.length)),
  )
}

/** What a label is told by: the direction of its captions, or a concept that was taught. */
export type LabelHead = UnitVector | ConceptHead

/**
 * Scores the labels for one picture, best first. Among labels of which one is right, a concept that
 * is so many standard deviations above the collection counts as a caption that is as many above the
 * neutral captions; the bank is needed for that, and by itself for `multi`.
 */
export function scoreLabels(
  picture: UnitVector,
  labels: readonly string[],
  heads: readonly LabelHead[],
  how:
    | { readonly mode: 'single'; readonly logitScale: number; readonly bank?: NeutralBank }
    | { readonly mode: 'multi'; readonly bank: NeutralBank },
): LabelScore[] {
  const { bank } = how
  const neutral = bank && heads.some(isConcept) ? spreadOf(bank, picture) : null
  const cosineOf = (head: LabelHead) =>
    isConcept(head)
      ? neutral!.mean + neutral!.deviation * conceptDeviation(head, picture)
      : dot(head, picture)
  const scores =
    how.mode === 'single'
      ? softmax(heads.map((head) => cosineOf(head) * how.logitScale))
      : heads.map((head) =>
          isConcept(head)
            ? conceptProbability(head, picture)
            : percentile(how.bank, picture, dot(head, picture)),
        )
  return labels.map((label, i) => ({ label, score: scores[i]! })).sort((a, b) => b.score - a.score)
}

function isConcept(head: LabelHead): head is ConceptHead {
  return 'separation' in head
}

/** Of the picture's cosines to the neutral captions. */
function spreadOf(
  bank: NeutralBank,
  picture: UnitVector,
): { readonly mean: number; readonly deviation: number } {
  const cosines = bank.map((caption) => dot(caption, picture))
  const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length
  const variance = cosines.reduce((sum, cosine) => sum + (cosine - mean) ** 2, 0) / cosines.length
  return { mean, deviation: Math.sqrt(variance) }
}

function softmax(logits: readonly number[]): number[] {
  const max = Math.max(...logits)
  const exps = logits.map((logit) => Math.exp(logit - max))
  const sum = exps.reduce((a, b) => a + b, 0)
  return exps.map((e) => e / sum)
}

function average(vectors: readonly UnitVector[]): UnitVector {
  const sum = new Float32Array(vectors[0]!.length)
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!
  return normalize(sum)
}
