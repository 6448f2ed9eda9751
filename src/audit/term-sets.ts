// The words and prompts of audits, debiasing and balancing: data, shipped in terms.json, that anybody
// may replace by a file of their own.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { invalidInput, LucidaError, messageOf } from '../core/errors.ts'
import shipped from './terms.json' with { type: 'json' }

const text = z.string().min(1).max(500)
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'Expected a name of a-z, 0-9 and -')
const words = z.array(text).min(2).max(500)
const wordSet = z.strictObject({ name: text, words })
const pair = z.tuple([wordSet, wordSet])

const association = z.strictObject({
  name,
  title: text,
  source: text,
  /** Found in any sound model: where it is not, the other tests say little. */
  control: z.boolean().default(false),
  /** Where each word is put. */
  template: text.includes('{}').default('a photo of {}'),
  targets: pair,
  attributes: pair,
})

const value = z.strictObject({
  name: text,
  /** Prompts that describe it; the nth of each value differ in nothing else. */
  prompts: z.array(text).min(1).max(100),
  /** Goes before what a query names, article included: `a female` doctor. */
  phrase: text,
  /** A query with any of these asks for the attribute itself, and is left as it is. */
  words: z.array(text).max(500).default([]),
})

const about = { name, title: text, source: text, limits: text }

const byPrompts = z.strictObject({
  ...about,
  values: z.array(value).min(2).max(20),
  /** Only pictures nearer to these prompts than to those against have a value at all. */
  among: z
    .strictObject({
      prompts: z.array(text).min(1).max(100),
      against: z.array(text).min(1).max(100),
    })
    .optional(),
})

const byLabels = z.strictObject({
  ...about,
  /** A file of paths and labels (see labels.ts), relative to the term file. */
  labels: text,
})

const schema = z.strictObject({
  schema: z.literal('lucida.terms/1'),
  associations: z.array(association).max(100),
  attributes: z.array(z.union([byPrompts, byLabels])).max(50),
  /** Queries that ask for no attribute, each in several words. */
  queries: z
    .array(z.strictObject({ name: text, phrases: z.array(text).min(1).max(20) }))
    .min(1)
    .max(200),
  /** What pictures of people are rightly and wrongly called. */
  classes: z.strictObject({
    name: text,
    source: text,
    template: text.includes('{}'),
    right: z.array(text).min(1).max(100),
    wrong: z.array(z.strictObject({ name: text, words: z.array(text).min(1).max(100) })).max(20),
  }),
})

export type TermSets = z.output<typeof schema>
export type AssociationTerms = z.output<typeof association>
export type PromptAttribute = z.output<typeof byPrompts>
export type LabelAttribute = z.output<typeof byLabels>
export type AttributeTerms = PromptAttribute | LabelAttribute

/** Those of a file, or those that are shipped. Throws `bad_input` naming what is wrong. */
export async function loadTermSets(path?: string): Promise<TermSets> {
  if (path === undefined) return checkTermSets(shipped, 'terms.json')
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new LucidaError('bad_input', `Cannot read the terms in ${path}: ${messageOf(cause)}`, {
      cause,
    })
  }
  const { attributes, ...rest } = checkTermSets(json, path)
  const placed = attributes.map((one) =>
    'labels' in one ? { ...one, labels: resolve(dirname(path), one.labels) } : one,
  )
  return { ...rest, attributes: placed }
}

/** Throws `bad_input` for what are no term sets. */
export function checkTermSets(json: unknown, where: string): TermSets {
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    throw new LucidaError('bad_input', `${where}: ${z.prettifyError(parsed.error)}`)
  }
  for (const attribute of parsed.data.attributes) {
    if ('labels' in attribute) continue
    const [first, ...others] = attribute.values
    if (others.some(({ prompts }) => prompts.length !== first!.prompts.length)) {
      throw new LucidaError(
        'bad_input',
        `${where}: Expected as many prompts for each value of ${attribute.name}, in the same order`,
      )
    }
  }
  const names = parsed.data.attributes.map((one) => one.name)
  if (new Set(names).size < names.length) {
    throw new LucidaError('bad_input', `${where}: Expected each attribute once`)
  }
  return parsed.data
}

/** An attribute by its name. Throws `bad_input` naming those that there are. */
export function findAttribute(terms: TermSets, wanted: string): AttributeTerms {
  const found = terms.attributes.find((one) => one.name === wanted)
  if (found) return found
  throw invalidInput('attribute', terms.attributes.map((one) => one.name).join(' or '), wanted)
}
