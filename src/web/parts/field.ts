// What is in a form's field when the form is sent.

/** The text of the field, without the space around it. */
export function fieldOf(event: Event, name: string): string {
  const field = (event.target as HTMLFormElement).elements.namedItem(name)
  return (field as HTMLInputElement).value.trim()
}
