// What can be drawn from a picture: variations, what lies between it and something else, a change.
import type { Term } from '../../api/contract.ts'
import type { PartProps } from '../app.tsx'
import { mayDraw, type Named, orderOfBlend, orderOfChange, orderOfVariations } from '../orders.ts'
import { fieldOf } from './field.ts'
import { Slider } from './slider.tsx'

interface DrawWithProps extends PartProps {
  readonly key: string
  readonly picture: Named
}

export function DrawWith({ picture, state, actions }: DrawWithProps) {
  if (!mayDraw(state)) return null
  const { cannotDraw, opened } = state
  if (cannotDraw !== null) return <p class="hint">{`Nothing can be drawn here: ${cannotDraw}.`}</p>
  const other = opened.find((id) => id !== picture.id)

  const vary = (event: Event) => {
    event.preventDefault()
    void actions.draw(orderOfVariations(picture, Number(fieldOf(event, 'variation'))))
  }
  const blend = (event: Event) => {
    event.preventDefault()
    const text = fieldOf(event, 'words')
    const term: Term | null = text ? { text } : other === undefined ? null : { id: other }
    if (term) void actions.draw(orderOfBlend(picture, term, Number(fieldOf(event, 'at'))))
  }
  const change = (event: Event) => {
    event.preventDefault()
    void actions.draw(orderOfChange(picture, fieldOf(event, 'more'), fieldOf(event, 'less')))
  }

  return (
    <div class="draw-with" role="group" aria-label="Draw with this picture">
      <details>
        <summary>Variations</summary>
        <form onSubmit={vary}>
          <Slider name="variation" label="How far to stray" ends={['close', 'far']} start={0.3} />
          <button type="submit">Draw variations</button>
        </form>
      </details>
      <details>
        <summary>Blend with…</summary>
        <form onSubmit={blend}>
          <label>
            <span>Words</span>
            <input
              name="words"
              maxLength={1000}
              required={other === undefined}
              autocomplete="off"
            />
          </label>
          <p class="hint line" hidden={other === undefined}>
            Without words, with the picture that was opened before:
            <img
              src={other === undefined ? undefined : actions.thumbnailUrl(other, 160)}
              alt="the picture opened before"
            />
          </p>
          <p class="hint" hidden={other !== undefined}>
            Or open another picture first, to blend this one with it.
          </p>
          <Slider
            name="at"
            label="How much of it"
            ends={['this picture', 'the other']}
            start={0.5}
          />
          <button type="submit">Draw a blend</button>
        </form>
      </details>
      <details>
        <summary>More of this, less of that</summary>
        <form onSubmit={change}>
          <label>
            <span>More</span>
            <input name="more" maxLength={1000} required placeholder="winter" autocomplete="off" />
          </label>
          <label>
            <span>Less</span>
            <input name="less" maxLength={1000} placeholder="summer" autocomplete="off" />
          </label>
          <button type="submit">Draw the change</button>
        </form>
      </details>
    </div>
  )
}
