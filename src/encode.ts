// Texts and pictures one by one: their vectors, and which labels fit them.
import { type AnswerContext, loadTerm, type SearchTerm } from './answer.ts'
import { conceptOf } from './core/concept-name.ts'
import { invalidInput, LucidaError } from './core/errors.ts'
import type { ContentHash } from './core/hash.ts'
import { placeOf } from './core/place.ts'
import type { UnitVector } from './core/vector.ts'
import {
  type ClassifyMode,
  DEFAULT_TEMPLATE,
  embedLabels,
  type LabelHead,
  type LabelScore,
  scoreLabels,
} from './search/classify.ts'
import type { ConceptHead } from './search/concept.ts'
import { encodeQuery } from './search/query.ts'

/** What encoding needs. */
type EncodeContext = Pick<AnswerContext, 'clip' | 'pictures' | 'bank'>

/** What labelling needs: `concept` is the head of one that was taught. Throws `not_found`. */
type LabelContext = EncodeContext & { readonly concept: (name: string) => Promise<ConceptHead> }

/** Labels, and how they become captions. */
export interface ClassifyOptions {
  /** Words, or `concept:NAME` for a concept that was taught. */
  readonly labels: readonly string[]
  /** Captions with `{}` for the label, or `openai` or `simple` for published sets; averaged. */
  readonly templates?: readonly string[]
  readonly mode?: ClassifyMode
}

/** What `classify` says about one picture. */
export interface Classification {
  readonly path: string
  readonly mode: ClassifyMode
  readonly labels: readonly LabelScore[]
}

/** The vector of one text or picture. Throws as a search for it would. */
export async function embedTerm(context: EncodeContext, term: SearchTerm): Promise<UnitVector> {
  const lookUp = async (hash: ContentHash) => (await context.pictures.findVectors([hash])).get(hash)
  return (await encodeQuery(context.clip, lookUp, [await loadTerm(term)])).vector
}

/** Prepares the labels; what comes back scores them for one picture, best first. */
export async function openLabels(
  { clip, bank, concept }: LabelContext,
  { labels, templates = [DEFAULT_TEMPLATE], mode = 'single' }: ClassifyOptions,
): Promise<(picture: UnitVector) => LabelScore[]> {
  const words = labels.filter((label) => conceptOf(label) === null)
  if (words.length < labels.length && new Set(labels).size < labels.length) {
    throw invalidInput('labels', 'each name once', labels.join(','))
  }
  const isMixed = words.length < labels.length
  const ofWords = (
    isMixed && words.length === 0 ? [] : await embedLabels(clip.embedTexts, words, templates)
  ).values()
  const heads: LabelHead[] = []
  for (const label of labels) {
    const name = conceptOf(label)
    heads.push(name === null ? ofWords.next().value! : await concept(name))
  }
  const { logitScale } = clip.model
  const how =
    mode === 'single'
      ? { mode, logitScale, ...(isMixed && { bank: await bank() }) }
      : { mode, bank: await bank() }
  return (picture) => scoreLabels(picture, labels, heads, how)
}

/** Zero-shot classification of picture files. */
export async function* classifyFiles(
  context: LabelContext,
  files: readonly string[],
  options: ClassifyOptions,
): AsyncGenerator<Classification> {
  const score = await openLabels(context, options)
  for (const path of files) {
    const vector = await naming(path, () => embedTerm(context, { path }))
    yield { path: placeOf(path), mode: options.mode ?? 'single', labels: score(vector) }
  }
}

/** Codes that say what is wrong with a picture, in words that do not name it. */
const UNREADABLE_PICTURE = new Set(['corrupt_image', 'unsupported_format', 'too_large'])

/** Puts the picture's name before what is wrong with it. */
async function naming<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    if (!(cause instanceof LucidaError) || !UNREADABLE_PICTURE.has(cause.code)) throw cause
    throw new LucidaError(cause.code, `${name}: ${cause.message}`, { cause })
  }
}
