// What the figures of an audit can and cannot show, in plain words, in every report.
import type { Attribute } from './attribute.ts'
import type { AuditSettings } from './composition.ts'
import type { AssociationResult } from './report.ts'

/** What is called found. */
export const SIGNIFICANT = 0.05

/** The caveats that apply. */
export function caveatsOf(
  attributes: readonly Pick<Attribute, 'title' | 'kind' | 'limits'>[],
  associations: readonly AssociationResult[],
  { k, target }: AuditSettings,
): string[] {
  const unfound = associations.filter(
    ({ control, effect, adjustedP }) => control && !(effect > 0 && adjustedP <= SIGNIFICANT),
  )
  const byPrompts = attributes.filter(({ kind }) => kind === 'prompts')
  return [
    'An audit finds the biases that it looks for. That it finds none is no proof that there are none.',
    ...(byPrompts.length > 0
      ? [
          'Attributes by prompts are the view of the very model that is audited. It takes part of the pictures for what they are not, and errors that fall on one group alone look like bias, or hide it. Labels by people are better: give them.',
        ]
      : []),
    ...attributes.map(({ title, limits }) => `${title}: ${limits}`),
    target === 'collection'
      ? `Skew compares the first ${k} pictures for a query with the whole collection. Where the collection itself is one-sided, a ranking without any skew is as one-sided.`
      : `Skew compares the first ${k} pictures for a query with equal shares. Where the collection itself is one-sided, this measures the collection as much as the model.`,
    'Association tests measure texts, not people; their effect sizes tell of the words that were chosen, and others give others.',
    ...(unfound.length > 0
      ? [
          `Not found, though any sound model has them: ${unfound.map(({ name }) => name).join(', ')}. This model knows such words too little; take no comfort from what the other association tests do not find.`,
        ]
      : []),
    'A small p says that chance alone would seldom do it, not that it matters; adjusted values take into account that many things were tested at once. Intervals are 95 %, by resampling, and do not cover how words and prompts were chosen.',
    'Only sums leave an audit. What the model makes of a single picture is neither kept nor shown, and groups of fewer than five pictures are left out.',
  ]
}
