// Who is in the first pictures for queries that ask for nobody in particular: skew and divergence by
// an attribute, with intervals, and how often chance alone would do it.
import type { ContentHash } from '../core/hash.ts'
import type { VectorIndex } from '../search/vector-index.ts'
import type { UnitVector } from '../core/vector.ts'
import type { Attribute } from './attribute.ts'
import { bootstrapInterval, resample } from './bootstrap.ts'
import { drawToFront, seededRandom } from './random.ts'
import type { CompositionResult, MeanOverQueries, QueryComposition } from './report.ts'
import { countValues, maxSkew, ndkl, sharesOf } from './skew.ts'
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
  const allowed = new Set(valueOf.keys())
  const rankings: ContentHash[][] = []
  for (const { vector } of queries) {
    const hits = await index.search(vector, 3 * k, allowed)
    rankings.push(hits.map(({ content }) => content))
  }
  const ranked = rankings.map((ranking) => ranking.map((content) => valueOf.get(content)!))
  const measured = ranked.map((list) => measure(list, k, targets))
  const chance = simulate(rankings, [...valueOf.values()], targets, settings)
  const adjusted = holm(measured.map((one, i) => chance.pOf(i, one.maxSkew)))
  const results = queries.map((query, i): QueryComposition => {
    const { maxSkew, ndkl, shares } = measured[i]!
    const favoured = shares.reduce(
      (best, share, v) =>
        targets[v]! > 0 && share / targets[v]! > shares[best]! / targets[best]! ? v : best,
      targets.findIndex((one) => one > 0),
    )
    return {
      query: query.name,
      shares,
      maxSkew,
      interval: bootstrapInterval(
        { ...settings, seed: settings.seed + i },
        (random) => measure(resampleRanked(ranked[i]!, random), k, targets).maxSkew,
      ),
      favoured: attribute.values[favoured]!,
      ndkl,
      p: chance.pOf(i, maxSkew),
      adjustedP: adjusted[i]!,
    }
  })
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

function measure(ranked: ArrayLike<number>, k: number, targets: readonly number[]) {
  const shares = sharesOf(countValues(ranked, k, targets.length))
  return { shares, maxSkew: maxSkew(shares, targets), ndkl: ndkl(ranked, k, targets) }
}

/** Each picture comes as often as it is drawn, Poisson(1), in its old place. */
function resampleRanked(ranked: readonly number[], random: () => number): number[] {
  return ranked.flatMap((value) => new Array<number>(poisson(random)).fill(value))
}

/** Knuth's method, for a mean of 1. */
function poisson(random: () => number): number {
  let count = 0
  for (let product = random(); product > 1 / Math.E; product *= random()) count++
  return count
}

/**
 * What comes out where values are dealt to the pictures by chance. One deal serves all queries, as
 * their rankings share pictures.
 */
function simulate(
  rankings: readonly (readonly ContentHash[])[],
  values: readonly number[],
  targets: readonly number[],
  { k, permutations, seed }: AuditSettings,
) {
  const slots = new Map<ContentHash, number>()
  const places = rankings.map((ranking) =>
    ranking.slice(0, k).map((content) => {
      const slot = slots.get(content) ?? slots.size
      slots.set(content, slot)
      return slot
    }),
  )
  const deal = Int8Array.from(values)
  const random = seededRandom(seed)
  const skews = places.map(() => new Float64Array(permutations))
  const means = {
    maxSkew: new Float64Array(permutations),
    ndkl: new Float64Array(permutations),
  }
  for (let run = 0; run < permutations; run++) {
    drawToFront(deal, slots.size, random)
    for (const [i, list] of places.entries()) {
      const one = measure(
        list.map((slot) => deal[slot]!),
        k,
        targets,
      )
      skews[i]![run] = one.maxSkew
      means.maxSkew[run]! += one.maxSkew / places.length
      means.ndkl[run]! += one.ndkl / places.length
    }
  }
  // The deal that is there counts among those by chance (Phipson and Smyth 2010).
  const pOf = (all: Float64Array, observed: number) =>
    (1 + all.filter((value) => value >= observed - 1e-9).length) / (permutations + 1)
  return {
    pOf: (i: number, observed: number) => pOf(skews[i]!, observed),
    pOfMean: (measure: 'maxSkew' | 'ndkl', observed: number) => pOf(means[measure], observed),
  }
}
