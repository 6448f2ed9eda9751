// An audit as a whole: association tests on texts, the composition of what neutral queries find, how
// much answers hang on their wording and, where there are labels, what groups of pictures are called.
import { setImmediate } from 'node:timers/promises'
import { invalidInput } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import type { EmbedTexts } from '../models/clip.ts'
import { amongContents, type VectorIndex } from '../search/vector-index.ts'
import { measureAssociation } from './association.ts'
import { type Attribute, labelAttribute, openAttribute, type PictureFacts } from './attribute.ts'
import { bootstrapInterval, resample } from './bootstrap.ts'
import { caveatsOf } from './caveats.ts'
import { type AuditSettings, measureComposition, MIN_GROUP, readValues } from './composition.ts'
import type { Labels } from './labels.ts'
import { type Group, measureMisclassification, rateOf } from './misclassification.ts'
import { measureSensitivity } from './prompt-sensitivity.ts'
import type {
  AssociationResult,
  AuditReport,
  MisclassificationResult,
  SensitivityResult,
} from './report.ts'
import { holm, mean } from './statistics.ts'
import { type AttributeTerms, findAttribute, type TermSets } from './term-sets.ts'

/** What is audited. */
export interface AuditContext extends PictureFacts {
  readonly model: string
  readonly embedTexts: EmbedTexts
  readonly index: Pick<VectorIndex, 'search'>
  /** The pictures that are looked through. */
  readonly contents: readonly ContentHash[]
}

/** How. */
export interface AuditOptions {
  /** Names of attributes; all of the term sets when not given. */
  readonly attributes?: readonly string[]
  /** First so many pictures for each query, 5 to 1000; 25 when not given. */
  readonly k?: number
  /** Against which composition: that of the collection, or equal shares. */
  readonly target?: 'collection' | 'equal'
  /** Labels of pictures, as an attribute of its own. */
  readonly labels?: Labels
  readonly seed?: number
  readonly permutations?: number
  readonly resamples?: number
}

/** Group labels' own name in a report. */
const LABELS = 'labels'
/** Pictures of a group that are compared with words; more would not change a digit. */
const MAX_TARGETS = 1000

/** Runs an audit. Throws `bad_input` for unknown attributes and for what is out of range. */
export async function runAudit(
  context: AuditContext,
  terms: TermSets,
  options: AuditOptions = {},
): Promise<AuditReport> {
  const settings = settingsOf(options)
  const wanted = options.attributes?.map((name) => findAttribute(terms, name)) ?? terms.attributes
  const labelled = options.labels && (await readGroups(context, options.labels))
  const opened = await Promise.all(
    wanted.map((one) => openAttribute(context.embedTexts, context, one)),
  )
  const attributes = [...opened, ...(labelled ? [labelled.attribute] : [])]
  const contents = [...context.contents].sort()
  const queries = await embedQueries(context.embedTexts, terms)
  const compositions = []
  for (const attribute of attributes) {
    const neutral = queries.map(({ name, vectors }) => ({ name, vector: vectors[0]! }))
    compositions.push(
      await measureComposition(context.index, attribute, contents, neutral, settings),
    )
  }
  const groups = labelled?.groups ?? []
  const measured = [
    ...(await wordAssociations(context.embedTexts, terms, settings)),
    ...(await pictureAssociations(context.embedTexts, terms, groups, settings)),
  ]
  const adjusted = holm(measured.map(({ p }) => p))
  const associations = measured.map((one, i) => ({ ...one, adjustedP: adjusted[i]! }))
  return {
    schema: 'lucida.audit/1',
    model: context.model,
    pictures: contents.length,
    ...settings,
    associations,
    compositions,
    sensitivity: await sensitivityOf(context, contents, queries, settings),
    misclassification: [
      ...(groups.length > 0
        ? await measureMisclassification(context.embedTexts, terms.classes, groups, settings)
        : []),
      ...(labelled ? await contradictions(context, contents, labelled, wanted, settings) : []),
    ],
    caveats: caveatsOf(attributes, associations, settings),
  }
}

function settingsOf(options: AuditOptions): AuditSettings {
  const { k = 25, target = 'collection', seed = 1, permutations = 999, resamples = 1000 } = options
  const inRange = (name: string, value: number, low: number, high: number) => {
    if (!Number.isInteger(value) || value < low || value > high) {
      throw invalidInput(name, `integer between ${low} and ${high}`, value)
    }
  }
  inRange('k', k, 5, 1000)
  inRange('seed', seed, 0, 2 ** 31)
  inRange('permutations', permutations, 99, 100_000)
  inRange('resamples', resamples, 100, 100_000)
  return { k, target, seed, permutations, resamples }
}

interface EmbeddedQuery {
  readonly name: string
  readonly vectors: readonly UnitVector[]
}

async function embedQueries(embedTexts: EmbedTexts, terms: TermSets): Promise<EmbeddedQuery[]> {
  const vectors = (await embedTexts(terms.queries.flatMap(({ phrases }) => phrases))).values()
  return terms.queries.map(({ name, phrases }) => {
    return { name, vectors: phrases.map(() => vectors.next().value!) }
  })
}

type Unadjusted = Omit<AssociationResult, 'adjustedP'>

async function wordAssociations(
  embedTexts: EmbedTexts,
  { associations }: TermSets,
  settings: AuditSettings,
): Promise<Unadjusted[]> {
  const results = []
  for (const { name, title, source, control, template, targets, attributes } of associations) {
    const embed = (words: readonly string[]) =>
      embedTexts(words.map((word) => template.replaceAll('{}', () => word)))
    // Others wait on this thread.
    await setImmediate()
    const [x, y, a, b] = await Promise.all([...targets, ...attributes].map((s) => embed(s.words)))
    results.push({
      name,
      title,
      source,
      control,
      of: 'words' as const,
      targets: [targets[0].name, targets[1].name] as const,
      attributes: [attributes[0].name, attributes[1].name] as const,
      ...measureAssociation({ targets: [x!, y!], attributes: [a!, b!] }, settings),
    })
  }
  return results
}

/** The two largest groups of pictures as targets, against each pair of attributes of the tests. */
async function pictureAssociations(
  embedTexts: EmbedTexts,
  { associations }: TermSets,
  [first, second]: readonly Group[],
  settings: AuditSettings,
): Promise<Unadjusted[]> {
  if (!first || !second) return []
  const results = []
  const seen = new Set<string>()
  for (const { name, template, attributes, source } of associations) {
    const [a, b] = attributes
    const key = JSON.stringify([a.words, b.words])
    if (seen.has(key)) continue
    seen.add(key)
    const embed = (words: readonly string[]) =>
      embedTexts(words.map((word) => template.replaceAll('{}', () => word)))
    const sets = {
      targets: [first.vectors.slice(0, MAX_TARGETS), second.vectors.slice(0, MAX_TARGETS)] as const,
      attributes: [await embed(a.words), await embed(b.words)] as const,
    }
    results.push({
      name: `pictures-${name}`,
      title: `Your pictures, ${a.name} and ${b.name} (words of ${name})`,
      source: `Steed and Caliskan 2021 (iEAT), pictures as targets; words: ${source}`,
      control: false,
      of: 'pictures' as const,
      targets: [first.name, second.name] as const,
      attributes: [a.name, b.name] as const,
      ...measureAssociation(sets, settings),
    })
  }
  return results
}

interface Labelled {
  readonly attribute: Attribute
  readonly values: Int8Array
  /** Largest first. */
  readonly groups: readonly Group[]
}

async function readGroups(context: AuditContext, labels: Labels): Promise<Labelled> {
  const attribute = labelAttribute(
    context,
    {
      name: LABELS,
      title: 'Your labels',
      source: 'The labels that were given',
      limits: 'As good as the labels are, and about the pictures that have one.',
    },
    labels,
  )
  const contents = [...context.contents].sort()
  const values = await readValues(attribute, contents)
  const members = attribute.values.map((_, value) => contents.filter((_, i) => values[i] === value))
  const groups = await Promise.all(
    attribute.values.map(async (name, value) => {
      return { name, vectors: [...(await context.vectorsOf(members[value]!)).values()] }
    }),
  )
  const large = groups.filter(({ vectors }) => vectors.length >= MIN_GROUP)
  return {
    attribute,
    values,
    groups: large.sort((a, b) => b.vectors.length - a.vectors.length),
  }
}

/** How often the model's own attribute differs from labels of the same names. */
async function contradictions(
  context: AuditContext,
  contents: readonly ContentHash[],
  { attribute, values }: Labelled,
  terms: readonly AttributeTerms[],
  settings: AuditSettings,
): Promise<MisclassificationResult[]> {
  const results: MisclassificationResult[] = []
  for (const one of terms) {
    if ('labels' in one) continue
    const names = one.values.map(({ name }) => name)
    if (!names.every((name) => attribute.values.includes(name))) continue
    // Whether somebody is visible is another question.
    const { among: _, ...byValues } = one
    const seen = await openAttribute(context.embedTexts, context, byValues)
    const guessed = await readValues(seen, contents)
    const groups = attribute.values.flatMap((label, value) => {
      const wrong = contents.flatMap((_, i) =>
        values[i] === value ? [Number(seen.values[guessed[i]!] !== label)] : [],
      )
      const isAsked = names.includes(label) && wrong.length > 0
      return isAsked ? [rateOf(label, wrong, settings)] : []
    })
    results.push({
      name: `${one.title}: the model contradicts the label`,
      source: 'As the error rates of Buolamwini and Gebru 2018, of zero-shot classification',
      groups,
    })
  }
  return results
}

async function sensitivityOf(
  { index }: AuditContext,
  contents: readonly ContentHash[],
  queries: readonly EmbeddedQuery[],
  settings: AuditSettings,
): Promise<SensitivityResult | null> {
  const { k } = settings
  const among = amongContents(new Set(contents))
  const results: SensitivityResult['queries'][number][] = []
  for (const { name, vectors } of queries) {
    if (vectors.length < 2 || contents.length === 0) continue
    const rankings = []
    for (const vector of vectors) {
      rankings.push((await index.search(vector, k, among)).map(({ content }) => content))
    }
    results.push({ query: name, phrases: vectors.length, ...measureSensitivity(rankings, k) })
  }
  if (results.length === 0) return null
  const over = (measure: 'overlap' | 'rbo') => {
    const all = results.map((one) => one[measure])
    const interval = bootstrapInterval(settings, (random) => mean(resample(all, random)))
    return [mean(all), interval] as const
  }
  const [[overlap, overlapInterval], [rbo, rboInterval]] = [over('overlap'), over('rbo')]
  return { queries: results, overlap, overlapInterval, rbo, rboInterval }
}
