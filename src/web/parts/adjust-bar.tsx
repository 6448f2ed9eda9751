// The choice between the plain ranking and ones in which an attribute of people counts for less.
import type { PartProps } from '../app.tsx'
import { isListing } from '../query.ts'

export function AdjustBar({ state: { query, attributes }, actions }: PartProps) {
  const set = query.adjustment
  const balanced = attributes.map(({ name, title }) => {
    return { value: `balance:${name}`, label: `Balance: ${title.toLowerCase()}` }
  })
  // What is known by labels only is in no question.
  const debiased = attributes.flatMap(({ name, title, kind }) =>
    kind === 'prompts'
      ? [{ value: `debias:${name}`, label: `Not in the question: ${title.toLowerCase()}` }]
      : [],
  )
  const choices = [...balanced, ...debiased]
  const isKnown = set === undefined || choices.some(({ value }) => value === set)
  return (
    <span hidden={isListing(query) || query.order === 'takenAt' || choices.length === 0}>
      <select
        class={set === undefined ? 'pill' : 'pill set'}
        aria-label="Fairness"
        value={set ?? ''}
        onChange={(event: Event) =>
          actions.adjust((event.target as HTMLSelectElement).value || undefined)
        }
      >
        <option value="">As ranked</option>
        {(isKnown ? choices : [...choices, { value: set, label: set }]).map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </span>
  )
}
