// The top of the page: the name, the search box, and the ways to the collection and to the other light.
import { useState } from 'hono/jsx/dom'
import type { PartProps } from '../app.tsx'
import { isRunning } from '../collecting.ts'
import { theme, toggleTheme } from '../theme.ts'
import { Icon } from './icon.tsx'
import { SearchBox } from './search-box.tsx'

const MARK = new URL('../mark.svg', import.meta.url).href

export function Header({ state, actions }: PartProps) {
  const running = state.jobs.find(isRunning)
  const { development } = state
  return (
    <header class="top">
      <h1>
        <a
          href="/"
          class="name"
          onClick={(event: MouseEvent) => {
            event.preventDefault()
            actions.clear()
          }}
        >
          <img src={MARK} alt="" width="32" height="32" />
          <span>Lucida</span>
        </a>
      </h1>
      <SearchBox state={state} actions={actions} />
      <div class="ways">
        <button type="button" class="way" onClick={actions.openCollection}>
          <Icon name="folder" />
          <span class="wide">Collection</span>
          {running && (
            <span class="badge">
              <span class="pulse" />
              {running.found > 0 ? `${running.done} of ${running.found}` : 'indexing'}
            </span>
          )}
        </button>
        <button
          type="button"
          class="way"
          hidden={!development || development.isOpen}
          onClick={actions.openDevelopment}
        >
          <span class="badge">
            <span class="pulse" hidden={development?.phase === 'over'} />
            {development?.phase === 'over' ? 'Drawn' : 'Drawing'}
          </span>
        </button>
        <ThemeButton />
      </div>
    </header>
  )
}

function ThemeButton() {
  const [shown, setShown] = useState(theme())
  return (
    <button
      type="button"
      class="way icon"
      aria-label={`Switch to ${shown === 'dark' ? 'light' : 'dark'}`}
      onClick={() => {
        toggleTheme()
        setShown(theme())
      }}
    >
      <Icon name="theme" />
    </button>
  )
}
