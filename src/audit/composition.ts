// Who is in the first pictures for queries that ask for nobody in particular: skew and divergence by
// an attribute, with intervals, and how often chance alone would do it.
import { setImmediate } from 'node:timers/promises'
import type { ContentHash } from '../core/hash.ts'
import { amongContents, type VectorIndex } from '../search/vector-index.ts'
import type { UnitVector } from '../core/vector.ts'
import type { Attribute } from './attribute.ts'
import { bootstrapInterval, resample } from './bootstrap.ts'
import { dealByChance, measurePrefix } from './deal.ts'
import type { CompositionResult, MeanOverQueries, QueryComposition } from './report.ts'
import { countValues, sharesOf } from './skew.ts'
import { holm, mean } from './statistics.ts'

/** What all parts of an audit are told. */
export interface AuditSettings {
  readonly k: number
  readonly target: 'collection' | 'equal'
  readonly seed: number
  readonly permutations: number
  readonly resamples: number
}

/** A query that asks for no attribute. */
export interface NeutralQuery {
  readonly name: string
  readonly vector: UnitVector
}

/** Groups that are smaller say more about single pictures than about the collection. */
export const MIN_GROUP = 5

const CHUNK = 1000

/** Values of all pictures; those of groups that are too small count as none. */
export async function readValues(
  attribute: Attribute,
  contents: readonly ContentHash[],
): Promise<Int8Array> {
  const values = new Int8Array(contents.length).fill(-1)
  for (let at = 0; at < contents.length; at += CHUNK) {
    values.set(await attribute.valuesOf(contents.slice(at, at + CHUNK)), at)
  }
  const counts = countValues(values, values.length, attribute.values.length)
  return values.map((value) => (value >= 0 && counts[value]! >= MIN_GROUP ? value : -1))
}

/** Measures the composition of the first `k` for each query, among the pictures that have a value. */
export async function measureComposition(
  index: Pick<VectorIndex, 'search'>,
  attribute: Attribute,
  contents: readonly ContentHash[],
  queries: readonly NeutralQuery[],
  settings: AuditSettings,
): Promise<CompositionResult> {
  const { k, target } = settings
  const values = await readValues(attribute, contents)
  const valueOf = new Map(
    contents.flatMap((content, i) => (values[i]! < 0 ? [] : [[content, values[i]!]])),
  )
  const shares = sharesOf(countValues(values, values.length, attribute.values.length))
  const present = shares.filter((share) => share > 0).length
  const targets = shares.map((share) =>
    target === 'equal' && share > 0 ? 1 / present : share || 0,
  )
  const { name, title, source, limits, kind } = attribute
  const about = { attribute: name, title, source, limits, kind, pictures: valueOf.size }
  const named = attribute.values.map((value, i) => {
    return { name: value, share: shares[i] || 0, target: targets[i]! }
  })
  const skipped =
    present < 2
      ? 'Fewer than two of its values are in the collection, each in five pictures at least'
      : valueOf.size < 2 * k
        ? `Only ${valueOf.size} pictures have a value; at k = ${k} it takes ${2 * k}`
        : null
  if (skipped !== null) {
    return { ...about, values: named, skipped, queries: [], maxSkew: null, ndkl: null }
  }
  // Pictures drawn anew may need more than the first k; three times as many always do.
  const among = amongContents(new Set(valueOf.keys()))
  const rankings: ContentHash[][] = []
  for (const { vector } of queries) {
    const hits = await index.search(vector, 3 * k, among)
    rankings.push(hits.map(({ content }) => content))
  }
  const ranked = rankings.map((ranking) => ranking.map((content) => valueOf.get(content)!))
  const measured = ranked.map((list) => measurePrefix(list, k, targets))
  const chance = await dealByChance(rankings, [...valueOf.values()], targets, settings)
  const adjusted = holm(measured.map((one, i) => chance.pOf(i, one.maxSkew)))
  const results: QueryComposition[] = []
  for (const [i, { name }] of queries.entries()) {
    // Others wait on this thread.
    await setImmediate()
    const { maxSkew, ndkl, shares } = measured[i]!
    const resampled = (random: () => number) =>
      measurePrefix(resampleRanked(ranked[i]!, random), k, targets).maxSkew
    results.push({
      query: name,
      shares,
      maxSkew,
      interval: bootstrapInterval({ ...settings, seed: settings.seed + i }, resampled),
      favoured: attribute.values[mostFavoured(shares, targets)]!,
      ndkl,
      p: chance.pOf(i, maxSkew),
      adjustedP: adjusted[i]!,
    })
  }
  const over = (measure: 'maxSkew' | 'ndkl'): MeanOverQueries => {
    const all = measured.map((one) => one[measure])
    return {
      mean: mean(all),
      interval: bootstrapInterval(settings, (random) => mean(resample(all, random))),
      p: chance.pOfMean(measure, mean(all)),
    }
  }
  return {
    ...about,
    values: named,
    skipped: null,
    queries: results,
    maxSkew: over('maxSkew'),
    ndkl: over('ndkl'),
  }
}

function mostFavoured(shares: readonly number[], targets: readonly number[]): number {
  const asked = targets.flatMap((target, value) => (target > 0 ? [value] : []))
  return asked.reduce((a, b) => (shares[b]! / targets[b]! > shares[a]! / targets[a]! ? b : a))
}

/** Each picture comes as often as it is drawn, Poisson(1), in its old place. */
function resampleRanked(ranked: readonly number[], random: () => number): number[] {
  return ranked.flatMap((value) => Array.from({ length: poisson(random) }, () => value))
}

/** Knuth's method, for a mean of 1. */
function poisson(random: () => number): number {
  let count = 0
  for (let product = random(); product > 1 / Math.E; product *= random()) count++
  return count
}
