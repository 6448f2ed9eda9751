// One picture, large, with what is known of it and what can be asked with it.
import { useEffect, useLayoutEffect, useState } from 'hono/jsx/dom'
import type { PartProps } from '../app.tsx'
import { fileName, hottestPlace, suspicionText } from '../describe.ts'
import { placeholder } from '../placeholder.ts'
import { canExplain } from '../why.ts'
import { Classify } from './classify.tsx'
import { Dialog } from './dialog.tsx'
import { DrawWith } from './draw-with.tsx'
import { Facts } from './facts.tsx'
import { Heat } from './heat.tsx'
import { Icon } from './icon.tsx'
import { Teach } from './teach.tsx'
import { type ShownHeat, Why } from './why.tsx'

export function Detail({ state, actions }: PartProps) {
  const id = state.view!
  const { items } = state.results
  const at = items.findIndex(({ image }) => image.id === id)
  const item = items[at]
  const detail = state.detail?.id === id ? state.detail : null
  const image = item?.image ?? detail
  const name = image ? fileName(image.path) : 'Picture'
  const [shown, setShown] = useState<ShownHeat | null>(null)
  const heat = shown?.id === id ? shown : null
  const [unveiled, setUnveiled] = useState('')
  const safety = item?.safety ?? []
  const isVeiled = safety.length > 0 && unveiled !== id
  const unveil = (event: Event) => {
    // The button goes away; without a focus in the dialog its keys would be lost.
    const dialog = (event.currentTarget as HTMLElement).closest('dialog')
    dialog?.querySelector<HTMLElement>('.aside-top button')?.focus()
    setUnveiled(id)
  }

  const onKeyDown = (event: KeyboardEvent) => {
    if ((event.target as Element).matches('input')) return
    // With these they are the browser's: back and forward.
    if (event.altKey || event.ctrlKey || event.metaKey) return
    if (event.key === 'ArrowLeft') actions.step(-1)
    if (event.key === 'ArrowRight') actions.step(1)
  }
  useFocusBack(id)
  useLookAhead([items[at - 1]?.image.id, items[at + 1]?.image.id], actions.thumbnailUrl)

  return (
    <Dialog class="detail" label={name} onClose={actions.closeView} onKeyDown={onKeyDown}>
      <div class="stage">
        <Large
          key={id}
          source={actions.thumbnailUrl(id, 1280)}
          background={placeholder(image?.thumbHash ?? null)}
          name={name}
          width={image?.width ?? 4}
          height={image?.height ?? 3}
          isVeiled={isVeiled}
        />
        {isVeiled && (
          <button type="button" class="unveil" onClick={unveil}>
            {`Show it: ${suspicionText(safety)}`}
          </button>
        )}
        {heat && image && (
          <Heat
            map={heat.explanation.map}
            values={heat.values}
            label={`Heat map: most of it ${hottestPlace(heat.explanation.map, heat.values)}`}
            width={image.width}
            height={image.height}
          />
        )}
        <button
          type="button"
          class="turn left"
          aria-label="Previous picture"
          disabled={at <= 0}
          onClick={() => actions.step(-1)}
        >
          <Icon name="left" />
        </button>
        <button
          type="button"
          class="turn right"
          aria-label="Next picture"
          disabled={at < 0 || at + 1 >= items.length}
          onClick={() => actions.step(1)}
        >
          <Icon name="right" />
        </button>
      </div>
      <aside>
        <div class="aside-top">
          <h2>
            {name}
            {image?.generated && <span class="generated">generated</span>}
          </h2>
          <button type="button" class="icon" aria-label="Close" onClick={actions.closeView}>
            <Icon name="close" />
          </button>
        </div>
        <div class="algebra" role="group" aria-label="Search with this picture">
          <button type="button" class="main" onClick={() => actions.addPicture(id, 1)}>
            More like this
          </button>
          <button
            type="button"
            title="Half of it is subtracted"
            onClick={() => actions.addPicture(id, -0.5)}
          >
            Less like this
          </button>
          <button
            type="button"
            title="All of it is subtracted"
            onClick={() => actions.addPicture(id, -1)}
          >
            Not this
          </button>
        </div>
        <Facts detail={detail} relevance={item?.relevance ?? null} fileUrl={actions.fileUrl(id)} />
        {canExplain(state.answered) && (
          <Why
            key={`why-${id}`}
            id={id}
            shown={heat}
            onShow={setShown}
            state={state}
            actions={actions}
          />
        )}
        <Classify key={id} id={id} classify={actions.classify} />
        <Teach key={`teach-${id}`} id={id} state={state} actions={actions} />
        {image && <DrawWith key={`draw-${id}`} picture={image} state={state} actions={actions} />}
      </aside>
    </Dialog>
  )
}

interface LargeProps {
  readonly key: string
  readonly source: string
  readonly background: string
  readonly name: string
  readonly width: number
  readonly height: number
  readonly isVeiled: boolean
}

function Large({ source, background, name, width, height, isVeiled }: LargeProps) {
  const [isThere, setIsThere] = useState(false)
  return (
    <img
      class={['large', isThere && 'there', isVeiled && 'veiled'].filter(Boolean).join(' ')}
      src={source}
      alt={name}
      width={width}
      height={height}
      style={{ backgroundImage: background }}
      onLoad={() => setIsThere(true)}
    />
  )
}

/** After closing, the focus is on the picture that was shown last, not on the first one. */
function useFocusBack(id: string): void {
  useLayoutEffect(
    () => () => {
      queueMicrotask(() => document.querySelector<HTMLElement>(`[data-id="${id}"]`)?.focus())
    },
    [id],
  )
}

/** The pictures beside are fetched before they are asked for. */
function useLookAhead(
  ids: readonly (string | undefined)[],
  thumbnailUrl: (id: string, size: number) => string,
): void {
  useEffect(() => {
    for (const id of ids) if (id !== undefined) new Image().src = thumbnailUrl(id, 1280)
  }, [ids.join()])
}
