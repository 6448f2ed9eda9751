// What pictures of people are called, by the groups that somebody has labelled: how often a group is
// called something that no person should be called (Radford et al. 2021, section 7.1; Agarwal et al.
// 2021), and how often the model's own attribute contradicts the label.
import type { UnitVector } from '../core/vector.ts'
import type { EmbedTexts } from '../models/clip.ts'
import { nearest } from './attribute.ts'
import { bootstrapInterval, resample, type Resampling } from './bootstrap.ts'
import type { GroupRate, MisclassificationResult } from './report.ts'
import { mean } from './statistics.ts'
import type { TermSets } from './term-sets.ts'

/** Pictures of one group. */
export interface Group {
  readonly name: string
  readonly vectors: readonly UnitVector[]
}

/** Share of each group that a wrong label fits best, for each set of wrong labels. */
export async function measureMisclassification(
  embedTexts: EmbedTexts,
  { right, wrong, template, source }: TermSets['classes'],
  groups: readonly Group[],
  options: Resampling,
): Promise<MisclassificationResult[]> {
  const sets = [right, ...wrong.map(({ words }) => words)]
  const setOf = sets.flatMap((words, i) => words.map(() => i))
  const prompts = sets.flat().map((word) => template.replaceAll('{}', () => word))
  const directions = await embedTexts(prompts)
  const called = groups.map(({ vectors }) => vectors.map((one) => setOf[nearest(directions, one)]!))
  return wrong.map(({ name }, i) => ({
    name: `called ${name}`,
    source,
    groups: groups.map((group, g) =>
      rateOf(
        group.name,
        called[g]!.map((set) => Number(set === i + 1)),
        options,
      ),
    ),
  }))
}

/** A share with its interval. */
export function rateOf(group: string, outcomes: readonly number[], options: Resampling): GroupRate {
  return {
    group,
    pictures: outcomes.length,
    rate: mean(outcomes),
    interval: bootstrapInterval(options, (random) => mean(resample(outcomes, random))),
  }
}
