// The concepts that were taught, offered as terms of the question.
import type { PartProps } from '../app.tsx'
import { isAsked } from '../teaching.ts'

export function Concepts({ state: { concepts, query }, actions }: PartProps) {
  return (
    <div class="filters" role="group" aria-label="Concepts" hidden={concepts.length === 0}>
      {concepts.map(({ name }) => {
        const isSet = isAsked(query, name)
        return (
          <button
            key={name}
            type="button"
            class={isSet ? 'concept set' : 'concept'}
            aria-pressed={String(isSet)}
            onClick={() => actions.toggleConcept(name)}
          >
            {name}
          </button>
        )
      })}
    </div>
  )
}
