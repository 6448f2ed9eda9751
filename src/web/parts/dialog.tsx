// A dialog over the page: Esc and a click beside it close it, and the focus goes back where it was.
import { useLayoutEffect, useRef } from 'hono/jsx/dom'

interface DialogProps {
  readonly label: string
  readonly class: string
  readonly onClose: () => void
  readonly onKeyDown?: (event: KeyboardEvent) => void
  readonly children?: unknown
}

export function Dialog({ label, class: name, onClose, onKeyDown, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const { current } = dialog
    current!.showModal()
    return () => current!.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      class={name}
      aria-label={label}
      onCancel={(event: Event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event: MouseEvent) => event.target === dialog.current && onClose()}
      onKeyDown={(event: KeyboardEvent) => onKeyDown?.(event)}
    >
      <div class="inside">{children}</div>
    </dialog>
  )
}
