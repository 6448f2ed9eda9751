// How drawing goes, and what came of it: previews while it is drawn, then the candidates side by side.
import { useLayoutEffect, useRef } from 'hono/jsx/dom'
import type { PartProps } from '../app.tsx'
import { otherwise } from '../orders.ts'
import { findEarlier, stepsOf, tell, verdictOn } from '../verdicts.ts'
import { Candidate } from './candidate.tsx'
import { Dialog } from './dialog.tsx'
import { Icon } from './icon.tsx'

export function Development({ state, actions }: PartProps) {
  const development = state.development!
  const { order, phase, generation, trouble, kept } = development
  const isOver = phase === 'over'
  const heading = useRef<HTMLHeadingElement>(null)
  const stop = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => {
    // The button that was pressed goes; what it has brought about is told under the heading. The
    // browser may have noticed already that the button is gone.
    const { activeElement, body } = document
    const isLost = activeElement === stop.current || activeElement === body
    if (isOver && isLost) heading.current?.focus()
  }, [isOver])
  const steps = generation && stepsOf(generation)
  const isKept = Object.keys(kept).length > 0 || (isOver && generation?.picture != null)
  return (
    <Dialog class="development" label={order.title} onClose={actions.closeDevelopment}>
      <div class="aside-top">
        <h2 ref={heading} tabIndex={-1}>
          {order.title}
        </h2>
        <button type="button" class="icon" aria-label="Close" onClick={actions.closeDevelopment}>
          <Icon name="close" />
        </button>
      </div>
      <p role="status">{tell(development)}</p>
      <p role="alert">{trouble ? `${trouble.title}. ${trouble.message}` : ''}</p>
      <progress
        hidden={isOver}
        aria-label="Steps"
        max={steps?.all ?? 1}
        value={isOver ? 0 : (steps?.done ?? 0)}
      />
      <Pictures state={state} actions={actions} />
      <div class="line">
        <button ref={stop} type="button" hidden={isOver} onClick={() => void actions.stopDrawing()}>
          Stop
        </button>
        <button
          type="button"
          hidden={!isOver || state.cannotDraw !== null}
          onClick={() => void actions.draw(trouble ? order : otherwise(order))}
        >
          {trouble ? 'Try again' : 'Draw others'}
        </button>
        <button type="button" class="main" hidden={!isKept} onClick={actions.includeGenerated}>
          Include generated pictures
        </button>
      </div>
    </Dialog>
  )
}

/** What it looks like so far, and in the end the candidates. */
function Pictures({ state, actions }: PartProps) {
  const { order, phase, generation, previews, kept } = state.development!
  if (phase !== 'over') {
    const count = generation?.request.candidates ?? order.request.candidates ?? 0
    const shown = previews.length > 0 ? previews : Array.from({ length: count }, () => null)
    return (
      <ul key="previews" class="candidates" aria-label="Previews">
        {shown.map((preview, n) => (
          <li key={String(n)} class="candidate">
            <div class="print">
              {preview && <img src={preview} alt={`Preview ${n + 1}, generated`} />}
              <span class="generated">generated</span>
            </div>
          </li>
        ))}
      </ul>
    )
  }
  const earlier = generation && findEarlier(generation)
  if (earlier) {
    return (
      <ul key="earlier" class="candidates" aria-label="Candidates, best first">
        <li class="candidate kept">
          <div class="print">
            <img src={actions.thumbnailUrl(earlier, 640)} alt="The kept picture, generated" />
            <span class="generated">generated</span>
          </div>
          <button type="button" class="quiet" onClick={() => actions.openDrawn(earlier)}>
            Open the kept picture
          </button>
        </li>
      </ul>
    )
  }
  return (
    <ul key="candidates" class="candidates" aria-label="Candidates, best first">
      {(generation?.candidates ?? []).map((drawn, n) => (
        <Candidate
          key={String(drawn.seed)}
          n={n}
          drawn={drawn}
          verdict={verdictOn(drawn, generation!, order)}
          kept={kept[n]}
          onKeep={() => void actions.keepDrawn(n)}
          onOpen={actions.openDrawn}
        />
      ))}
    </ul>
  )
}
