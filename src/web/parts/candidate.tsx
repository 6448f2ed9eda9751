// A picture that was drawn: how near it comes, whether it was kept, and what can be done with it.
import type { Candidate as Drawn } from '../../api/generation-contract.ts'

interface CandidateProps {
  readonly key: string
  /** From 0, the best. */
  readonly n: number
  readonly drawn: Drawn
  readonly verdict: string
  /** Its id in the collection. */
  readonly kept: string | undefined
  readonly onKeep: () => void
  readonly onOpen: (id: string) => void
}

export function Candidate(props: CandidateProps) {
  const { n, drawn, verdict, kept, onKeep, onOpen } = props
  const { score, relevance, seed, url } = drawn
  const isCopy = drawn.nearCopyOf !== null || drawn.memorised
  const name = `Candidate ${n + 1}`
  const facts = [
    `score ${score.toFixed(3)}`,
    relevance === null ? '' : `relevance ${Math.round(relevance * 100)} %`,
  ]
  return (
    <li class={kept === undefined ? 'candidate' : 'candidate kept'}>
      <div class="print">
        {url === null ? (
          <p class="hint">Not remembered any more</p>
        ) : (
          <img src={url} alt={`${name}, generated`} />
        )}
        <span class="generated">generated</span>
      </div>
      <p class="numbers">{facts.filter(Boolean).join(' · ')}</p>
      <p class="hint">{kept === undefined ? verdict : 'kept in the collection'}</p>
      <div class="line">
        <a
          href={url ?? ''}
          download={`lucida-generated-${seed}.png`}
          aria-label={`Download ${name}`}
          hidden={url === null}
        >
          Download
        </a>
        <button
          type="button"
          class="quiet"
          aria-label={`${kept === undefined ? 'Keep' : 'Open'} ${name}`}
          hidden={kept === undefined && (isCopy || url === null)}
          onClick={() => (kept === undefined ? onKeep() : onOpen(kept))}
        >
          {kept === undefined ? 'Keep' : 'Open'}
        </button>
      </div>
    </li>
  )
}
