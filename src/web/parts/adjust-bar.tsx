// The choice between the plain ranking and ones in which an attribute of people counts for less.
import type { PartProps } from '../app.tsx'
import { isListing } from '../query.ts'

export function AdjustBar({ state: { query, attributes }, actions }: PartProps) {
  const set = query.adjustment
  const balanced = attributes.map(({ name }) => {
    return { value: `balance:${name}`, label: `Balance: ${wordOf(name)}` }
  })
  // What is known by labels only is in no question.
  const debiased = attributes.flatMap(({ name, kind }) =>
    kind === 'prompts'
      ? [{ value: `debias:${name}`, label: `Not in the question: ${wordOf(name)}` }]
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

/** `skin-tone` as it is read. */
function wordOf(name: string): string {
  return name.replaceAll('-', ' ')
}
