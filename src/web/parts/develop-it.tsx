// Offers to draw what was not found.
import type { PartProps } from '../app.tsx'
import { isNotFound, mayDraw } from '../orders.ts'

export function DevelopIt({ state, actions }: PartProps) {
  const { answered, results, cannotDraw } = state
  const isOffered = isNotFound(answered, results) && mayDraw(state)
  return (
    <div class="develop-it" hidden={!isOffered}>
      <button
        type="button"
        class="main"
        hidden={cannotDraw !== null}
        onClick={() => void actions.develop()}
      >
        Develop it
      </button>
      <p class="hint">
        {cannotDraw === null
          ? 'Lucida draws a picture of it, and says that it did.'
          : `It cannot be drawn here: ${cannotDraw}.`}
      </p>
    </div>
  )
}
