// Starts the page.
import { render } from 'hono/jsx/dom'
import { createActions } from './actions.ts'
import { App } from './app.tsx'
import { listen } from './listen.ts'
import { createStore } from './store.ts'
import { applyTheme } from './theme.ts'

applyTheme()
const store = createStore()
const actions = createActions(store)
listen(actions)
render(<App store={store} actions={actions} />, document.getElementById('app')!)
void actions.start()
