// What happens anywhere on the page: keys, and pictures that are pasted or dropped.
import type { Actions } from './actions.ts'

/** Listens for as long as the page is open. */
export function listen(actions: Actions): void {
  // Somebody may have indexed from a shell meanwhile.
  addEventListener('focus', () => void actions.refresh())

  addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
    if (isTypedInto(event.target) || document.querySelector('dialog[open]')) return
    event.preventDefault()
    document.querySelector<HTMLInputElement>('#search')?.select()
  })

  addEventListener('paste', (event) => {
    const file = pictureOf(event.clipboardData)
    if (!file) return
    event.preventDefault()
    void actions.searchByFile(file)
  })

  // Entering a child is told before leaving its parent, so these are counted.
  let inside = 0
  const show = (isOver: boolean) => document.body.classList.toggle('dropping', isOver)
  addEventListener('dragenter', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return
    inside++
    show(true)
  })
  addEventListener('dragleave', () => {
    inside = Math.max(0, inside - 1)
    if (inside === 0) show(false)
  })
  addEventListener('dragover', (event) => event.preventDefault())
  addEventListener('drop', (event) => {
    // Without this the browser would leave the page for the picture.
    event.preventDefault()
    inside = 0
    show(false)
    const file = event.dataTransfer?.files[0]
    if (file) void actions.searchByFile(file)
  })
}

function pictureOf(data: DataTransfer | null): File | undefined {
  return [...(data?.files ?? [])].find(({ type }) => type.startsWith('image/'))
}

function isTypedInto(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select')
}
