// Which value of an attribute a picture has: by prompts, as the model sees it, or by the labels that
// somebody has given. Answers are used and forgotten, never stored.
import type { ContentHash } from '../core/hash.ts'
import { dot, normalize, type UnitVector } from '../core/vector.ts'
import type { EmbedTexts } from '../models/clip.ts'
import type { PictureRow } from '../search/picture-table.ts'
import { type Labels, labelOf, readLabels } from './labels.ts'
import type { AttributeTerms, PromptAttribute } from './term-sets.ts'

/** What is known of pictures. */
export interface PictureFacts {
  readonly vectorsOf: (contents: readonly ContentHash[]) => Promise<Map<ContentHash, UnitVector>>
  readonly findPictures: (contents: readonly ContentHash[]) => Promise<Map<ContentHash, PictureRow>>
}

/** An attribute that can be read off pictures. */
export interface Attribute {
  readonly name: string
  readonly title: string
  readonly source: string
  readonly limits: string
  readonly kind: 'prompts' | 'labels'
  readonly values: readonly string[]
  /** A query with any of these asks for the attribute itself. */
  readonly words: readonly string[]
  /** The number of each picture's value; -1 where it has none. */
  valuesOf(contents: readonly ContentHash[]): Promise<Int8Array>
}

/** Opens an attribute of a term set. Throws `bad_input` for labels that cannot be read. */
export async function openAttribute(
  embedTexts: EmbedTexts,
  facts: PictureFacts,
  terms: AttributeTerms,
): Promise<Attribute> {
  if ('labels' in terms) return labelAttribute(facts, terms, await readLabels(terms.labels))
  const { name, title, source, limits } = terms
  const valueOf = await openZeroShot(embedTexts, terms)
  return {
    name,
    title,
    source,
    limits,
    kind: 'prompts',
    values: terms.values.map((value) => value.name),
    words: terms.values.flatMap((value) => value.words),
    async valuesOf(contents) {
      const vectors = await facts.vectorsOf(contents)
      return Int8Array.from(contents, (content) => {
        const vector = vectors.get(content)
        return vector ? valueOf(vector) : -1
      })
    },
  }
}

/** More values than this are names, not groups. */
const MAX_VALUES = 100

/** An attribute of labels; its values are the labels, the most frequent first. */
export function labelAttribute(
  { findPictures }: PictureFacts,
  about: Pick<Attribute, 'name' | 'title' | 'source' | 'limits'>,
  labels: Labels,
): Attribute {
  const { name, title, source, limits } = about
  const counts = new Map<string, number>()
  for (const label of labels.values()) counts.set(label, (counts.get(label) ?? 0) + 1)
  const values = [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, MAX_VALUES)
    .map(([label]) => label)
  const numbers = new Map(values.map((label, i) => [label, i]))
  return {
    name,
    title,
    source,
    limits,
    kind: 'labels',
    values,
    words: values,
    async valuesOf(contents) {
      const rows = await findPictures(contents)
      return Int8Array.from(contents, (content) => {
        const label = labelOf(labels, content, rows.get(content)?.paths ?? [])
        return (label === undefined ? undefined : numbers.get(label)) ?? -1
      })
    },
  }
}

/** Whether a text has any of the words in it. */
export function hasAnyWord(text: string, words: readonly string[]): boolean {
  const plain = (some: string) =>
    ` ${some
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}-]+/gu, ' ')
      .trim()} `
  const inText = plain(text)
  return words.some((word) => inText.includes(plain(word)))
}

/** The nearest value's prompts decide, as in zero-shot classification. */
async function openZeroShot(
  embedTexts: EmbedTexts,
  { values, among }: PromptAttribute,
): Promise<(picture: UnitVector) => number> {
  const directions = await Promise.all(
    values.map(({ prompts }) => meanDirection(embedTexts, prompts)),
  )
  const inside = among && (await meanDirection(embedTexts, among.prompts))
  const outside = among && (await meanDirection(embedTexts, among.against))
  return (picture) => {
    if (inside && outside && dot(inside, picture) <= dot(outside, picture)) return -1
    return nearest(directions, picture)
  }
}

/** The number of the direction that lies nearest. */
export function nearest(directions: readonly UnitVector[], picture: UnitVector): number {
  let [best, bestScore] = [0, -Infinity]
  for (const [i, direction] of directions.entries()) {
    const score = dot(direction, picture)
    if (score > bestScore) [best, bestScore] = [i, score]
  }
  return best
}

/** Mean of the prompts' vectors. */
export async function meanDirection(
  embedTexts: EmbedTexts,
  prompts: readonly string[],
): Promise<UnitVector> {
  const vectors = await embedTexts(prompts)
  const sum = new Float32Array(vectors[0]!.length)
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!
  return normalize(sum)
}
