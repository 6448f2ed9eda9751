// Asks for a key where the server wants one. The key itself is not kept: a cookie that scripts cannot
// read stands for it.
import { useState } from 'hono/jsx/dom'
import type { Actions } from '../actions.ts'
import { troubleOf } from '../trouble.ts'
import { fieldOf } from './field.ts'

const MARK = new URL('../mark.svg', import.meta.url).href

export function SignIn({ actions }: { actions: Actions }) {
  const [wrong, setWrong] = useState('')
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      await actions.signIn(fieldOf(event, 'key'))
    } catch (error) {
      setWrong(troubleOf(error).message)
    }
  }
  return (
    <main class="sign-in">
      <form onSubmit={(event: Event) => void submit(event)}>
        <img src={MARK} alt="" width="48" height="48" />
        <h1>Lucida</h1>
        <label for="key">Key</label>
        <input
          id="key"
          name="key"
          type="password"
          required
          autocomplete="current-password"
          autofocus
        />
        <p role="alert">{wrong}</p>
        <button type="submit" class="main">
          Sign in
        </button>
        <p class="hint">
          In a shell on the server, <code>lucida keys create</code> makes a key.
        </p>
      </form>
    </main>
  )
}
