// The page as a whole: who is asking, then the search, with dialogs over it.
import { useEffect, useState } from 'hono/jsx/dom'
import type { Actions } from './actions.ts'
import { Chips } from './parts/chips.tsx'
import { Collection } from './parts/collection.tsx'
import { Concepts } from './parts/concepts.tsx'
import { Detail } from './parts/detail.tsx'
import { Development } from './parts/development.tsx'
import { Duplicates } from './parts/duplicates.tsx'
import { FilterBar } from './parts/filter-bar.tsx'
import { Grid } from './parts/grid.tsx'
import { Header } from './parts/header.tsx'
import { Nothing } from './parts/nothing.tsx'
import { Notice } from './parts/notice.tsx'
import { SignIn } from './parts/sign-in.tsx'
import { StatusLine } from './parts/status-line.tsx'
import type { State, Store } from './store.ts'

/** What every part of the page gets. */
export interface PartProps {
  readonly state: State
  readonly actions: Actions
}

export function App({ store, actions }: { store: Store; actions: Actions }) {
  const [state, setState] = useState(store.state)
  useEffect(() => store.subscribe(() => setState(store.state)), [])
  useEffect(() => {
    document.title = state.query.words.trim() ? `${state.query.words.trim()} · Lucida` : 'Lucida'
  }, [state.query.words])
  if (state.session !== null && state.session.scope === null) return <SignIn actions={actions} />
  const props = { state, actions }
  return (
    <div class="page">
      <Header {...props} />
      <div class="tools">
        <Chips {...props} />
        <Concepts {...props} />
        <FilterBar {...props} />
      </div>
      {!state.isCollectionOpen && <Notice key="notice" {...props} />}
      <main>
        <StatusLine {...props} />
        <Nothing {...props} />
        <Grid results={state.results} actions={actions} />
      </main>
      <div class="dialogs">
        {state.view !== null && <Detail key="detail" {...props} />}
        {state.development?.isOpen && <Development key="development" {...props} />}
        {state.isCollectionOpen && <Collection key="collection" {...props} />}
        {state.duplicates && <Duplicates key="duplicates" {...props} />}
      </div>
      <div class="drop" aria-hidden="true">
        <p>Drop a picture to find others like it</p>
      </div>
    </div>
  )
}
