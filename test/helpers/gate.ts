// A point that a test lets others pass when it is ready.

/** A promise that is kept by calling `open`. */
export interface Gate {
  readonly opened: Promise<void>
  open(): void
}

/** A closed one. */
export function newGate(): Gate {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open() }
}
