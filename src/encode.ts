// Texts and pictures one by one: their vectors, and which labels fit them.
import { resolve } from 'node:path'
import { type AnswerContext, loadTerm, type SearchTerm } from './answer.ts'
import { LucidaError } from './core/errors.ts'
import type { ContentHash } from './core/hash.ts'
import type { UnitVector } from './core/vector.ts'
import {
  type ClassifyMode,
  DEFAULT_TEMPLATE,
  embedLabels,
  type LabelScore,
  scoreLabels,
} from './search/classify.ts'
import { encodeQuery } from './search/query.ts'

/** What encoding needs. */
type EncodeContext = Pick<AnswerContext, 'clip' | 'pictures' | 'bank'>

/** Labels, and how they become captions. */
export interface ClassifyOptions {
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
  { clip, bank }: EncodeContext,
  { labels, templates = [DEFAULT_TEMPLATE], mode = 'single' }: ClassifyOptions,
): Promise<(picture: UnitVector) => LabelScore[]> {
  const directions = await embedLabels(clip.embedTexts, labels, templates)
  const how =
    mode === 'single' ? { mode, logitScale: clip.model.logitScale } : { mode, bank: await bank() }
  return (picture) => scoreLabels(picture, labels, directions, how)
}

/** Zero-shot classification of picture files. */
export async function* classifyFiles(
  context: EncodeContext,
  files: readonly string[],
  options: ClassifyOptions,
): AsyncGenerator<Classification> {
  const score = await openLabels(context, options)
  for (const path of files) {
    const vector = await naming(path, () => embedTerm(context, { path }))
    yield { path: resolve(path), mode: options.mode ?? 'single', labels: score(vector) }
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
