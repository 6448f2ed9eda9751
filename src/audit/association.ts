// The Word Embedding Association Test (Caliskan, Bryson and Narayanan 2017, Science 356:183), which
// Steed and Caliskan (2021, FAccT) use on pictures as iEAT: do two sets of targets lie differently
// near two sets of attributes? Vectors of words and of pictures are alike to it.
import { dot, type UnitVector } from '../core/vector.ts'
import { bootstrapInterval, type Interval, type Resampling, resample } from './bootstrap.ts'
import { type PValue, permutationTest } from './permutation.ts'
import { deviation, mean } from './statistics.ts'

/** Vectors of the four sets. */
export interface AssociationSets {
  readonly targets: readonly [readonly UnitVector[], readonly UnitVector[]]
  readonly attributes: readonly [readonly UnitVector[], readonly UnitVector[]]
}

/** What the test says. */
export interface Association extends PValue {
  /**
   * Cohen's d in [-2, 2]: positive where the first targets lie nearer to the first attributes, and
   * the second to the second.
   */
  readonly effect: number
  /** Over targets drawn anew. */
  readonly interval: Interval
}

/** Runs the test. p is two-sided, unlike in the paper: no direction is expected beforehand. */
export function measureAssociation(
  { targets, attributes }: AssociationSets,
  options: Resampling & { readonly permutations: number },
): Association {
  const [first, second] = targets.map((set) => set.map((one) => preference(one, attributes)))
  const interval = bootstrapInterval(options, (random) =>
    effectSize(resample(first!, random), resample(second!, random)),
  )
  return {
    effect: effectSize(first!, second!),
    interval,
    ...permutationTest(first!, second!, options),
  }
}

/** s(w, A, B): how much nearer one target lies to the first attributes than to the second. */
function preference(target: UnitVector, [a, b]: AssociationSets['attributes']): number {
  const nearness = (set: readonly UnitVector[]) => mean(set.map((one) => dot(target, one)))
  return nearness(a) - nearness(b)
}

/** Difference of the means over the deviation of all. */
export function effectSize(first: readonly number[], second: readonly number[]): number {
  return (mean(first) - mean(second)) / deviation([...first, ...second])
}
