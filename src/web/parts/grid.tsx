// The pictures found, in rows of equal height; more come as one scrolls down.
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'hono/jsx/dom'
import type { SearchItem } from '../../api/contract.ts'
import type { Actions } from '../actions.ts'
import { fileName, suspicionText } from '../describe.ts'
import { type Direction, justify, neighbour, type Tile } from '../justify.ts'
import { placeholder } from '../placeholder.ts'
import type { Results } from '../store.ts'

const GAP = 6
/** So far below the window more is asked for. */
const AHEAD = '800px'

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
}

interface GridProps {
  readonly results: Results
  readonly actions: Actions
}

export const Grid = memo(({ results, actions }: GridProps) => {
  const { items, nextCursor, phase, relevanceThreshold, trouble } = results
  const list = useRef<HTMLUListElement>(null)
  const end = useRef<HTMLDivElement>(null)
  const width = useWidth(list)
  const rowHeight = width < 640 ? 150 : 220
  const tiles = useMemo(() => {
    const ratios = items.map(({ image }) => image.width / image.height)
    return width > 0 ? justify(ratios, { width, rowHeight, gap: GAP }) : []
  }, [items, width])

  useEffect(() => {
    if (nextCursor === null || phase !== 'ready') return undefined
    const observer = new IntersectionObserver(
      ([entry]) => entry?.isIntersecting && void actions.more(),
      { rootMargin: AHEAD },
    )
    observer.observe(end.current!)
    return () => observer.disconnect()
  }, [nextCursor, phase])

  const onKeyDown = (event: KeyboardEvent) => {
    const direction = DIRECTIONS[event.key]
    const links = [...list.current!.querySelectorAll('a')]
    const from = links.indexOf(event.target as HTMLAnchorElement)
    // With these they are the browser's: back and forward.
    if (event.altKey || event.ctrlKey || event.metaKey) return
    if (!direction || from < 0) return
    event.preventDefault()
    const to = neighbour(tiles, from, direction)
    if (to === from && direction === 'up') document.getElementById('search')?.focus()
    else links[to]?.focus()
  }

  return (
    <div>
      <ul class="grid" ref={list} onKeyDown={onKeyDown} aria-label="Pictures">
        {tiles.map((tile, i) => (
          <Picture
            key={items[i]!.image.id}
            item={items[i]!}
            tile={tile}
            isDoubtful={(items[i]!.relevance ?? 1) < (relevanceThreshold ?? 0)}
            actions={actions}
          />
        ))}
      </ul>
      <div ref={end} class="end">
        <p>{phase === 'loading-more' ? 'More are coming…' : ''}</p>
        <p role="alert">
          {items.length > 0 && trouble ? `${trouble.title}. ${trouble.message}` : ''}
        </p>
      </div>
    </div>
  )
})

interface PictureProps {
  readonly key: string
  readonly item: SearchItem
  readonly tile: Tile
  readonly isDoubtful: boolean
  readonly actions: Actions
}

const Picture = memo(({ item, tile, isDoubtful, actions }: PictureProps) => {
  const { image, relevance, safety } = item
  const { width, height } = tile
  const isLarge = Math.max(width, height) * devicePixelRatio > 340
  const name = fileName(image.path)
  const percent = relevance === null ? null : Math.round(relevance * 100)
  return (
    <li style={{ width: `${width}px`, height: `${height}px` }}>
      <a
        href={actions.addressOf(image.id)}
        data-id={image.id}
        class={[isDoubtful && 'doubtful', safety.length > 0 && 'veiled'].filter(Boolean).join(' ')}
        style={{ backgroundImage: placeholder(image.thumbHash) }}
        onClick={(event: MouseEvent) => {
          // Another tab or window is what these ask for.
          if (event.ctrlKey || event.metaKey || event.shiftKey) return
          event.preventDefault()
          actions.open(image.id)
        }}
      >
        <img
          src={actions.thumbnailUrl(image.id, isLarge ? 640 : 320)}
          alt={name}
          loading="lazy"
          decoding="async"
          onLoad={(event: Event) => (event.target as HTMLElement).classList.add('there')}
          onError={(event: Event) => (event.target as HTMLElement).classList.add('there')}
        />
        {image.generated && <span class="generated">generated</span>}
        {safety.length > 0 && <span class="suspicion">{suspicionText(safety)}</span>}
        <span class="caption">
          <span class="caption-name">{name}</span>
          <span class="relevance" hidden={percent === null}>
            {`${percent ?? 0} %`}
          </span>
        </span>
      </a>
    </li>
  )
})

/** Whole pixels inside an element, kept up with its size. */
function useWidth(of: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)))
    observer.observe(of.current!)
    return () => observer.disconnect()
  }, [])
  return width
}
