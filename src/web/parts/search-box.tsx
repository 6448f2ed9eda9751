// Where one types, or chooses a picture to search by.
import type { PartProps } from '../app.tsx'
import { Icon } from './icon.tsx'

export function SearchBox({ state: { query }, actions }: PartProps) {
  const submit = (event: Event) => {
    event.preventDefault()
    actions.settle()
    // On a phone the keyboard covers the results.
    if (matchMedia('(pointer: coarse)').matches) (document.activeElement as HTMLElement).blur()
  }
  return (
    <search class="box">
      <form onSubmit={submit}>
        <Icon name="search" />
        <input
          id="search"
          type="search"
          value={query.words}
          onInput={(event: Event) => actions.type((event.target as HTMLInputElement).value)}
          onKeyDown={(event: KeyboardEvent) => moveOn(event)}
          placeholder="What is in the picture?"
          aria-label="Describe a picture"
          aria-keyshortcuts="/"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          enterkeyhint="search"
          autofocus
          maxLength={1000}
        />
        <kbd aria-hidden="true">/</kbd>
        <label class="by-picture" title="Search by a picture; or drop or paste one">
          <input
            type="file"
            accept="image/*"
            aria-label="Search by a picture"
            onChange={(event: Event) => {
              const input = event.target as HTMLInputElement
              const file = input.files?.[0]
              if (file) void actions.searchByFile(file)
              // The same file may be chosen again.
              input.value = ''
            }}
          />
          <Icon name="picture" />
        </label>
      </form>
    </search>
  )
}

/** From the box into the results. */
function moveOn(event: KeyboardEvent): void {
  if (event.key !== 'ArrowDown') return
  const first = document.querySelector<HTMLElement>('.grid a')
  if (!first) return
  event.preventDefault()
  first.focus()
}
