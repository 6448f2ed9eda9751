// What is known of the model that searches: its card, and how biased it is on this collection.
import { useState } from 'hono/jsx/dom'
import type { PartProps } from '../app.tsx'

export function AboutModel({ state: { model, attributes }, actions }: PartProps) {
  const [attribute, setAttribute] = useState('')
  return (
    <section aria-label="Model" hidden={model === null}>
      <h3>Model</h3>
      <p class="hint">
        {`${model ?? ''} searches. `}
        <a href={actions.modelCardUrl(model ?? '')} target="_blank" rel="noreferrer">
          Its card
        </a>
        {' says what it was made from, what it is for, and how good it is.'}
      </p>
      <div class="line">
        <select
          class="pill"
          aria-label="Audit by"
          value={attribute}
          onChange={(event: Event) => setAttribute((event.target as HTMLSelectElement).value)}
        >
          <option value="">every attribute</option>
          {attributes.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
        <a class="way" href={actions.auditUrl(attribute)} target="_blank" rel="noreferrer">
          Audit for bias
        </a>
      </div>
      <p class="hint">
        It goes through the whole collection, which may take a minute. Only sums are shown.
      </p>
    </section>
  )
}
