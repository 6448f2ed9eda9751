// What the results are narrowed to, with how many pictures there are of each kind, and their order.
import type { FacetsResponse } from '../../api/contract.ts'
import type { PartProps } from '../app.tsx'
import { fileName } from '../describe.ts'
import { AdjustBar } from './adjust-bar.tsx'
import { canOrderByDate, type FilterName, isNarrowed } from '../query.ts'

interface Choice {
  readonly value: string
  readonly label: string
  readonly count: number
}

/** Each filter: what it is called, what it says when it is not set, and its choices. */
const BARS: readonly {
  readonly name: FilterName
  readonly label: string
  readonly any: string
  readonly choices: (facets: FacetsResponse) => Choice[]
}[] = [
  {
    name: 'year',
    label: 'Year',
    any: 'Any year',
    choices: ({ year }) => named(year).toSorted((a, b) => Number(b.value) - Number(a.value)),
  },
  { name: 'camera', label: 'Camera', any: 'Any camera', choices: ({ camera }) => named(camera) },
  {
    name: 'folder',
    label: 'Folder',
    any: 'Any folder',
    choices: ({ folder }) => named(folder).map((one) => ({ ...one, label: fileName(one.value) })),
  },
  {
    name: 'format',
    label: 'Format',
    any: 'Any format',
    choices: ({ format }) =>
      named(format).map((one) => ({ ...one, label: one.label.toUpperCase() })),
  },
  {
    name: 'orientation',
    label: 'Shape',
    any: 'Any shape',
    choices: ({ orientation }) =>
      named(orientation).map((one) => ({ ...one, label: capital(one.label) })),
  },
  {
    name: 'gps',
    label: 'Place',
    any: 'Any place',
    choices: ({ gps }) =>
      gps.map(({ value, count }) => {
        return { value: String(value), label: value ? 'Place known' : 'Place unknown', count }
      }),
  },
]

export function FilterBar({ state, actions }: PartProps) {
  const { query, facets } = state
  const bars = BARS.map((bar) => ({ ...bar, given: facets ? bar.choices(facets) : [] }))
  const isSet = isNarrowed(query.filters)
  return (
    <div class="filters" role="group" aria-label="Filters">
      {bars.map(({ name, label, any, given }) => {
        const value = query.filters[name]
        // What cannot tell pictures apart is not offered.
        const isShown = given.length > 1 || value !== undefined
        return (
          <span key={name} hidden={!isShown}>
            <select
              class={value === undefined ? 'pill' : 'pill set'}
              aria-label={label}
              value={value ?? ''}
              onChange={(event: Event) =>
                actions.filter(name, (event.target as HTMLSelectElement).value || undefined)
              }
            >
              <option value="">{any}</option>
              {withSet(given, value).map(({ value, label, count }) => (
                <option key={value} value={value}>
                  {`${label} (${count.toLocaleString('en-GB')})`}
                </option>
              ))}
            </select>
          </span>
        )
      })}
      <label class={query.filters.generated === undefined ? 'pill switch' : 'pill switch set'}>
        <input
          type="checkbox"
          role="switch"
          checked={query.filters.generated !== undefined}
          onChange={(event: Event) => {
            const { checked } = event.target as HTMLInputElement
            actions.filter('generated', checked ? 'any' : undefined)
          }}
        />
        Include generated pictures
      </label>
      <AdjustBar state={state} actions={actions} />
      <button type="button" class="quiet" onClick={actions.clearFilters} hidden={!isSet}>
        Clear filters
      </button>
      <span class="order" hidden={!canOrderByDate(query)}>
        <select
          class="pill"
          aria-label="Order"
          value={query.order}
          onChange={(event: Event) => {
            const { value } = event.target as HTMLSelectElement
            actions.order(value === 'takenAt' ? 'takenAt' : 'score')
          }}
        >
          <option value="score">Best first</option>
          <option value="takenAt">Newest first</option>
        </select>
      </span>
    </div>
  )
}

/** What is not known of a picture is no choice. */
function named(counts: readonly { value: string | number | null; count: number }[]): Choice[] {
  return counts.flatMap(({ value, count }) =>
    value === null ? [] : [{ value: String(value), label: String(value), count }],
  )
}

/** What is set must be shown even where nothing has it. */
function withSet(choices: readonly Choice[], value: string | undefined): readonly Choice[] {
  if (value === undefined || choices.some((choice) => choice.value === value)) return choices
  return [...choices, { value, label: value, count: 0 }]
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1)
}
