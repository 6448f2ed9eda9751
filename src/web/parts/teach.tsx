// Teaching a concept by the opened picture: it is one, or it is not.
import { useState } from 'hono/jsx/dom'
import type { PartProps } from '../app.tsx'
import { mayTeach, type Verdict, worthText } from '../teaching.ts'
import { troubleOf } from '../trouble.ts'
import { fieldOf } from './field.ts'

interface TeachProps extends PartProps {
  readonly key: string
  readonly id: string
}

export function Teach({ id, state, actions }: TeachProps) {
  const [learned, setLearned] = useState('')
  const [wrong, setWrong] = useState('')
  if (!mayTeach(state)) return null
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const name = fieldOf(event, 'name')
    const verdict = (event.submitter as HTMLButtonElement).value as Verdict
    setLearned('')
    try {
      setLearned(worthText(await actions.teach(name, id, verdict)))
      setWrong('')
    } catch (error) {
      setWrong(troubleOf(error).message)
    }
  }
  return (
    <details class="classify">
      <summary>Teach a concept</summary>
      <form onSubmit={(event: Event) => void submit(event as SubmitEvent)}>
        <input
          name="name"
          aria-label="Name of the concept"
          placeholder="red mug"
          required
          maxLength={64}
          autocomplete="off"
          list="concepts"
        />
        <datalist id="concepts">
          {state.concepts.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <button type="submit" value="like">
          This is one
        </button>
        <button type="submit" value="unlike">
          This is not
        </button>
      </form>
      <p role="status">{learned}</p>
      <p role="alert">{wrong}</p>
    </details>
  )
}
