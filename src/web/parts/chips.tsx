// The terms of the question as chips: each may be turned from + to − and taken away.
import type { PartProps } from '../app.tsx'
import { isUpload, type PictureTerm } from '../query.ts'
import { findUpload } from '../uploads.ts'
import { parseWords } from '../words.ts'
import { Icon } from './icon.tsx'

export function Chips({ state: { query }, actions }: PartProps) {
  const words = parseWords(query.words)
  const [first] = words
  // A single text is in the search box already.
  const showWords = words.length + query.pictures.length > 1 || (first && first.weight !== 1)
  const chips = [
    ...(showWords ? words : []).map((term, i) => {
      const others = (change: typeof words) => words.toSpliced(i, 1, ...change)
      return (
        <Chip
          key={`word-${i}`}
          label={`“${term.text}”`}
          weight={term.weight}
          onTurn={() => actions.setWords(others([{ ...term, weight: -term.weight }]))}
          onRemove={() => actions.setWords(others([]))}
        >
          {term.text}
        </Chip>
      )
    }),
    ...query.pictures.map((term, i) => (
      <Chip
        key={term.key}
        label={`picture ${i + 1}`}
        weight={term.weight}
        onTurn={() => actions.weighPicture(term.key, -term.weight)}
        onRemove={() => actions.removePicture(term.key)}
      >
        <Thumbnail term={term} thumbnailUrl={actions.thumbnailUrl} />
      </Chip>
    )),
  ]
  return (
    <ul class="chips" aria-label="Terms" hidden={chips.length === 0}>
      {chips}
    </ul>
  )
}

function Thumbnail(props: {
  term: PictureTerm
  thumbnailUrl: (id: string, size: number) => string
}) {
  const { key } = props.term
  const upload = findUpload(key)
  const source = isUpload(key) ? (upload?.url ?? '') : props.thumbnailUrl(key, 160)
  return (
    <span class="chip-picture">
      <img src={source} alt="" />
      {upload ? 'your picture' : 'like this'}
    </span>
  )
}

interface ChipProps {
  readonly key: string
  readonly label: string
  readonly weight: number
  readonly onTurn: () => void
  readonly onRemove: () => void
  readonly children?: unknown
}

function Chip({ label, weight, onTurn, onRemove, children }: ChipProps) {
  const isMinus = weight < 0
  const size = Math.abs(weight)
  return (
    <li class={isMinus ? 'chip minus' : 'chip'}>
      <button
        type="button"
        onClick={onTurn}
        aria-label={`${isMinus ? 'Add' : 'Subtract'} ${label} instead`}
        title={isMinus ? 'Subtracted; click to add' : 'Added; click to subtract'}
      >
        <Icon name={isMinus ? 'minus' : 'plus'} />
      </button>
      <span class="chip-text">
        {size === 1 ? '' : `${size} × `}
        {children}
      </span>
      <button type="button" onClick={onRemove} aria-label={`Remove ${label}`}>
        <Icon name="close" />
      </button>
    </li>
  )
}
