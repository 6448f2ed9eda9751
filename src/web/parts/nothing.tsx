// What is shown where there are no pictures: why, and what to do.
import type { PartProps } from '../app.tsx'
import { isRunning } from '../collecting.ts'
import { isNarrowed } from '../query.ts'

export function Nothing({ state, actions }: PartProps) {
  const { results, jobs, query, roots } = state
  const { phase, items, trouble } = results
  if (phase === 'failed' && trouble) {
    return (
      <section class="nothing" role="alert" key="failed">
        <h2>{trouble.title}</h2>
        <p>{trouble.message}</p>
        <button type="button" class="main" onClick={retry}>
          Try again
        </button>
      </section>
    )
  }
  // The line above says what was left out.
  if (phase !== 'ready' || items.length > 0 || results.leftOut > 0) return null
  if (isNarrowed(query.filters)) {
    return (
      <section class="nothing" key="filtered">
        <h2>No picture is like that</h2>
        <p>Nothing passes these filters.</p>
        <button type="button" class="main" onClick={actions.clearFilters}>
          Clear filters
        </button>
      </section>
    )
  }
  if (query.order === 'takenAt') {
    return (
      <section class="nothing" key="irrelevant">
        <h2>Probably no picture shows this</h2>
        <p>By date, only pictures that fit are shown. Best first shows what comes closest.</p>
        <button type="button" class="main" onClick={() => actions.order('score')}>
          Best first
        </button>
      </section>
    )
  }
  if (jobs.some(isRunning)) {
    return (
      <section class="nothing" key="indexing">
        <h2>Looking at your pictures</h2>
        <p>They appear here as soon as the first ones are ready.</p>
      </section>
    )
  }
  const isEmpty = roots !== null && roots.items.length === 0
  return (
    <section class="nothing" key="empty">
      <h2>No pictures yet</h2>
      <p>
        {isEmpty
          ? 'Point Lucida at a folder of pictures: '
          : 'Nothing in the indexed folders is a picture. Add another: '}
        <code>lucida index ~/Photos</code>
      </p>
      <button type="button" class="main" onClick={actions.openCollection}>
        Open the collection
      </button>
    </section>
  )

  function retry(): void {
    if (state.session) actions.again()
    else void actions.start()
  }
}
